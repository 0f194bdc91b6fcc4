"""The run's exit status, from its results."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from nethygiene.engine.outcomes import Outcome, Reason, Severity
from nethygiene.engine.results import Result

REACHABILITY = "host-reachable"


class ExitStatus(IntEnum):
    """Our exit statuses; others are pytest's own."""

    CLEAN = 0
    FAILURES = 1
    CUT_SHORT = 2
    CRASHED = 3
    UNKNOWNS = 10
    NOTHING_JUDGED = 11


def exit_status(results: Iterable[Result], fail_on: Severity) -> ExitStatus:
    """The exit status of a run that came to its end.

    Returns:
        3 if a rule crashed; 1 for a failure at or above `fail_on`; 10 for no such failure but an
        unknown at or above it; 11 if nothing was judged, host-reachable apart; else 0.
    """
    results = list(results)
    severities = {severity for severity in Severity if severity.rank >= fail_on.rank}
    serious = {result.outcome for result in results if result.severity in severities}
    if any(result.reason is Reason.RULE_CRASHED for result in results):
        return ExitStatus.CRASHED
    if Outcome.FAILED in serious:
        return ExitStatus.FAILURES
    if Outcome.UNKNOWN in serious:
        return ExitStatus.UNKNOWNS
    judged = {result.rule for result in results if result.outcome is not Outcome.NOT_APPLICABLE}
    only_reachability = {result.rule for result in results} <= {REACHABILITY}
    if not judged or (judged == {REACHABILITY} and not only_reachability):
        return ExitStatus.NOTHING_JUDGED
    return ExitStatus.CLEAN

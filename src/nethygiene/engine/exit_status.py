"""From results to the run's exit status."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from nethygiene.engine.outcomes import Outcome, Reason, Severity
from nethygiene.engine.results import Result

REACHABILITY = "host-reachable"


class ExitStatus(IntEnum):
    """What a run ends with; others are pytest's own."""

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
    severities = {one for one in Severity if one.rank >= fail_on.rank}
    serious = [one for one in results if one.severity in severities]
    if any(one.reason is Reason.RULE_CRASHED for one in results):
        return ExitStatus.CRASHED
    if any(one.outcome is Outcome.FAILED for one in serious):
        return ExitStatus.FAILURES
    if any(one.outcome is Outcome.UNKNOWN for one in serious):
        return ExitStatus.UNKNOWNS
    judged = [one for one in results if one.outcome is not Outcome.NOT_APPLICABLE]
    only_reachability = all(one.rule == REACHABILITY for one in results)
    if not [one for one in judged if only_reachability or one.rule != REACHABILITY]:
        return ExitStatus.NOTHING_JUDGED
    return ExitStatus.CLEAN

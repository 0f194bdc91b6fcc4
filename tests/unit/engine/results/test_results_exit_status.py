"""From results to the exit status: the table in README, row by row."""

from __future__ import annotations

import pytest

from nethygiene.engine.exit_status import exit_status
from nethygiene.engine.outcomes import Outcome, Reason, Severity
from nethygiene.engine.results import Result

LOW, MEDIUM, HIGH, CRITICAL = Severity
PASSED, FAILED, UNKNOWN, NOT_APPLICABLE, WAIVED = Outcome

REACHABLE = ("host-reachable", PASSED, CRITICAL)


def result(rule: str, outcome: Outcome, severity: Severity, reason: Reason | None = None) -> Result:
    return Result(
        rule=rule,
        host="web-1",
        fingerprint="",
        outcome=outcome,
        reason=reason,
        severity=severity,
        message="",
    )


def status(*judged: tuple[str, Outcome, Severity], fail_on: Severity = MEDIUM) -> int:
    return exit_status([result(*one) for one in judged], fail_on)


def test_clean() -> None:
    assert status(REACHABLE, ("a", PASSED, HIGH), ("b", NOT_APPLICABLE, HIGH)) == 0


@pytest.mark.parametrize("outcome", [FAILED, UNKNOWN])
@pytest.mark.parametrize("fail_on", Severity)
@pytest.mark.parametrize("severity", Severity)
def test_what_is_below_fail_on_is_shown_and_does_not_count(
    outcome: Outcome, severity: Severity, fail_on: Severity
) -> None:
    counts = severity.rank >= fail_on.rank
    wanted = {FAILED: 1, UNKNOWN: 10}[outcome] if counts else 0
    assert status(REACHABLE, ("a", outcome, severity), fail_on=fail_on) == wanted


def test_a_failure_says_more_than_an_unknown() -> None:
    assert status(("a", UNKNOWN, CRITICAL), ("b", FAILED, MEDIUM)) == 1
    assert status(("a", UNKNOWN, HIGH), ("b", FAILED, LOW)) == 10


def test_a_waived_failure_is_none_but_was_judged() -> None:
    assert status(REACHABLE, ("a", WAIVED, CRITICAL)) == 0


def test_a_crash_says_more_than_any_verdict() -> None:
    crashed = result("a", UNKNOWN, LOW, Reason.RULE_CRASHED)
    failed = result("b", FAILED, CRITICAL)
    assert exit_status([crashed, failed], CRITICAL) == 3


def test_a_host_that_was_not_reached_is_a_failure() -> None:
    unreached = ("host-reachable", FAILED, CRITICAL)
    assert status(unreached, ("a", UNKNOWN, HIGH)) == 1
    assert status(unreached, fail_on=CRITICAL) == 1


def test_nothing_judged() -> None:
    assert status() == 11
    assert status(("a", NOT_APPLICABLE, CRITICAL)) == 11
    # That a host could be reached says nothing of what was asked.
    assert status(REACHABLE, ("a", NOT_APPLICABLE, HIGH)) == 11


def test_reachability_asked_for_alone_is_a_judgement() -> None:
    assert status(REACHABLE) == 0

"""Matchers, and what expect() says of a value that is not as expected."""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.engine.expect import Expect
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.rules import absent_or, at_least, at_most, equal_to, one_of
from nethygiene.subjects.kernel.counters import Change
from nethygiene.subjects.kernel.rises import never_risen, not_rising


def change(delta: int, total: int, *, since: bool = False) -> Change:
    return Change("TcpExtListenOverflows", delta, 2.0, total, 100.0, since)


MATCHES: list[tuple[Matcher[Any], Any, bool, str]] = [
    (at_least(3), 3, True, "at least 3"),
    (at_least(3), 2, False, "at least 3"),
    (at_most(3), 3, True, "at most 3"),
    (at_most(3), 4, False, "at most 3"),
    (equal_to(1), 1, True, "1"),
    (equal_to(1), 2, False, "1"),
    (equal_to("accept"), "refuse", False, "accept"),
    (one_of((0, 2)), 2, True, "0 or 2"),
    (one_of((0, 2)), 1, False, "0 or 2"),
    (absent_or(0), None, True, "absent or 0"),
    (absent_or(0), 0, True, "absent or 0"),
    (absent_or(0), 1, False, "absent or 0"),
    (not_rising(), change(0, 5), True, "no rise"),
    (not_rising(), change(1, 5), False, "no rise"),
    (never_risen(), change(0, 0), True, "no rise, and 0 since boot"),
    (never_risen(), change(0, 5), False, "no rise, and 0 since boot"),
    (never_risen(), change(1, 1), False, "no rise, and 0 since boot"),
    (never_risen(), change(0, 5, since=True), True, "since the run that --since names"),
    (never_risen(), change(1, 5, since=True), False, "since the run that --since names"),
]


@pytest.mark.parametrize(("matcher", "value", "accepted", "words"), MATCHES)
def test_matchers(matcher: Matcher[Any], value: object, accepted: bool, words: str) -> None:
    assert matcher.accepts(value) is accepted
    assert words in matcher.description


def test_a_good_value_is_recorded() -> None:
    ledger = Ledger()
    assert Expect(ledger)("somaxconn", 4096, at_least(511)) is True
    assert (ledger.expectations, ledger.failures) == (1, [])
    assert ledger.observations[0].actual == "4096"


def test_a_bad_value_fails_and_the_rule_goes_on() -> None:
    ledger = Ledger()
    expect = Expect(ledger)
    absent_is_no_zero: Matcher[int | None] = Matcher("0", lambda actual: actual == 0)
    assert expect("somaxconn", 128, at_least(511), "raise it") is False
    assert expect("recycle", None, absent_is_no_zero) is False
    assert ledger.failures == [
        "somaxconn is 128, expected at least 511: raise it",
        "recycle is absent, expected 0",
    ]


def test_a_hint_is_asked_for_on_failure_alone() -> None:
    asked: list[str] = []

    def hint() -> str:
        asked.append("asked")
        return "why"

    ledger = Ledger()
    Expect(ledger)("x", 1, equal_to(1), hint)
    assert asked == []
    Expect(ledger)("x", 2, equal_to(1), hint)
    assert ledger.failures == ["x is 2, expected 1: why"]


def test_a_hint_whose_facts_are_unreadable_leaves_the_failure() -> None:
    ledger = Ledger()
    denied = Unreadable(Reason.PERMISSION, "ss", "denied")
    Expect(ledger)("x", 2, equal_to(1), lambda: ledger.cannot_read(denied))
    assert ledger.failures == ["x is 2, expected 1"]
    assert ledger.unreadable == [denied]


def test_a_failure_brings_its_remedy() -> None:
    ledger = Ledger()
    expect = Expect(ledger)
    expect("x", 1, equal_to(1), remedy=lambda: pytest.fail("asked for though nothing failed"))
    expect("x", 2, equal_to(1), remedy="`set x 1`")
    expect("y", 2, equal_to(1), remedy=lambda: "`set y 1`")
    expect("z", 2, equal_to(1), remedy="`set x 1`")
    expect("z", 2, equal_to(1))
    assert list(ledger.remedies) == ["`set x 1`", "`set y 1`", ""]


def test_what_a_remedy_reads_is_no_part_of_the_verdict() -> None:
    ledger = Ledger()
    ledger.read("x", "before", 2)

    def remedy() -> str:
        ledger.read("y", "remedy", 3)
        ledger.cannot_read(Unreadable(Reason.PERMISSION, "ss", "denied"))

    Expect(ledger)("x", 2, equal_to(1), remedy=remedy)
    ledger.close()
    assert ledger.failures == ["x is 2, expected 1"]
    assert list(ledger.remedies) == [""]
    assert ledger.unreadable == []
    assert [(one.what, one.source) for one in ledger.observations] == [("x", "before")]


def test_a_remedy_that_crashes_leaves_the_failure_and_says_so() -> None:
    ledger = Ledger()
    Expect(ledger)("x", 2, equal_to(1), "why", lambda: str(1 / 0))
    assert ledger.failures == [
        "x is 2, expected 1: why (its remedy crashed: ZeroDivisionError: division by zero)"
    ]
    assert list(ledger.remedies) == [""]

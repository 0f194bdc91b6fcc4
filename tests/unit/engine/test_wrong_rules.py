"""Rules that are wrong: they crash, judge nothing, or end by what no rule ends by."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nethygiene.engine.expect import Expect, NotApplicableError
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.rules import equal_to, not_applicable
from nethygiene.subjects.kernel.sysctl import Sysctls
from tests.unit.engine.writing_rules import good, verdict

# -- rules that are wrong in other ways ------------------------------------------------------


def crashes(expect: Expect) -> None:
    good(expect)
    raise ZeroDivisionError("by zero")


def exits(expect: Expect) -> None:
    good(expect)
    sys.exit(0)


def skips(expect: Expect) -> None:
    good(expect)
    pytest.skip("not today")


def expects_failure(expect: Expect) -> None:
    good(expect)
    pytest.xfail("known")


def ends_the_run(expect: Expect) -> None:
    good(expect)
    pytest.exit("enough")


def recurses(expect: Expect) -> None:
    good(expect)
    recurses(expect)


def gets_a_key_error(expect: Expect) -> None:
    good(expect)
    nothing: dict[str, int] = {}
    nothing["x"] += 1


@pytest.mark.parametrize(
    "bad",
    [crashes, exits, skips, expects_failure, ends_the_run, recurses, gets_a_key_error],
    ids=lambda one: one.__name__,
)
def test_a_rule_that_crashes_is_unknown_with_its_traceback(bad: Callable[..., object]) -> None:
    found = verdict(bad)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.RULE_CRASHED)
    assert found.traceback is not None
    assert bad.__code__.co_name in found.traceback
    assert "\n" not in found.message


def test_ctrl_c_is_no_verdict() -> None:
    def interrupted(expect: Expect) -> None:
        good(expect)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict(interrupted)


TOO_FEW: Matcher[Any] = Matcher("at least 1", lambda actual: actual >= 1)


def loses_a_crashing_expectation(expect: Expect) -> None:
    with contextlib.suppress(Exception):
        expect("absent", None, TOO_FEW)
    good(expect)


def test_an_expectation_that_crashed_is_not_lost() -> None:
    found = verdict(loses_a_crashing_expectation)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.RULE_CRASHED)
    assert "the expectation of absent crashed: TypeError" in found.message


def test_a_hint_that_crashes_takes_no_failure_away() -> None:
    def with_a_bad_hint(expect: Expect) -> None:
        with contextlib.suppress(Exception):
            expect("x", 0, equal_to(1), lambda: str(1 // 0))
        good(expect)

    found = verdict(with_a_bad_hint)
    assert found.outcome is Outcome.FAILED
    assert "x is 0, expected 1: (its hint crashed: ZeroDivisionError" in found.message


def expects_nothing(expect: Expect) -> None:
    pass


def returns_early(sysctl: Sysctls, expect: Expect) -> None:
    if sysctl["net.core.somaxconn"] == 128:
        return
    good(expect)


def is_a_generator(expect: Expect) -> Iterator[None]:
    good(expect)
    yield


def returns_false(expect: Expect) -> bool:
    return expect is None


def swallows_its_own_not_applicable(expect: Expect) -> None:  # noqa: ARG001 - the point of it
    with contextlib.suppress(NotApplicableError):
        not_applicable("not here")


@pytest.mark.parametrize(
    "bad",
    [
        expects_nothing,
        returns_early,
        is_a_generator,
        returns_false,
        swallows_its_own_not_applicable,
    ],
    ids=lambda one: one.__name__,
)
def test_a_rule_that_judged_nothing_is_unknown(bad: Callable[..., object]) -> None:
    found = verdict(bad)
    assert (found.outcome, found.reason) == (Outcome.UNKNOWN, Reason.NOTHING_CHECKED)
    assert "without a single expect()" in found.message


def test_an_assertion_of_the_rules_own_fails() -> None:
    def asserts(sysctl: Sysctls, expect: Expect) -> None:
        good(expect)
        assert sysctl["net.core.somaxconn"] == 4096, "too small"

    found = verdict(asserts)
    assert found.outcome is Outcome.FAILED
    assert "too small" in found.message

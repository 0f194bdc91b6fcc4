"""The ledger, and the stand-in for a fact that could not be read."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest

from nethygiene.engine.fact import Fact, UnreadableFact
from nethygiene.engine.kernel import Kernel
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Observation, Reason, Unreadable

DENIED = Unreadable(Reason.PERMISSION, "cat /x", "denied")


def test_an_expectation_takes_over_the_reads_before_it() -> None:
    ledger = Ledger()
    ledger.read("a", "/a", 1)
    ledger.read("b", "/b", 2)
    ledger.read("b", "/b", 2)
    ledger.expect("sum", "3", "3", None)
    ledger.read("c", "/c", "x")
    ledger.close()
    assert ledger.observations == [
        Observation("a", "/a", None, "1"),
        Observation("b", "/b", None, "2"),
        Observation("sum", "/a; /b", "3", "3"),
        Observation("c", "/c", None, "x"),
    ]
    assert (ledger.expectations, ledger.failures) == (1, [])


def test_the_read_of_what_is_judged_is_told_once() -> None:
    ledger = Ledger()
    ledger.read("a", "/a", 1)
    ledger.expect("a", "at least 2", "1", "a is 1")
    assert ledger.observations == [Observation("a", "/a", "at least 2", "1")]
    assert ledger.failures == ["a is 1"]


def test_what_is_unreadable_is_kept_once_and_in_order() -> None:
    ledger = Ledger()
    for _ in range(2):
        with pytest.raises(UnreadableFactError, match="cat /x: denied"):
            ledger.cannot_read(DENIED)
    with pytest.raises(UnreadableFactError, match="cannot be told"):
        ledger.undecidable("cannot be told")
    assert [one.reason for one in ledger.unreadable] == [Reason.PERMISSION, Reason.UNDECIDABLE]


def test_the_exception_is_none_that_python_swallows_by_itself() -> None:
    swallowed = (KeyError, IndexError, AttributeError, StopIteration, TypeError, LookupError)
    assert not issubclass(UnreadableFactError, swallowed)


USES: dict[str, Callable[[Any], object]] = {
    "attribute": lambda fact: fact.release,
    "private attribute": lambda fact: fact._values,
    "item": operator.itemgetter("x"),
    "iteration": list,
    "unpacking": lambda fact: [*fact],
    "length": len,
    "containment": lambda fact: "x" in fact,
    "truth": bool,
    "negation": operator.not_,
    "call": lambda fact: fact(),
    "equality": lambda fact: fact == 1,
    "inequality": lambda fact: fact != 1,
    "order": lambda fact: fact < 1,
    "order from the other side": lambda fact: operator.ge(1, fact),
    "text": str,
    "format": lambda fact: f"{fact}",
    "number": int,
    "real number": float,
    "index": operator.index,
    "reversal": lambda fact: list(reversed(fact)),
    "default attribute": lambda fact: getattr(fact, "release", "6.1"),
    "presence of an attribute": lambda fact: hasattr(fact, "release"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_any_use_of_an_unreadable_fact_is_remembered(use: Callable[[Any], object]) -> None:
    ledger = Ledger()
    with pytest.raises(UnreadableFactError):
        use(UnreadableFact(DENIED, ledger))
    assert ledger.unreadable == [DENIED]


def test_an_unreadable_fact_that_nobody_uses_is_no_matter() -> None:
    ledger = Ledger()
    fact = UnreadableFact(DENIED, ledger)
    assert "UnreadableFact" in repr(fact)
    assert fact is not None
    assert ledger.unreadable == []


def test_a_fact_is_bound_to_a_ledger_without_being_changed() -> None:
    kernel = Kernel("Linux", "6.1", (6, 1))
    ledger = Ledger()
    bound = kernel.bound_to(ledger)
    assert bound == kernel
    assert bound.ledger is ledger
    assert kernel.ledger is not ledger
    assert isinstance(bound, Fact)
    with pytest.raises(AttributeError):
        bound.release = "6.2"  # type: ignore[misc]


def test_expectations_that_share_a_read_name_the_same_source() -> None:
    ledger = Ledger()
    ledger.expect("declared", "x", "x", None)
    ledger.read("listening sockets", "ss -lntme", 2)
    ledger.expect("accept queue of :80", "at most 4", "0", None)
    ledger.expect("accept queue of :443", "at most 4", "5", "5")
    ledger.read("overflows", "/proc/net/netstat", 0)
    ledger.expect("overflows", "no rise", "0", None)
    judged = [one.source for one in ledger.observations if one.expected is not None]
    assert judged == ["", "ss -lntme", "ss -lntme", "/proc/net/netstat"]

"""The way of a connection as a line of hops."""

from __future__ import annotations

from nethygiene.engine.outcomes import Observation, Outcome, Severity
from nethygiene.engine.results import Result
from nethygiene.report.ways import hops, way_text, ways


def result(outcome: Outcome, *steps: str | None) -> Result:
    return Result(
        rule="upstream-reachable",
        host="web-1",
        item="database → db-1",
        fingerprint="0",
        outcome=outcome,
        severity=Severity.HIGH,
        message="",
        observations=(
            Observation("listeners", "ss", None, "none", "elsewhere"),
            *(Observation("a filter", "nft", "let through", "so", host) for host in steps),
        ),
    )


def test_a_way_there_and_back() -> None:
    passed = result(Outcome.PASSED, "web-1", "web-1", "router", "db-1", "router", "web-1")
    assert way_text(passed) == "web-1 → router → db-1 → router → web-1"
    assert {hop.state for hop in hops(passed)} == {"passes"}


def test_the_refusing_host_is_marked_by_a_sign() -> None:
    for outcome in (Outcome.FAILED, Outcome.WAIVED):
        assert way_text(result(outcome, "web-1", "router", "router")) == "web-1 → router ✗"


def test_a_way_that_cannot_be_followed_on_is_open() -> None:
    assert way_text(result(Outcome.UNKNOWN, "web-1", "router")) == "web-1 → router ?"


def test_a_result_of_one_host_has_none() -> None:
    alone = result(Outcome.FAILED, None)
    assert hops(alone) == ()
    assert way_text(alone) == ""
    assert ways([alone, result(Outcome.PASSED, "web-1")]) == 1

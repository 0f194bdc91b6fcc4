"""Large answers take turns; small ones never wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from nethygiene.transport.deadline import Deadline
from nethygiene.transport.large_answers import LARGE, SMALL, Turn, kept

SOME, FEW = 8, 2


@pytest.fixture
def turns() -> Iterator[list[Turn]]:
    made = [Turn() for _ in range(SOME + 2)]
    yield made
    for turn in made:
        turn.release()


def test_a_small_answer_never_waits(turns: list[Turn]) -> None:
    assert all(turn.wait(SMALL + 1, Deadline.after(1)) for turn in turns[:SOME])
    assert turns[SOME].wait(SMALL, Deadline.after(0))


@pytest.mark.parametrize(("beyond", "at_once"), [(SMALL, SOME), (LARGE, FEW)])
def test_a_large_one_waits_for_its_turn_until_its_deadline(
    turns: list[Turn], beyond: int, at_once: int
) -> None:
    *first, late, last = turns[: at_once + 2]
    assert all(turn.wait(beyond + 1, Deadline.after(1)) for turn in first)
    assert not late.wait(beyond + 1, Deadline.after(0.05))
    threading.Timer(0.05, first[0].release).start()
    assert late.wait(beyond + 1, Deadline.after(60))
    # Whoever has a turn keeps it, and gives it back once.
    assert late.wait(beyond + 2, Deadline.after(0))
    first[0].release()
    assert not last.wait(beyond + 1, Deadline.after(0.05))


def test_two_that_trickle_hold_up_no_busy_host(turns: list[Turn]) -> None:
    assert all(turn.wait(LARGE + 1, Deadline.after(1)) for turn in turns[:FEW])
    assert turns[FEW].wait(LARGE, Deadline.after(1))


def test_of_one_beyond_its_cap_the_beginning_is_kept() -> None:
    stream = bytearray(2 * SMALL)
    assert len(kept(stream, 2 * SMALL, cut=False)) == 2 * SMALL
    assert len(kept(stream, 2 * SMALL - 1, cut=True)) == SMALL
    assert len(kept(stream, 10, cut=True)) == 10

"""Large answers take turns; small ones never wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from nethygiene.transport.deadline import Deadline
from nethygiene.transport.large_answers import SMALL, Turn, kept


@pytest.fixture
def turns() -> Iterator[list[Turn]]:
    made = [Turn() for _ in range(4)]
    yield made
    for turn in made:
        turn.release()


def test_a_small_answer_never_waits(turns: list[Turn]) -> None:
    assert all(turn.wait(SMALL + 1, Deadline.after(1)) for turn in turns[:2])
    assert turns[2].wait(SMALL, Deadline.after(0))


def test_a_large_one_waits_for_its_turn_until_its_deadline(turns: list[Turn]) -> None:
    assert all(turn.wait(SMALL + 1, Deadline.after(1)) for turn in turns[:2])
    assert not turns[2].wait(SMALL + 1, Deadline.after(0.05))
    threading.Timer(0.05, turns[0].release).start()
    assert turns[2].wait(SMALL + 1, Deadline.after(10))
    # Whoever has a turn keeps it, and gives it back once.
    assert turns[2].wait(2 * SMALL, Deadline.after(0))
    turns[0].release()
    assert not turns[3].wait(SMALL + 1, Deadline.after(0.05))


def test_of_one_beyond_its_cap_the_beginning_is_kept() -> None:
    stream = bytearray(2 * SMALL)
    assert len(kept(stream, 2 * SMALL, cut=False)) == 2 * SMALL
    assert len(kept(stream, 2 * SMALL - 1, cut=True)) == SMALL
    assert len(kept(stream, 10, cut=True)) == 10

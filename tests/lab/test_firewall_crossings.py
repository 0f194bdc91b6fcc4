"""The target as a client, a router, and an end of datagrams: the model against the kernel.

``make truth`` compares more rulesets; `python -m tests.lab.firewall` compares any.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.firewall.comparing import THOROUGH
from tests.lab.firewall.crossing_comparing import (
    CROSSINGS,
    Crossroads,
    crossroads,
    judge_crossings,
)
from tests.lab.firewall.datagram_comparing import DATAGRAMS, judge_datagrams, postings
from tests.lab.firewall.tally import Tally
from tests.lab.lab import Lab

_RULESETS, _EACH = (60, 45) if THOROUGH else (8, 45)
_LEAST = 2000 if THOROUGH else 250


@pytest.fixture(scope="module")
def built(lab: Lab) -> Iterator[Crossroads]:
    with crossroads(lab) as roads:
        yield roads


@pytest.mark.parametrize("kind", CROSSINGS)
def test_the_kernel_does_what_the_model_says_of_connections(built: Crossroads, kind: str) -> None:
    tally = Tally()
    for seed in range(_RULESETS):
        tally.add(judge_crossings(built, kind, seed, count=_EACH))
    _check(kind, tally)


def test_the_kernel_does_what_the_model_says_of_datagrams(built: Crossroads) -> None:
    tally = Tally()
    with postings(built) as posts:
        for seed in range(_RULESETS):
            tally.add(judge_datagrams(posts, seed, count=_EACH))
    _check(DATAGRAMS, tally)


def _check(kind: str, tally: Tally) -> None:
    print(kind, tally.told())  # noqa: T201 - the numbers are what this test is for: pytest -s, -rP
    assert not tally.wrong, tally.told()
    assert tally.verdicts >= _LEAST
    # Otherwise there would be nothing to compare.
    assert tally.kernel["open"] > tally.verdicts / 8
    assert tally.kernel["closed"] > tally.verdicts / 8
    assert tally.share <= 3, tally.told()

"""The model of the packet filter against what a kernel did, recorded: without root, in seconds.

`python -m tests.lab.firewall.recording` records it anew. As root, `make test` asks the kernel
itself besides, about other rulesets.
"""

from __future__ import annotations

import itertools
from functools import cache

import pytest

from nethygiene.subjects.filter.filter_fact import PacketFilter
from tests.lab.firewall.kinds import KINDS
from tests.lab.firewall.model import said
from tests.lab.firewall.recording import read
from tests.lab.firewall.tally import Tally, total
from tests.unit.sections import fact


@cache
def tally_of(kind: str) -> Tally:
    """How the model does with a kind."""
    tally = Tally()
    for ruleset in read(kind):
        found = fact("packet_filter", ruleset.sections)
        assert isinstance(found, PacketFilter)
        for attempt, answer in ruleset.answers:
            tally.count(ruleset.name, attempt, said(found, attempt), answer=answer)
    return tally


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_did_what_the_model_says(kind: str) -> None:
    tally = tally_of(kind)
    assert not tally.wrong, tally.told()
    assert tally.verdicts > 100


def test_few_are_unknown_and_both_answers_and_families_are_there() -> None:
    everything = total(tally_of(kind) for kind in KINDS)
    usual = total(tally_of(kind) for kind in KINDS if KINDS[kind].usual)
    assert everything.verdicts >= 2000
    assert everything.kernel["open"] > everything.verdicts / 5
    assert everything.kernel["closed"] > everything.verdicts / 5
    assert everything.share <= 3, everything.told()
    assert usual.share <= 1, usual.told()
    for kind in KINDS:
        assert {attempt.family for one in read(kind) for attempt, _ in one.answers} == {
            "ipv4",
            "ipv6",
        }


def test_a_model_that_is_wrong_is_noticed() -> None:
    """What is recorded of one ruleset does not hold for the listings of the next."""
    tally = Tally()
    for listed, answered in itertools.pairwise(read("single")):
        found = fact("packet_filter", listed.sections)
        assert isinstance(found, PacketFilter)
        for attempt, answer in answered.answers:
            tally.count(answered.name, attempt, said(found, attempt), answer=answer)
    assert len(tally.wrong) > tally.verdicts / 20

"""The model of the packet filter against the kernel: random rulesets, and real connections.

``make truth`` compares more of them; `python -m tests.lab.firewall` compares any.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.lab.firewall.by_rules import compare_rules
from tests.lab.firewall.comparing import THOROUGH, Ground, ground
from tests.lab.firewall.kinds import KINDS, judge, load
from tests.lab.firewall.tally import Tally, total
from tests.lab.lab import Lab

_RULESETS = {
    "single": 12,
    "nft": 12,
    "iptables": 8,
    "iptables-legacy": 4,
    "both": 4,
    "routing-rules": 8,
}
"""How many of each kind; of the others two. Many rulesets find more than many connections."""
_CONNECTIONS = 45
_MORE = 7 if THOROUGH else 1


@pytest.fixture(scope="module")
def built(lab: Lab) -> Iterator[Ground]:
    with ground(lab) as one:
        yield one


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    return {}


def test_no_connection_is_part_of_an_earlier_one(built: Ground) -> None:
    load(built, "red-hat", 0)
    built.loop.connect(built.attempts(Random(0), 20))
    count = "cat /proc/sys/net/netfilter/nf_conntrack_count"
    assert int(built.target.shell(count).stdout) > 0
    built.topology.forget()
    assert int(built.target.shell(count).stdout) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_does_what_the_model_says(
    built: Ground, tallies: dict[str, Tally], kind: str
) -> None:
    tally = tallies[kind] = Tally()
    for seed in range(_RULESETS.get(kind, 2) * _MORE):
        tally.add(judge(built, kind, seed, count=_CONNECTIONS))
    print(kind, tally.told())  # noqa: T201 - the numbers are what this test is for: pytest -s, -rP
    assert not tally.wrong, tally.told()


@pytest.mark.parametrize("kind", KINDS)
def test_connections_bear_out_the_rules(built: Ground, kind: str) -> None:
    tally = Tally()
    for seed in range(100, 100 + _MORE):
        load(built, kind, seed)
        compare_rules(built, f"{kind} {seed}", tally, Random(seed))
    print(kind, tally.told())  # noqa: T201 - see above
    assert not tally.wrong, tally.told()
    assert tally.kernel["passed"] + tally.kernel["failed"] > 0


def test_few_are_unknown(tallies: dict[str, Tally]) -> None:
    everything = total(tallies.values())
    usual = total(tally for kind, tally in tallies.items() if KINDS[kind].usual)
    assert everything.verdicts >= 2000 * (5 if THOROUGH else 1)
    # Otherwise there would be nothing to compare.
    assert everything.kernel["open"] > everything.verdicts / 5
    assert everything.kernel["closed"] > everything.verdicts / 5
    assert everything.share <= 3, everything.told()
    assert usual.share <= 1, usual.told()

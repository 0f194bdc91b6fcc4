"""The model of the packet filter against the kernel: random rulesets, and real connections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.firewall import rulesets
from tests.lab.firewall.ground import THOROUGH, Ground, Tally, ground
from tests.lab.lab import Lab

NFT_SEEDS = range(60 if THOROUGH else 6)
IPTABLES_SEEDS = range(30 if THOROUGH else 3)


@pytest.fixture(scope="module")
def filtered(lab: Lab) -> Iterator[Ground]:
    with ground(lab) as built:
        yield built


@pytest.fixture(scope="module")
def total() -> Tally:
    return Tally()


def _agrees(tally: Tally, total: Tally) -> None:
    print(tally)  # noqa: T201 - the numbers are what this test is for: pytest -s, or -rP
    total.verdicts += tally.verdicts
    total.unknown += tally.unknown
    assert not tally.wrong, "\n".join([str(tally), *tally.wrong[:20]])
    # Otherwise there would be nothing to compare.
    assert tally.answers["open"] > tally.verdicts / 20
    assert tally.answers["silent"] + tally.answers["refused"] > tally.verdicts / 20


def test_nftables(filtered: Ground, total: Tally) -> None:
    tally = Tally()
    for seed in NFT_SEEDS:
        filtered.flush()
        filtered.load(rulesets.nft(seed), "nft", "-f", "-")
        filtered.compare(f"nft {seed}", tally)
    _agrees(tally, total)


@pytest.mark.parametrize("variant", ["", "-legacy"])
def test_iptables(filtered: Ground, total: Tally, variant: str) -> None:
    tally = Tally()
    for seed in IPTABLES_SEEDS:
        filtered.flush()
        for six in (False, True):
            tool = f"ip{'6' * six}tables{variant}-restore"
            filtered.load(rulesets.iptables(seed, six=six), tool)
        filtered.compare(f"iptables{variant} {seed}", tally)
    _agrees(tally, total)


def test_both_at_once(filtered: Ground, total: Tally) -> None:
    tally = Tally()
    for seed in range(100, 100 + len(IPTABLES_SEEDS)):
        filtered.flush()
        filtered.load(rulesets.iptables(seed, six=False), "iptables-restore")
        filtered.load(rulesets.nft(seed), "nft", "-f", "-")
        filtered.compare(f"both {seed}", tally)
    _agrees(tally, total)


def test_few_are_unknown(total: Tally) -> None:
    assert total.verdicts >= (2000 if THOROUGH else 400)
    assert total.unknown <= 0.05 * total.verdicts

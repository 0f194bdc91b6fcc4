"""The kinds of rulesets that are compared, and how each is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from tests.lab.firewall.comparing import Ground
from tests.lab.firewall.iptables_rulesets import iptables
from tests.lab.firewall.kubernetes import kube_iptables, kube_nft
from tests.lab.firewall.nft_rulesets import nft, single
from tests.lab.firewall.routing_rules import marking, routing_rules
from tests.lab.firewall.shapes import distribution, openwrt, red_hat
from tests.lab.firewall.tally import Tally


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rulesets.

    Attributes:
        load: gives the target the ruleset of a seed.
        usual: rulesets that distributions and their tools install: hardly any may be unknown.
    """

    load: Callable[[Ground, int], None]
    usual: bool = False


def _nft(ground: Ground, seed: int) -> None:
    ground.load(nft(seed), "nft", "-f", "-")


def _single(ground: Ground, seed: int) -> None:
    ground.load(single(seed), "nft", "-f", "-")


def _iptables(ground: Ground, seed: int) -> None:
    for six in (False, True):
        ground.load(iptables(seed, six=six), f"ip{'6' * six}tables-restore")


def _legacy(ground: Ground, seed: int) -> None:
    for six in (False, True):
        ground.load(iptables(seed, six=six), f"ip{'6' * six}tables-legacy-restore")


def _both(ground: Ground, seed: int) -> None:
    variant = "-legacy" if seed % 2 else ""
    ground.load(iptables(seed, six=False), f"iptables{variant}-restore")
    ground.load(nft(seed), "nft", "-f", "-")


def _kube(ground: Ground, seed: int) -> None:
    ground.load(kube_iptables(seed), f"iptables{'-legacy' * (seed % 2)}-restore")


def _kube_nft(ground: Ground, seed: int) -> None:
    ground.load(kube_nft(seed), "nft", "-f", "-")


def _openwrt(ground: Ground, seed: int) -> None:
    ground.load(openwrt(seed), "nft", "-f", "-")


def _red_hat(ground: Ground, seed: int) -> None:
    for six in (False, True):
        ground.load(red_hat(seed, six=six), f"ip{'6' * six}tables-restore")


def _routing_rules(ground: Ground, seed: int) -> None:
    ground.load(marking(seed), "nft", "-f", "-")
    ground.target.shell(routing_rules(seed))


def _distribution(ground: Ground, seed: int) -> None:
    ground.load(distribution(seed), "nft", "-f", "-")


KINDS: Mapping[str, Kind] = {
    "single": Kind(_single),
    "nft": Kind(_nft),
    "iptables": Kind(_iptables),
    "iptables-legacy": Kind(_legacy),
    "both": Kind(_both),
    "routing-rules": Kind(_routing_rules),
    "kube-proxy": Kind(_kube, usual=True),
    "kube-proxy-nft": Kind(_kube_nft, usual=True),
    "openwrt": Kind(_openwrt, usual=True),
    "red-hat": Kind(_red_hat, usual=True),
    "distribution": Kind(_distribution, usual=True),
}


def load(ground: Ground, kind: str, seed: int) -> None:
    """Give the target the ruleset of this seed, and no other."""
    ground.flush()
    KINDS[kind].load(ground, seed)


def judge(ground: Ground, kind: str, seed: int, *, count: int) -> Tally:
    """Load the ruleset of this seed, and compare so many connections."""
    tally = Tally()
    load(ground, kind, seed)
    ground.compare(f"{kind} {seed}", tally, ground.attempts(Random(seed), count))
    return tally

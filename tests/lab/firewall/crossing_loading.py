"""Gives the target a random ruleset about what it opens, forwards, answers and sends."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.lab.firewall.comparing import Ground
from tests.lab.firewall.crossing_rulesets import crossing_iptables, crossing_nft
from tests.lab.firewall.values import MARKS, often

_TABLE = 77


def _nft(built: Ground, seed: int) -> None:
    built.load(crossing_nft(seed), "nft", "-f", "-")


def _iptables(built: Ground, seed: int) -> None:
    for six in (False, True):
        built.load(crossing_iptables(seed, six=six), f"ip{'6' * six}tables-restore")


def _legacy(built: Ground, seed: int) -> None:
    for six in (False, True):
        built.load(crossing_iptables(seed, six=six), f"ip{'6' * six}tables-legacy-restore")


LOADERS: tuple[Callable[[Ground, int], None], ...] = (_nft, _iptables, _nft, _legacy)
"""Every second ruleset is nft's, the others are iptables' of either kind."""


def load(built: Ground, seed: int) -> None:
    """Give the target the ruleset of this seed, and no other; now and then with routing by mark."""
    built.flush()
    built.target.shell(
        f"for f in -4 -6; do ip $f route flush table {_TABLE} 2>/dev/null; done; true"
    )
    LOADERS[seed % len(LOADERS)](built, seed)
    random = Random(f"routes {seed}")
    if often(random, 0.4):
        built.target.shell("; ".join(_routes(random)))


def _routes(random: Random) -> list[str]:
    commands = []
    for family, router, nets in (
        ("-4", "198.18.210.1", ("198.18.0.0/16", "10.77.0.0/24", "203.0.113.0/24")),
        ("-6", "fd42:198:18::d1", ("fd42:198:18::/64", "fd77::/64", "2001:db8:3::/64")),
    ):
        mark = random.choice(MARKS)
        asked = random.choice((f"fwmark {mark}", f"fwmark {mark}/{mark}"))
        commands.append(f"ip {family} rule add pref 20 {asked} lookup {_TABLE}")
        outer, inner, far = nets
        way = random.choice(
            (
                f"unreachable {random.choice(nets)}",
                f"blackhole {random.choice(nets)}",
                f"{outer} via {router} dev eth0",
                f"{inner} dev eth1",
                f"{far} via {router} dev eth0",
                f"{far} dev eth1",
            )
        )
        commands.append(f"ip {family} route add {way} table {_TABLE}")
    return commands

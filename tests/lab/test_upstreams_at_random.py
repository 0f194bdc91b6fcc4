"""upstream-reachable against real connections, through random filters, routes and NAT.

More of them: ``python -m tests.lab.test_upstreams_at_random FIRST END`` tries those seeds.
"""

from __future__ import annotations

import random
import sys

import pytest

from nethygiene.engine.outcomes import Outcome
from tests.lab.host import Family
from tests.lab.lab import Lab
from tests.lab.test_upstreams import filled, words
from tests.lab.three_networks import PORT, networks

HOOKS = {
    "client": ("output", "input"),
    "server": ("input", "output"),
    "router": ("forward", "prerouting", "postrouting"),
    "detour": ("forward", "prerouting", "postrouting"),
}
MATCHES = (
    *(f"tcp dport {PORT}", f"tcp sport {PORT}", "{ip} saddr {CLIENT}", "{ip} saddr {SERVER}"),
    *(f"{{ip}} daddr {{SERVER}} tcp dport {PORT}", "{ip} daddr {NET_S}", "{ip} saddr {ROUTER_S}"),
    *("ct state invalid", "ct state new", "ct direction reply", "tcp flags syn / syn,ack"),
    *("iifname eth0", "oifname eth1"),
)
MASQUERADE = (
    "nft add table inet n; nft 'add chain inet n p { type nat hook postrouting priority 100; }'; "
    "nft add rule inet n p oifname eth1 masquerade"
)
CHANGES = {
    "client": (
        "sysctl -qw net.ipv4.conf.all.rp_filter=1",
        "ip {option} route replace default via {DETOUR_C}",
    ),
    "router": (
        MASQUERADE,
        "sysctl -qw net.ipv4.conf.all.rp_filter=1",
    ),
    "detour": ("sysctl -qw net.ipv4.conf.all.rp_filter=2",),
    "server": (
        "ip {option} route replace default via {DETOUR_S}",
        "sysctl -qw net.ipv4.conf.all.rp_filter=1",
    ),
}


def ruleset(rng: random.Random, name: str) -> str:
    """A script that gives a host a random filter."""
    lines = ["nft add table inet t"]
    for hook in rng.sample(HOOKS[name], rng.randint(1, len(HOOKS[name]))):
        filters = hook in {"input", "forward", "output"}
        policy = rng.choice(("accept", "accept", "drop")) if filters else "accept"
        base = f"type filter hook {hook} priority {rng.choice((0, -150, 10))}; policy {policy};"
        rule = f"nft add rule inet t {hook}"
        lines.append(f"nft 'add chain inet t {hook} {{ {base} }}'")
        # Without neighbour discovery nothing works in IPv6, whatever the other rules say.
        lines.append(f"{rule} meta l4proto ipv6-icmp accept")
        if rng.random() < 0.5:
            lines.append(f"{rule} ct state established,related accept")
        for _ in range(rng.randint(1, 4)):
            action = rng.choice(("accept", "accept", "drop", "reject" if filters else "drop"))
            lines.append(f"{rule} {rng.choice(MATCHES)} {action}")
    return "; ".join(lines)


def compared(lab: Lab, seed: int) -> tuple[Outcome, bool, str]:
    """The verdict on random networks, whether a connection works, and what tells them apart."""
    rng = random.Random(seed)
    family: Family = rng.choice(("ipv4", "ipv6"))
    with networks(lab) as made:
        given = words(made, family)
        made.serve()
        scripts = []
        for name in HOOKS:
            if rng.random() < 0.45:
                scripts.append((name, filled(ruleset(rng, name), given)))
            if rng.random() < 0.5:
                scripts.append((name, filled(rng.choice(CHANGES[name]), given)))
        for name, script in scripts:
            made.hosts[name].shell(f"set -e; {script}")
        address = given["SERVER"]
        verdict = made.verdict({"address": address})
        works = made.connects(address, expected=verdict.outcome is Outcome.PASSED)
        return verdict.outcome, works, f"seed {seed}, {family}: {verdict.message}: {scripts}"


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_is_what_a_connection_finds(lab: Lab, seed: int) -> None:
    outcome, works, told = compared(lab, seed)
    assert outcome is (Outcome.PASSED if works else Outcome.FAILED), told


def main(first: int, end: int) -> int:
    """Try seeds, and print what is wrong or unknown."""
    wrong = unknown = 0
    with Lab() as lab:
        for seed in range(first, end):
            outcome, works, told = compared(lab, seed)
            unknown += outcome is Outcome.UNKNOWN
            if outcome is not (Outcome.PASSED if works else Outcome.FAILED):
                wrong += outcome is not Outcome.UNKNOWN
                print(outcome.value, works, told, flush=True)  # noqa: T201
    print(f"{end - first} networks, {wrong} wrong, {unknown} unknown")  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))

"""Random rules of nft: some matches, and what becomes of a packet that meets them."""

from __future__ import annotations

from random import Random

from tests.lab.firewall.nft_pieces import ANSWERING, match
from tests.lab.firewall.values import (
    MARKS,
    PORTS,
    often,
)


def rule(random: Random, family: str, hook: str, subchains: list[str]) -> str:
    """One rule."""
    mine = "sport" if hook in ANSWERING else "dport"
    pick = random.random()
    jump = f"jump {random.choice(subchains)}" if subchains else "return"
    if pick < 0.06:
        verdicts = random.sample(["accept", "drop", "continue", jump], 4)
        inner = [f"{p} : {v}" for p, v in zip(random.sample(PORTS, 4), verdicts, strict=True)]
        return f"tcp {mine} vmap {{ {', '.join(inner)} }}"
    if pick < 0.12:
        return _map(random, family, hook)
    if pick < 0.15:
        return "ct state vmap { established : accept, related : accept, invalid : drop }"
    matches = [match(random, family, hook) for _ in range(random.randint(1, 3))]
    verdicts = ["accept"] * 4 + ["drop"] * 3 + ["return", "counter", "log"]
    if hook in {"input", "forward", "output"}:
        verdicts += ["reject", "reject with tcp reset", _reject(random, family)]
    if subchains:
        verdicts += [jump] * 3 + [f"goto {random.choice(subchains)}"]
    verdicts.append(_marking(random))
    verdict = random.choice(verdicts)
    if verdict == "reject with tcp reset":
        matches.append("meta l4proto tcp")
        if often(random, 0.8):
            # Else nft 1.0.6 does not print its family, and nobody can tell.
            verdict = f"counter {verdict}"
    return f"{' '.join(dict.fromkeys(matches))} {verdict}"


def _reject(random: Random, family: str) -> str:
    if family != "inet":
        return "reject"
    return random.choice(
        (
            "reject with icmp type host-prohibited",
            "reject with icmp type port-unreachable",
            "reject with icmpv6 type admin-prohibited",
            "reject with icmpx type port-unreachable",
        )
    )


def _marking(random: Random) -> str:
    bit = random.choice(MARKS)
    return random.choice(
        (
            f"meta mark set {bit}",
            f"meta mark set meta mark | {bit}",
            f"meta mark set meta mark & 0xfffffff{random.choice('b8e')}",
            f"meta mark set meta mark ^ {bit}",
            "ct mark set meta mark",
            f"ct mark set {bit}",
            f"ct mark set ct mark | {bit}",
            "meta mark set ct mark",
        )
    )


def _map(random: Random, family: str, hook: str) -> str:
    one, other = random.sample(("accept", "drop"), 2)
    far = "daddr" if hook in ANSWERING else "saddr"
    mine = "sport" if hook in ANSWERING else "dport"
    choices = [
        f"tcp flags & (fin|syn|rst|ack) vmap {{ syn : {one}, ack : {other} }}",
        f"meta l4proto vmap {{ tcp : {one}, udp : drop }}",
    ]
    if hook in {"input", "prerouting"}:
        choices.append(f'iifname vmap {{ "eth0" : {one}, "eth1" : {other} }}')
        choices.append(f"fib daddr type vmap {{ local : {one}, broadcast : drop }}")
        choices.append(
            f'iifname . tcp dport vmap {{ "eth0" . 2004 : {one}, "eth1" . 2003 : drop }}'
        )
    if family != "ip6":
        choices.append(f"ip {far} vmap {{ 198.18.200.0/24 : {one}, 10.77.0.1 : {other} }}")
        choices.append(f"ip {far} . tcp {mine} vmap {{ 198.18.200.1 . 2003 : {one} }}")
    if family != "ip":
        choices.append(f"ip6 {far} vmap {{ fd42:198:18::c1 : {one}, fd77::/126 : {other} }}")
    return random.choice(choices)

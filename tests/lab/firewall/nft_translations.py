"""Random rules of nft that translate addresses and ports."""

from __future__ import annotations

from random import Random

from tests.lab.firewall.nft_pieces import match
from tests.lab.firewall.topology import BOX, VIPS
from tests.lab.firewall.values import (
    PORTS,
    often,
    port,
)


def nat_rules(random: Random, family: str) -> list[str]:
    """Some destination NAT, of what concerns these connections and of what does not."""
    return [_translation(random, family) for _ in range(random.randint(1, 3))]


def _translation(random: Random, family: str) -> str:
    four = often(random, 0.6) if family == "inet" else family == "ip"
    proto = "ip" if four else "ip6"
    box = BOX[0] if four else f"[{BOX[1]}]"
    vip = VIPS[0] if four else f"[{VIPS[1]}]"
    to = random.choice(PORTS)
    at_vip = f"{proto} daddr {vip.strip('[]')}"
    guard = match(random, family, "prerouting") if often(random, 0.6) else ""
    here = f"fib daddr type local {guard}" if often(random, 0.4) else guard
    family_match = f"meta nfproto {'ipv4' if four else 'ipv6'}" if family == "inet" else ""
    one, other = random.sample(PORTS, 2)
    return random.choice(
        (
            f"{here} tcp dport {port(random)} redirect to :{to}",
            f"{guard} meta l4proto tcp redirect to :{to}",
            f"{here} {family_match} tcp dport {port(random)} dnat {_to(family, proto)} {box}:{to}",
            f"{at_vip} tcp dport {port(random)} dnat {_to(family, proto)} {box}:{to}",
            f"{here} {family_match} tcp dport {one} dnat {_to(family, proto)} {vip}:{other}",
            f"{guard} tcp dport {one} redirect to :{one}",
            f"{here} tcp dport {port(random)} accept",
            f"{here} redirect to tcp dport map {{ {one} : {other}, {other} : {to} }}",
            f"ip daddr 198.51.100.1 tcp dport {one} dnat {_to(family, 'ip')} 10.77.0.1"
            if family != "ip6"
            else f"tcp dport {one} redirect",
            f"meta nfproto ipv4 tcp dport {one} dnat {_to(family, 'ip')} 127.0.0.1:{other}"
            if family != "ip6"
            else f"tcp dport {other} redirect",
        )
    )


def _to(family: str, proto: str) -> str:
    return f"{proto} to" if family == "inet" else "to"

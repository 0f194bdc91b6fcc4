"""The pieces of random rulesets about what a host opens, forwards and sends."""

from __future__ import annotations

import re
from random import Random

from tests.lab.firewall.nft_pieces import match
from tests.lab.firewall.topology import TARGET_INNER, VIPS
from tests.lab.firewall.values import PORTS, often, port

PEERS4 = ("198.18.200.1", "198.18.201.1", "10.77.0.1", "10.77.0.9", "203.0.113.7")
PEERS6 = ("fd42:198:18::c1", "fd42:198:18::c3", "fd77::1", "fd77::9", "2001:db8:3::7")
_SWAPS = (("sport", "dport"), ("saddr", "daddr"))


def turned(random: Random, text: str) -> str:
    """A rule about the other end, or the other direction, now and then."""
    for one, other in _SWAPS:
        if often(random, 0.4):
            # A route is asked for by one end alone.
            text = re.sub(
                rf"(?<!fib )\b({one}|{other})\b",
                lambda found, pair=(one, other): pair[found[1] == pair[0]],  # type: ignore[misc]
                text,
            )
    return text


def turned_saved(random: Random, text: str) -> str:
    """The same of a rule of iptables."""
    if often(random, 0.4):
        text = re.sub(r"--([sd])(ports?\b)", lambda found: f"--{_other(found[1])}{found[2]}", text)
    if often(random, 0.4) and "--src-range" not in text:
        text = re.sub(r"(^|\s)-([sd]) ", lambda found: f"{found[1]}-{_other(found[2])} ", text)
    return text


def _other(end: str) -> str:
    return "d" if end == "s" else "s"


def icmp(random: Random, family: str) -> str:
    """A match of ICMP, of its types and codes, of protocol 112, or of its group."""
    four = (
        "icmp type echo-request",
        "icmp type { destination-unreachable, echo-reply }",
        "icmp type destination-unreachable icmp code frag-needed",
        "icmp type destination-unreachable icmp code != frag-needed",
        "icmp code { 0, 4 }",
        "icmp type != echo-request",
        "ip protocol vrrp",
        "ip protocol vrrp ip daddr 224.0.0.18",
        "ip daddr 224.0.0.0/24",
        "ip protocol icmp",
    )
    six = (
        "icmpv6 type echo-request",
        "icmpv6 type { packet-too-big, echo-reply }",
        "icmpv6 type 133-136",
        "icmpv6 type nd-router-advert",
        "icmpv6 type destination-unreachable icmpv6 code port-unreachable",
        "ip6 nexthdr 112",
        "ip6 daddr ff02::12",
        "ip6 daddr ff00::/8",
    )
    either = (
        "meta l4proto vrrp",
        "meta l4proto 112",
        "meta l4proto { icmp, ipv6-icmp }",
        "meta l4proto { tcp, vrrp }",
        "meta l4proto != tcp",
        "meta pkttype multicast",
    )
    found = {"ip": four, "ip6": six}.get(family, four + six)
    return random.choice(found + either)


def guards(random: Random, family: str) -> list[str]:
    """What lets neighbour discovery through, nearly always, and pings and VRRP now and then."""
    rules = ["meta l4proto vrrp accept"] * often(random, 0.25)
    rules += [f"{icmp(random, family)} accept"] * often(random, 0.4)
    if family == "ip":
        return rules
    kinds = ("meta l4proto ipv6-icmp accept", "icmpv6 type 130-137 accept")
    rules += [random.choice(kinds)] * often(random, 0.96)
    return rules


def destinations(random: Random) -> tuple[str, str, str, str]:
    """Where NAT takes packets, and from where it says that they come; of both families."""
    sources4 = (TARGET_INNER[0].partition("/")[0], VIPS[0])
    sources6 = (TARGET_INNER[1].partition("/")[0], VIPS[1])
    number = random.randrange(2)
    return random.choice(PEERS4), random.choice(PEERS6), sources4[number], sources6[number]


def nat(random: Random, family: str) -> list[str]:
    """Chains of NAT: of what comes, of what the host opens, of what leaves."""
    to4, to6, from4, from6 = destinations(random)
    four = often(random, 0.5) if family == "inet" else family == "ip"
    proto = "ip" if four else "ip6"
    to, source = (to4, from4) if four else (f"[{to6}]", from6)
    verb = f"{proto} to" if family == "inet" else "to"
    only = f"meta nfproto ipv{'4' if four else '6'} " if family == "inet" else ""
    asked = f"{only}tcp dport {port(random)}"
    guard = match(random, family, "prerouting") if often(random, 0.3) else ""
    other = random.choice(PORTS)
    body: list[str] = []
    if often(random, 0.3):
        rules = [f"{asked} {guard} dnat {verb} {to}:{other}"]
        rules += [f"tcp dport {port(random)} redirect to :{other}"] * often(random, 0.2)
        body.append(_chain("to", "prerouting priority dstnat", rules))
    if often(random, 0.3):
        body.append(_chain("out", "output priority -100", [f"{asked} dnat {verb} {to}:{other}"]))
    if often(random, 0.4):
        device = random.choice(("eth0", "eth1"))
        bare = source.strip("[]")
        peers = ", ".join(f"{peer} : {bare}" for peer in (PEERS4 if four else PEERS6)[:2])
        rules = [
            random.choice(
                (
                    f'oifname "{device}" masquerade',
                    f"{asked} masquerade",
                    f'{only}oifname "{device}" snat {verb} {bare}',
                    f"{asked} snat {verb} {bare}",
                    f"{asked} snat {verb} {proto} saddr map {{ {peers} }}",
                    f"meta l4proto vrrp {only} snat {verb} {bare}",
                    f"{asked} masquerade random",
                )
            )
        ]
        body.append(_chain("from", "postrouting priority srcnat", rules))
    return body


def _chain(name: str, hook: str, rules: list[str]) -> str:
    lines = "\n".join(f"  {one}" for one in rules)
    return f"chain {name} {{\n  type nat hook {hook};\n{lines}\n}}"

"""The pieces of random nft rulesets: matches, rules, sets, translations."""

from __future__ import annotations

from random import Random

from tests.lab.firewall.values import (
    HERE4,
    HERE6,
    MARKS,
    PORTS,
    RANGES4,
    RANGES6,
    SOURCES4,
    SOURCES6,
    SPORTS,
    often,
    port,
    ports,
)

LIMITS = (
    "limit rate over 1/hour burst 5 packets",
    "limit rate 1/hour burst 5 packets",
    "limit rate 100000/second burst 10000 packets",
    "ct count over 0",
    "ct count over 5000",
)
ANSWERING = ("output", "postrouting")


def sets(random: Random, family: str) -> list[str]:
    """The named sets that the matches ask for."""
    lines = []
    if family != "ip6":
        one = random.choice(PORTS)
        gone = "203.0.113.7 timeout 1h, 10.77.0.9 timeout 2h"
        pairs = f"elements = {{ 198.18.200.0/24 . 2000-2008, 10.77.0.9 . {one} }}"
        lines += [
            "set four { type ipv4_addr; flags interval; elements={ 198.18.200.2, 10.77.0.0/30 } }",
            f"set gone {{ type ipv4_addr; flags timeout; elements = {{ {gone} }} }}",
            f"set pairs {{ type ipv4_addr . inet_service; flags interval; {pairs} }}",
        ]
    if family != "ip":
        lines.append(
            "set six { type ipv6_addr; flags interval; elements = { fd42:198:18::c2, fd77::/126 } }"
        )
    lines.append(
        f"set ports {{ type inet_service; flags interval; elements = {{ {port(random)} }} }}"
    )
    return lines


def address(random: Random, family: str, hook: str) -> str:
    """A match of the client's address, or of the host's own."""
    four = often(random, 0.55) if family == "inet" else family == "ip"
    name = "ip" if four else "ip6"
    sign = random.choice(("", "", "!= "))
    if often(random, 0.25):
        near = "saddr" if hook in ANSWERING else "daddr"
        return f"{name} {near} {sign}{random.choice(HERE4 if four else HERE6)}"
    far = "daddr" if hook in ANSWERING else "saddr"
    pick = random.random()
    if pick < 0.55:
        value = random.choice(SOURCES4 if four else SOURCES6)
    elif pick < 0.7:
        value = random.choice(RANGES4 if four else RANGES6)
    elif pick < 0.85:
        some = random.sample(SOURCES4[1:4:2] if four else SOURCES6[1:6:2], 2)
        value = "{ " + ", ".join(some) + " }"
    else:
        value = random.choice(("@four", "@gone")) if four else "@six"
    return f"{name} {far} {sign}{value}"


def match(random: Random, family: str, hook: str) -> str:  # noqa: PLR0911 - one a kind
    """One match, of the kinds that make sense in this hook."""
    pick = random.randrange(22)
    mine, theirs = ("sport", "dport") if hook in ANSWERING else ("dport", "sport")
    if pick < 5:
        return address(random, family, hook)
    if pick < 8:
        return f"tcp {mine} {random.choice(('', '', '!= '))}{port(random)}"
    if pick == 8:
        return f"tcp {mine} {{ {ports(random)} }}"
    if pick == 9:
        return f"tcp {theirs} {random.choice(('', '!= '))}{random.choice(SPORTS)}"
    if pick == 10:
        return _interface(random, hook)
    if pick in {11, 12}:
        return _state(random)
    if pick == 13:
        return _mark(random)
    if pick == 14:
        return _flags(random)
    return random.choice(_others(random, family, hook, mine))


def _interface(random: Random, hook: str) -> str:
    device = random.choice(("eth0", "eth1", "eth*", "lo", "br0"))
    keys = {"forward": ("iifname", "oifname"), "output": ("oifname",), "postrouting": ("oifname",)}
    key = random.choice(keys.get(hook, ("iifname",)))
    return f'{key} {random.choice(("", "!= "))}"{device}"'


def _state(random: Random) -> str:
    return random.choice(
        (
            "ct state new",
            "ct state established,related",
            "ct state established",
            "ct state != established",
            "ct state { invalid, untracked }",
            "ct state invalid",
            "ct state untracked",
            "ct direction original",
            "ct direction reply",
            "ct status dnat",
            "ct status ! dnat",
            "ct status seen-reply",
            f"meta l4proto tcp ct original proto-dst {random.choice(PORTS)}",
        )
    )


def _mark(random: Random) -> str:
    bit = random.choice(MARKS)
    return random.choice(
        (
            f"meta mark {bit}",
            f"meta mark & {bit} == {bit}",
            f"meta mark & {bit} != 0x0",
            f"meta mark != {bit}",
            f"meta mark and {bit} == 0",
            f"ct mark {bit}",
            f"ct mark & {bit} == {bit}",
            "ct mark 0",
            "meta mark 0",
        )
    )


def _flags(random: Random) -> str:
    return random.choice(
        (
            "tcp flags syn",
            "tcp flags & (fin|syn|rst|ack) == syn",
            "tcp flags & (fin|syn|rst|ack) != syn",
            "tcp flags ack",
            "tcp flags & (syn|ack) == (syn|ack)",
            "tcp flags & (syn|ack) == ack",
            "tcp flags & (fin|syn) == (fin|syn)",
            "tcp flags & syn != 0",
            "tcp flags syn / syn,ack",
            "tcp flags != syn",
        )
    )


def _others(random: Random, family: str, hook: str, mine: str) -> tuple[str, ...]:
    arriving = hook in {"input", "prerouting"}
    coming = (
        "fib daddr type local",
        "fib daddr type != local",
        "fib daddr . iif type local",
        "fib saddr . iif oif missing",
        "fib saddr . iif oif exists",
        "meta pkttype { broadcast, multicast }",
        "meta iiftype ether",
        "meta iiftype != ether",
        "iifgroup 0",
        "iifgroup != 0",
        'meta iifkind "veth"',
        "fib daddr type { local, broadcast }",
        "fib daddr . iif type != local",
        "fib saddr type local",
        "fib saddr type unicast",
        "meta ipsec missing",
    )
    pair = "ip saddr . tcp dport @pairs" if family != "ip6" else "ip6 nexthdr tcp"
    devices = 'tcp dport . iifname { 2003 . "eth0", 2004 . "eth1", 2005 . "eth0" }'
    return (
        f"tcp {mine} {random.choice(('<', '>', '<=', '>='))} {random.choice(PORTS)}",
        random.choice(LIMITS),
        "meta l4proto tcp",
        "meta l4proto { tcp, udp }",
        "meta l4proto udp",
        "meta l4proto != tcp",
        f"th {mine} @ports",
        f"tcp {mine} @ports",
        random.choice(("meta nfproto ipv4", "meta nfproto ipv6"))
        if family == "inet"
        else "meta l4proto 6",
        pair if arriving else "meta l4proto 6",
        "ip protocol tcp" if family != "ip6" else "meta protocol ip6",
        "ip protocol != icmp" if family != "ip6" else "ip6 nexthdr { tcp, udp }",
        devices if arriving else "meta l4proto 6",
        "udp dport 2003",
        "icmp type echo-request" if family != "ip6" else "icmpv6 type echo-request",
        "icmpv6 type nd-neighbor-solicit" if family != "ip" else "icmp type echo-reply",
        "icmpv6 type { nd-neighbor-advert }" if family != "ip" else "meta l4proto icmp",
        f"tcp {mine} & 0x3 == {random.choice(('0x1', '0x2'))}",
        f"tcp {mine} & 0xffe != 0x7d4",
        "meta l4proto > 5",
        "meta l4proto 7-255",
        "limit rate 100000/second burst 10000 packets",
        "limit rate over 100000/second burst 10000 packets",
        "ct count over 5000",
        "meta mark > 1",
        "meta mark { 0x1, 0x4-0x7 }",
        *_headers(family),
        *(coming if arriving else ()),
    )


def _headers(family: str) -> tuple[str, ...]:
    """Headers and options that none of these packets has."""
    four: tuple[str, ...] = (
        "ip option lsrr exists",
        "ip option rr missing",
        "ip protocol > 5",
        "ip ttl < 9",
    )
    four += ("ip saddr & 255.255.0.255 == 198.18.0.1", "ip protocol != 6-17")
    six: tuple[str, ...] = (
        "exthdr frag exists",
        "exthdr hbh missing",
        "frag more-fragments 1",
        "ip6 hoplimit < 9",
    )
    six += ("ip6 nexthdr > 5",)
    return {"ip": four, "ip6": six}.get(family, four + six)

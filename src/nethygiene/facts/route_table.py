"""Routes and policy rules, one line each, as ``ip -o`` prints them.

The text rather than ``-j``: iproute2 has JSON since 4.13 only, and busybox's ip has none; the
words are the same on all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from typing import Literal

Family = Literal["ipv4", "ipv6"]
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

TYPES = frozenset(
    {"unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable"}
    | {"prohibit", "throw", "nat"}
)
# `ip route get` asks for a packet without a mark, of the login's own user, to no port.
_UNASKED = frozenset({"fwmark", "sport", "dport", "uidrange", "tos", "dsfield"})
_VALUED = frozenset({"dev", "table", "proto", "scope", "src", "metric", "from", "tos", "pref"})


@dataclass(frozen=True, slots=True)
class Hop:
    """One way of a route.

    Attributes:
        gateway: the next hop, None where the destination is on the link itself.
        interface: the interface that packets leave by.
    """

    gateway: Address | None
    interface: str

    def __str__(self) -> str:
        return (
            f"via {self.gateway} dev {self.interface}" if self.gateway else f"dev {self.interface}"
        )


@dataclass(frozen=True, slots=True)
class RouteLine:
    """One route.

    Attributes:
        type: ``unicast``, or ``blackhole``, ``local`` and so on.
        destination: where it leads to.
        table: ``main``, or the name or number of another one.
        metric: less is preferred; IPv4 has 0 where none is shown.
        protocol: who made it, as ``static`` or ``ra``; ``boot`` where none is shown.
        preference: an IPv6 router's own, as ``medium``; empty in IPv4.
        selector: source prefix and type of service that it is for, empty for all.
        hops: its ways; several where it shares the load.
        linkdown: the link of one of its ways has no carrier.
    """

    type: str
    destination: Network
    table: str
    metric: int
    protocol: str
    preference: str
    selector: str
    hops: tuple[Hop, ...]
    linkdown: bool = False

    @property
    def interfaces(self) -> frozenset[str]:
        """The interfaces that it uses."""
        return frozenset(hop.interface for hop in self.hops)

    @property
    def refuses(self) -> bool:
        """Whether packets to it are dropped (blackhole) or answered with an error."""
        return self.type in {"blackhole", "unreachable", "prohibit"}

    def __str__(self) -> str:
        kind = "" if self.type == "unicast" else f"{self.type} "
        to = "default" if self.destination.prefixlen == 0 else str(self.destination)
        ways = ", ".join(str(hop) for hop in self.hops)
        return f"{kind}{to} {ways}".strip()


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule that picks a routing table.

    Attributes:
        priority: less is asked first.
        source: the source prefix that it is for, None for all.
        interface: the interface that a socket or packet is bound to (``oif``), None for any.
        selects_otherwise: it looks at something else too, as a mark or the incoming interface.
        table: the table that it looks up; empty where it does something else.
        text: the rule as printed.
        unasked: what it looks at that no question to the kernel holds: ``fwmark``, ``dport``.
    """

    priority: int
    source: Network | None
    interface: str | None
    selects_otherwise: bool
    table: str
    text: str
    unasked: frozenset[str] = frozenset()

    @property
    def is_for_all(self) -> bool:
        """Whether no packet is outside it."""
        return self.source is None and self.interface is None and not self.selects_otherwise


def parse_route(line: str, family: Family) -> RouteLine:
    """Read one route.

    Raises:
        ValueError: it is none.
    """
    words = line.replace("\\", " ").split()
    head, *nexthops = _split(words, "nexthop")
    kind = head.pop(0) if head and head[0] in TYPES else "unicast"
    if not head:
        raise ValueError("no destination")
    destination = _network(head[0], family)
    values = _values(head[1:])
    hops = [hop for one in (head[1:], *nexthops) if (hop := _hop(one)) is not None]
    selector = " ".join(f"{key} {values[key]}" for key in ("from", "tos") if key in values)
    metric = values.get("metric", "0")
    if not re.fullmatch(r"\d{1,10}", metric, re.ASCII):
        raise ValueError(f"no metric: {metric[:40]}")
    return RouteLine(
        type=kind,
        destination=destination,
        table=values.get("table", "main"),
        metric=int(metric),
        protocol=values.get("proto", "boot"),
        preference=values.get("pref", ""),
        selector=selector,
        hops=tuple(hops),
        linkdown="linkdown" in words,
    )


def parse_rule(line: str, family: Family) -> PolicyRule:
    """Read one rule, as ``32765: from 192.0.2.10 lookup 100``.

    Raises:
        ValueError: it is none.
    """
    priority, colon, rest = line.partition(":")
    if not colon or not re.fullmatch(r"\d{1,10}", priority, re.ASCII):
        raise ValueError("no priority")
    words = rest.split()
    source: Network | None = None
    interface: str | None = None
    table = ""
    otherwise = False
    position = 0
    while position < len(words):
        word, value = words[position], (words[position + 1 : position + 2] or [""])[0]
        position += 2
        if word == "from" and value:
            source = None if value == "all" else _network(value, family)
        elif word == "oif" and value:
            interface = value
        elif word in {"lookup", "table"} and value:
            table = value
        elif word in {"proto", "protocol", "suppress_prefixlength", "suppress_ifgroup"} and value:
            # Said of the lookup or of the rule's maker: they pick no packets.
            otherwise = otherwise or word.startswith("suppress")
        elif word in {"goto", "realms"} and value:
            otherwise = True
        else:
            otherwise = otherwise or word not in {"unreachable", "blackhole", "prohibit", "nop"}
            position -= 1
    unasked = _UNASKED.intersection(words)
    text = " ".join(line.split())
    return PolicyRule(int(priority), source, interface, otherwise, table, text, unasked)


def parse_lines(text: str) -> list[str]:
    """The lines of a listing that hold something."""
    return [line for line in text.split("\n") if line.strip()]


def _split(words: Sequence[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == separator:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _values(words: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word, value in pairwise(words):
        if word in _VALUED:
            values.setdefault(word, value)
    return values


def _hop(words: Iterable[str]) -> Hop | None:
    words = list(words)
    values = _values(words)
    if "dev" not in values:
        return None
    gateway: Address | None = None
    if "via" in words:
        # Written `via inet6 fe80::1` where an IPv4 route has an IPv6 gateway.
        after = [word for word in words[words.index("via") + 1 :] if word not in {"inet", "inet6"}]
        gateway = ip_address(after[0]) if after else None
    return Hop(gateway, values["dev"])


def _network(word: str, family: Family) -> Network:
    if word == "default":
        word = "0.0.0.0/0" if family == "ipv4" else "::/0"
    network = ip_network(word, strict=False)
    if network.version != (4 if family == "ipv4" else 6):
        raise ValueError(f"of another family: {word[:60]}")
    return network

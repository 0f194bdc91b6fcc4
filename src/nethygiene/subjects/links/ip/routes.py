"""Routes, one line each, as ``ip -o route`` prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from itertools import pairwise

from nethygiene.subjects.links.ip.families import Address, Family, Network, parse_network, rows_of

TYPES = frozenset(
    {"unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable"}
    | {"prohibit", "throw", "nat", "xresolve"}
)
_VALUED = frozenset({"dev", "table", "proto", "scope", "src", "metric", "from", "tos", "pref"})


@dataclass(frozen=True, slots=True)
class NextHop:
    """One way of a route.

    Attributes:
        gateway: the next hop, None if the destination is on the link itself.
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
        metric: the kernel prefers the least; 0 if ip shows none, as in IPv4.
        protocol: who made it, as ``static`` or ``ra``; ``boot`` if ip shows none.
        preference: an IPv6 router's preference, as ``medium``; empty in IPv4.
        selector: source prefix and type of service that it is for, empty for all.
        hops: its ways; several if it shares the load.
        linkdown: the link of one of its ways has no carrier.
        source: the address that the host's own packets by it are from; None where it is not set.
    """

    type: str
    destination: Network
    table: str
    metric: int
    protocol: str
    preference: str
    selector: str
    hops: tuple[NextHop, ...]
    linkdown: bool = False
    source: Address | None = None

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


@lru_cache(maxsize=4)
def parse_routes(text: str, family: Family) -> tuple[RouteLine, ...]:
    """Read ``ip -o route show``.

    A table may be long, and has several readers, so the last results are kept.

    Raises:
        ValueError: a line is no route.
    """
    routes: list[RouteLine] = []
    for row in rows_of(text):
        try:
            routes.append(parse_route(row, family))
        except ValueError as error:
            raise ValueError(f"{error}: {row[:120]!r}") from None
    return tuple(routes)


def parse_route(line: str, family: Family) -> RouteLine:
    """Read one route.

    Raises:
        ValueError: it is no route.
    """
    words = line.replace("\\", " ").split()
    head, *nexthops = _split(words, "nexthop")
    kind = head.pop(0) if head and head[0] in TYPES else "unicast"
    if not head:
        raise ValueError("no destination")
    destination = parse_network(head[0], family)
    values = _values(head[1:])
    hops = [hop for part in (head[1:], *nexthops) if (hop := _hop(part)) is not None]
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
        source=ip_address(values["src"]) if "src" in values else None,
    )


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


def _hop(words: Iterable[str]) -> NextHop | None:
    words = list(words)
    values = _values(words)
    if "dev" not in values:
        return None
    gateway: Address | None = None
    if "via" in words:
        # ip writes `via inet6 fe80::1` if an IPv4 route has an IPv6 gateway.
        after = [word for word in words[words.index("via") + 1 :] if word not in {"inet", "inet6"}]
        gateway = ip_address(after[0]) if after else None
    return NextHop(gateway, values["dev"])

"""Matches of an address's type, which the routes decide: local, broadcast, unicast and so on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nethygiene.subjects.filter.model.addresses import Intervals, everything, merged, without
from nethygiene.subjects.filter.model.fields import CLIENT, Field
from nethygiene.subjects.filter.model.matches import Answer, Ground
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.links.ip.families import Family

KINDS = frozenset(
    {"local", "unicast", "broadcast", "multicast", "anycast", "blackhole", "unreachable"}
    | {"prohibit", "throw", "nat", "unspec"}
)
# The kernel takes these for broadcast and multicast by itself (__inet_dev_addr_type; Linux 6.18).
_FIXED: dict[str, Intervals] = {
    "broadcast": ((0, (1 << 24) - 1), ((1 << 32) - 1, (1 << 32) - 1)),
    "multicast": ((224 << 24, (240 << 24) - 1),),
}
_MULTICAST_IPV6: Intervals = ((0xFF << 120, (1 << 128) - 1),)
Asked = Literal["fib", "addrtype"]


@dataclass(frozen=True, slots=True)
class AddressIs:
    """The source or the destination is of one of these kinds.

    Attributes:
        field: which end: Field.SADDR or Field.DADDR.
        kinds: of :data:`KINDS`.
        inverted: it must not be.
        here: only an address of the interface that the packet comes in by counts as local.
        asked: ip6tables asks otherwise than nft: kinds are no alternatives there, and every
            address but multicast is unicast, the host's own as well (xt_addrtype; Linux 6.18).
    """

    field: Field
    kinds: frozenset[str]
    inverted: bool = False
    here: bool = False
    asked: Asked = "fib"

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """By the routes."""
        everyone = ground.classes.all
        address = packet.value(self.field)
        if address == ():
            return 0, 0
        if address is None or (self.here and packet.iif is None):
            return 0, everyone
        device = packet.iif if self.here else None
        matching = _matching(self, packet.family, ground, device)
        if address is CLIENT:
            good, doubtful = ground.mask(matching), 0
        elif isinstance(address, tuple) and not isinstance(address[0], str):
            low, high = address[0]
            inside = any(first <= low and high <= last for first, last in matching)
            good, doubtful = (everyone if inside else 0), (0 if low == high else everyone)
        else:
            return 0, everyone
        return (everyone & ~(good | doubtful) if self.inverted else good & ~doubtful), doubtful

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """Those that the kernel knows by itself; the routes cut the classes already."""
        yield from _FIXED.values() if family == "ipv4" else (_MULTICAST_IPV6,)


def _matching(match: AddressIs, family: Family, ground: Ground, device: str | None) -> Intervals:
    of_kind = _by_kind(family, ground, device)
    if family == "ipv4" or match.asked == "fib":
        return merged(span for kind in match.kinds for span in of_kind.get(kind, ()))
    addresses = everything(family)
    if "multicast" in match.kinds:
        addresses = _common(addresses, _MULTICAST_IPV6, family)
    if "unicast" in match.kinds:
        addresses = without(addresses, _MULTICAST_IPV6, family)
    looked_up = match.kinds & {"local", "anycast", "unreachable"}
    if looked_up:
        alternatives = merged(span for kind in looked_up for span in of_kind.get(kind, ()))
        addresses = _common(addresses, alternatives, family)
    return () if match.kinds - {"multicast", "unicast"} - looked_up else addresses


def _common(these: Intervals, other: Intervals, family: Family) -> Intervals:
    return without(these, without(everything(family), other, family), family)


def _by_kind(family: Family, ground: Ground, device: str | None) -> dict[str, Intervals]:
    """All addresses by kind, by the routes of the table local; what is in none is unicast."""
    kinds = ground.kinds.get((family, device))
    if kinds is not None:
        return kinds
    of_kind: dict[str, Intervals] = {}
    for route in ground.routes.routes.get(family, ()):
        if route.table != "local" or route.kind not in KINDS:
            continue
        kind = route.kind
        if kind == "local" and device is not None and device not in route.devices:
            continue
        of_kind[kind] = merged([*of_kind.get(kind, ()), route.interval])
    if family == "ipv4":
        for kind, intervals in _FIXED.items():
            of_kind[kind] = merged([*of_kind.get(kind, ()), *intervals])
    else:
        of_kind["multicast"] = _MULTICAST_IPV6
    taken = merged(span for intervals in of_kind.values() for span in intervals)
    of_kind["unicast"] = without(everything(family), taken, family)
    ground.kinds[family, device] = of_kind
    return of_kind

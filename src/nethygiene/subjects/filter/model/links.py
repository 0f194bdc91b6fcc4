"""The interfaces by which packets come in, from ``ip -d link`` and ``tc``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nethygiene.subjects.links.ip.addresses import LinkAddress
from nethygiene.subjects.links.ip.families import Family
from nethygiene.subjects.links.ip.links import Link


@dataclass(frozen=True)
class Links:
    """The interfaces by name.

    Attributes:
        links: by name.
        addresses: the first address of each, by (interface, family); as numbers.
        filtered: the interfaces on which a tc filter sees packets at ingress, or the answers at
            egress.
        tc_unknown: why the tc filters could not be told; empty if they could.
        localnet: the interfaces, or ``all``, that let 127.0.0.0/8 in: ``route_localnet`` is 1.
        sources: all addresses of each, in the kernel's order, likewise.
    """

    links: Mapping[str, Link]
    addresses: Mapping[tuple[str, Family], int] = field(default_factory=dict)
    filtered: frozenset[str] = frozenset()
    tc_unknown: str = ""
    localnet: frozenset[str] = frozenset()
    sources: Mapping[tuple[str, Family], tuple[LinkAddress, ...]] = field(default_factory=dict)

    def below(self, name: str | None) -> frozenset[str]:
        """The interfaces through which a packet comes before it comes in by `name`."""
        names: set[str] = set()
        if name is None:
            return frozenset(link.name for link in self.links.values() if not link.loopback)
        pending = [name]
        while pending:
            pending_name = pending.pop()
            lower = {each.name for each in self.links.values() if each.master == pending_name}
            link = self.links.get(pending_name)
            # A veth's @ names its other end, through which nothing passes.
            parent = link.parent if link and link.kind in _ON_PARENT else ""
            lower |= {parent} if parent in self.links else set()
            pending += lower - names - {name}
            names |= lower
        return frozenset(names - {name})

    def is_bridge(self, name: str | None) -> bool:
        """Whether it is a bridge, or may be one."""
        if name is None:
            return any(link.kind == "bridge" for link in self.links.values())
        return name in self.links and self.links[name].kind == "bridge"

    def programs(self, name: str | None) -> str:
        """What sees packets beside the filter and cannot be told; empty for nothing."""
        ways = self.below(name) | ({name} if name is not None else set())
        for way in sorted(ways):
            link = self.links.get(way)
            if link is None:
                continue
            if link.xdp:
                return f"an XDP program on {way} sees packets before the filter does"
            if way in self.filtered:
                return f"a tc filter on {way} sees packets beside the packet filter"
            if self.vrf_of(way):
                return f"{way} belongs to a VRF"
        return self.tc_unknown

    def vrf_of(self, name: str | None) -> str:
        """The VRF that an interface is, or belongs to; empty for none."""
        link = self.links.get(name or "")
        for _ in range(len(self.links)):
            if link is None or link.kind == "vrf":
                break
            link = self.links.get(link.master)
        return "" if link is None or link.kind != "vrf" else link.name

    def is_wireless(self, name: str) -> bool:
        """Whether no packet ever comes in by it: it has no other end."""
        return name in self.links and self.links[name].kind in WIRELESS

    def takes_loopback(self, name: str | None) -> bool:
        """Whether packets to 127.0.0.0/8 are let in by it."""
        if name is None:
            return bool(self.localnet)
        return not self.localnet.isdisjoint({name, "all"})

    def first_address(self, name: str | None, family: Family) -> int | None:
        """The address that redirect takes connections to."""
        return None if name is None else self.addresses.get((name, family))


WIRELESS = frozenset({"dummy", "ifb"})
"""Kinds of interfaces that have no other end."""

_ON_PARENT = frozenset({"vlan", "macvlan", "ipvlan"})


def parse_tc(text: str) -> frozenset[str]:
    """The interfaces with a filter, from ``# DEV`` and ``tc filter show`` below it."""
    devices: set[str] = set()
    device = ""
    for line in text.split("\n"):
        if line.startswith("# "):
            device = line[2:].strip()
        elif line.strip() and device:
            devices.add(device)
    return frozenset(devices)

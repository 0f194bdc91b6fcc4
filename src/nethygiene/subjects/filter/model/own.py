"""The addresses at which a host answers, and the sources that connections to them can have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network

from nethygiene.subjects.filter.model.addresses import (
    BITS,
    Interval,
    Intervals,
    common,
    holds,
    interval_of,
    inverted,
    merged,
    without,
    written,
)
from nethygiene.subjects.filter.model.links import WIRELESS, Links
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.links.ip.families import Family


def _intervals(*networks: str) -> Intervals:
    return merged(interval_of(ip_network(network)) for network in networks)


LOOPBACK: dict[Family, Intervals] = {"ipv4": _intervals("127.0.0.0/8"), "ipv6": _intervals("::1")}
LINK_LOCAL: dict[Family, Intervals] = {
    "ipv4": _intervals("169.254.0.0/16"),
    "ipv6": _intervals("fe80::/10"),
}
# The kernel takes these from no wire (Linux 6.18: ip_route_input_slow, ip6_rcv_core). 240.0.0.0/4
# and 0.0.0.1 to 0.255.255.255 it takes.
_NEVER: dict[Family, Intervals] = {
    "ipv4": _intervals("0.0.0.0/32", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32"),
    "ipv6": _intervals("::/127", "::ffff:0:0/96", "ff00::/8"),
}
# The networks that the Internet routes, and special networks: a client has an address of these only
# if the host or its interface has one too, or a route to it (RFC 6890 and the IANA registries).
ROUTED: dict[Family, Intervals] = {
    "ipv4": inverted(_intervals("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"), "ipv4"),
    "ipv6": _intervals("2000::/3"),
}
_OF_ITS_OWN: dict[Family, tuple[Intervals, ...]] = {
    "ipv4": (
        _intervals("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # private
        _intervals("100.64.0.0/10"),  # shared, as carriers and Tailscale use it
        LINK_LOCAL["ipv4"],
        _intervals("192.0.0.0/24"),  # of protocols
        _intervals("198.18.0.0/15"),  # benchmarks
        _intervals("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),  # documentation
    ),
    "ipv6": (
        _intervals("fc00::/7"),  # unique local
        LINK_LOCAL["ipv6"],
        _intervals("2001:db8::/32", "3fff::/20"),  # documentation
        _intervals("2001:2::/48"),  # benchmarks
        _intervals("2001:10::/28", "2001:20::/28"),  # ORCHID, which no wire carries
        _intervals("3ffe::/16"),  # 6bone, given back in 2006 (RFC 3701)
    ),
}
# Shorter routes are default routes, perhaps in two halves.
_LENGTH: dict[Family, int] = {"ipv4": 8, "ipv6": 4}
_VIRTUAL = frozenset({"veth", "tun"})


@dataclass(frozen=True, slots=True)
class OwnAddress:
    """An address at which the host answers.

    Attributes:
        family: of the address.
        number: the address; of a whole network that is local (AnyIP), one of it.
        interface: the interface that it is on.
        span: all addresses that the local route makes the host's own.
        roams: it belongs to no wire: it is on lo or a dummy, is one of a local network, or its
            interface is down. Clients reach it by every interface.
    """

    family: Family
    number: int
    interface: str
    span: Interval
    roams: bool

    @property
    def is_loopback(self) -> bool:
        """Whether it is an address of loopback, as 127.0.0.1."""
        return holds(LOOPBACK[self.family], self.number)

    @property
    def is_link_local(self) -> bool:
        """Whether only neighbours use it."""
        return holds(LINK_LOCAL[self.family], self.number)

    def __str__(self) -> str:
        return written(self.number, self.family)


def own_addresses(routes: RoutingTables, links: Links, family: Family) -> tuple[OwnAddress, ...]:
    """All local addresses except IPv6's ::1, each once, in the order of the routes."""
    addresses: dict[int, OwnAddress] = {}
    for route in routes.local_routes(family):
        low, high = route.interval
        if family == "ipv6" and low == 1:
            continue  # which no wire brings: ip6_rcv_core drops it
        number = low if high <= low + 1 else low + 1
        name = route.devices[0] if route.devices else "lo"
        link = links.links.get(name)
        roams = low != high or link is None or link.loopback or not link.up
        roams = roams or (link is not None and link.kind in WIRELESS)
        addresses.setdefault(number, OwnAddress(family, number, name, route.interval, roams))
    return tuple(addresses.values())


def possible_sources(routes: RoutingTables, family: Family) -> Intervals:
    """The sources of packets that the kernel takes from a wire: no address of its own.

    Nor one to which all hosts of a network listen: nothing answers it.
    """
    none = [*_NEVER[family], *routes.local(family), *routes.broadcast(family)]
    return inverted(merged(none), family)


@cache
def _everybody(family: Family) -> Intervals:
    """The sources that the Internet routes, without networks for special purposes."""
    possible = ROUTED[family]
    for networks in _OF_ITS_OWN[family]:
        possible = without(possible, networks, family)
    return possible


def client_sources(
    routes: RoutingTables, own: Iterable[OwnAddress], interface: str | None, to: OwnAddress
) -> Intervals:
    """The sources that clients through an interface can have: the meaning of `any`.

    Args:
        routes: the host's.
        own: the host's addresses of that family.
        interface: by which they come in; None for any.
        to: the address that they connect to.
    """
    family = to.family
    every = [address for address in own if not address.is_loopback]
    of_interface = [address for address in every if address.interface == interface] or every
    near = [address.number for address in (*of_interface, to)]
    spans = list(_everybody(family))
    for networks in _OF_ITS_OWN[family]:
        if networks == LINK_LOCAL[family] and not to.is_link_local:
            continue
        if any(holds(networks, number) for number in near):
            spans += networks
    # A route other than a default route says who is there.
    routed = merged(
        route.interval
        for route in routes.routes.get(family, ())
        if route.kind == "unicast" and route.length >= _LENGTH[family]
        if interface is None or interface in route.devices
    )
    if not to.is_link_local:
        routed = without(routed, LINK_LOCAL[family], family)
    return common(merged([*spans, *routed]), possible_sources(routes, family))


def leads_to_clients(routes: RoutingTables, links: Links, name: str) -> bool:
    """Whether hosts come in by an interface, not only this host's own containers.

    A bridge of virtual interfaces, over which no gateway is reached, has those alone; so has a veth
    that nothing but single addresses are routed to, as Calico's and CNI's ptp are.
    """
    link = links.links.get(name)
    if link is None:
        return True
    if link.kind in WIRELESS:
        return False
    if link.kind == "veth" and not link.master:
        return _leads_to_networks(routes, name)
    if link.kind != "bridge":
        return True
    members = [link for link in links.links.values() if link.master == name]
    if any(link.kind not in _VIRTUAL for link in members):
        return True
    return any(name in route.gated for family in routes.routes.values() for route in family)


def _leads_to_networks(routes: RoutingTables, name: str) -> bool:
    """Whether an interface leads to a gateway or a network, or may do so."""
    single = False
    for family, listed in routes.routes.items():
        for route in listed:
            if name not in route.devices or route.kind != "unicast":
                continue
            if common((route.interval,), LINK_LOCAL[family]) == (route.interval,):
                continue
            if name in route.gated or route.length < BITS[family]:
                return True
            single = True
    return not single

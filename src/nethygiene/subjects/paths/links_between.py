"""Which host of the run has an address on the other end of a link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nethygiene.engine.across import Across
from nethygiene.engine.outcomes import Unreadable
from nethygiene.subjects.links.interfaces import Interfaces, InterfaceState
from nethygiene.subjects.links.ip.families import Address, Network


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """An interface of a host: an end of a link."""

    host: str
    interface: str


@dataclass(frozen=True, slots=True)
class Holders:
    """Who has which address.

    Attributes:
        by_address: the interfaces that have each address.
        states: the interfaces of each host, by name.
        unread: the hosts whose addresses could not be read.
    """

    by_address: Mapping[Address, tuple[LinkEnd, ...]]
    states: Mapping[str, Mapping[str, InterfaceState]]
    unread: tuple[str, ...]

    def across(self, near: LinkEnd, address: Address) -> list[LinkEnd]:
        """The interfaces by which packets to an address come in, over the link of `near`.

        A host has an interface on that link if both have addresses of one network. It takes
        packets to all of its addresses there, whatever interface has them.
        """
        found: dict[str, LinkEnd] = {}
        for holder in self.by_address.get(address, ()):
            if holder.host == near.host:
                continue
            if self._are_on_one_link(near, holder):
                found[holder.host] = holder
        if found or address.is_link_local:
            return list(found.values())
        for holder in self.by_address.get(address, ()):
            for interface in self.states[holder.host] if holder.host != near.host else ():
                port = LinkEnd(holder.host, interface)
                if self._are_on_one_link(near, port):
                    found.setdefault(holder.host, port)
        return list(found.values())

    def host_of(self, address: Address) -> frozenset[str]:
        """The hosts that have an address."""
        return frozenset(port.host for port in self.by_address.get(address, ()))

    def _are_on_one_link(self, one: LinkEnd, other: LinkEnd) -> bool:
        near, far = (self.states[port.host][port.interface] for port in (one, other))
        if near.is_loopback or far.is_loopback:
            return False
        return any(a.overlaps(b) for a in _networks(near) for b in _networks(far))


def _networks(interface: InterfaceState) -> Iterator[Network]:
    """The networks of an interface; an address alone, as of a virtual one, is no network."""
    for address in interface.addresses:
        network = address.network
        if not address.ip.is_link_local and network.prefixlen < network.max_prefixlen:
            yield network


def holders(interfaces: Across[Interfaces]) -> Holders:
    """Who has which address, worked out once for all connections of the run."""
    return interfaces.once("holders", lambda: _holders(interfaces))


def _holders(interfaces: Across[Interfaces]) -> Holders:
    by_address: dict[Address, dict[LinkEnd, None]] = {}
    states: dict[str, Mapping[str, InterfaceState]] = {}
    unread: list[str] = []
    for host in interfaces:
        fact = interfaces.glimpse(host)
        if isinstance(fact, Unreadable):
            unread.append(host)
            continue
        states[host] = {each.name: each for each in fact}
        for port, address in _held(host, fact.outward()):
            by_address.setdefault(address, {})[port] = None
    return Holders(
        {address: tuple(ports) for address, ports in by_address.items()}, states, tuple(unread)
    )


def _held(host: str, interfaces: Iterable[InterfaceState]) -> Iterator[tuple[LinkEnd, Address]]:
    for interface in interfaces:
        for address in interface.addresses:
            if not address.ip.is_loopback:
                yield LinkEnd(host, interface.name), address.ip

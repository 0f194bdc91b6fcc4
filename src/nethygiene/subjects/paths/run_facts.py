"""The facts by which a connection is followed from host to host."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from nethygiene.engine.across import Across
from nethygiene.engine.expect import unknown
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.fields import NO_MARK
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.links.ip.families import Address, Family
from nethygiene.subjects.paths.links_between import Holders, LinkEnd, holders
from nethygiene.subjects.sockets.listeners import Listeners


@dataclass(frozen=True, slots=True)
class Onward:
    """How a packet goes on from a host.

    Attributes:
        port: by which it leaves.
        gateway: the next hop; None if its destination is on the link.
    """

    port: LinkEnd
    gateway: Address | None

    def __str__(self) -> str:
        through = f" through the gateway {self.gateway}" if self.gateway is not None else ""
        return f"by {self.port.interface}{through}"


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets of one direction, as they are at one host.

    Attributes:
        family: of their addresses.
        source: where they come from, as a number.
        destination: where they go to, likewise.
        incoming: the interface that they come in by; ``lo`` for the host's own.
    """

    family: Family
    source: int
    destination: int
    incoming: str = "lo"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The facts of all hosts of the run."""

    filters: Across[PacketFilter]
    listeners: Across[Listeners]
    interfaces: Across[Interfaces]
    sysctls: Across[Sysctls]

    @property
    def holders(self) -> Holders:
        """Who has which address."""
        return holders(self.interfaces)

    def onward(self, host: str, packets: Packets, leaves_by: str | None) -> Onward:
        """How packets go on from a host; ends the rule if that cannot be told.

        Args:
            host: where they are.
            packets: as they are routed there.
            leaves_by: the interface by which its packet filter says that they leave.
        """
        family = packets.family
        routes = self.filters.of(host).model.routes
        way = routes.way(family, packets.destination, packets.source, NO_MARK, packets.incoming)
        to = address_of(packets.destination, family)
        if len(way.devices) > 1 or len(way.gateways) > 1:
            unknown(f"{host}: its route to {to} shares the load over several ways")
        if leaves_by is None or leaves_by not in way.devices or not way.certain:
            unknown(
                f"{host}: what its routing rules look at (marks, ports, users) decides by which "
                f"way packets to {to} leave"
            )
        gateway = next((address_of(number, family) for number in way.gateways), None)
        return Onward(LinkEnd(host, leaves_by), gateway)

    def next_port(self, onward: Onward, destination: Address) -> LinkEnd:
        """The interface at the other end of the link; ends the rule if no host is known there."""
        hop = onward.gateway or destination
        found = self.holders.across(onward.port, hop)
        if len(found) != 1:
            unknown(self._why_none(onward, destination, hop, [port.host for port in found]))
        return found[0]

    def _why_none(
        self, onward: Onward, destination: Address, hop: Address, hosts: list[str]
    ) -> str:
        named = f"the gateway {hop}" if onward.gateway is not None else str(hop)
        way = f"on the way from {onward.port.host} to {destination}"
        if hosts:
            return f"{' and '.join(hosts)} have {named} {way}: which of them answers is not known"
        unread = self.holders.unread
        but = f" ({', '.join(unread[:3])} could not be read)" if unread else ""
        return f"{named} {way} is at no host of the inventory{but}: what it does is not known"


@lru_cache(maxsize=100_000)
def address_of(number: int, family: Family) -> Address:
    """A number as an address."""
    return IPv4Address(number) if family == "ipv4" else IPv6Address(number)


def family_of_address(address: Address) -> Family:
    """The family of an address."""
    return "ipv4" if address.version == 4 else "ipv6"

"""Whether a host has a shared address, and whether it answers for it.

Tried on Linux 6.18: with arp_ignore 0 a host answers ARP on any interface for each of its IPv4
addresses, also for those on lo, on interfaces without a link, and on interfaces that are down.
With 1, 2 and 8 it does not; 3 spares addresses of scope host alone, and 4 to 7 change nothing.
Neighbour discovery answers on the interface alone that has the IPv6 address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from nethygiene.engine.ledger import Ledger
from nethygiene.inventory.group_policy import VirtualAddress
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interfaces import Interfaces, InterfaceState
from nethygiene.subjects.links.ip.addresses import LinkAddress

_ON_THE_SAME_LINK = frozenset({"macvlan", "macvtap", "ipvlan", "ipvtap"})
_SILENT = frozenset({1, 2, 8})
_SILENT_FOR_SCOPE_HOST = 3


class Degree(IntEnum):
    """How a host stands to the address."""

    NOTHING = 0
    ANSWERS = 1
    HOLDS = 2


@dataclass(frozen=True, slots=True)
class Stand:
    """How a host stands to the address at one moment.

    Attributes:
        degree: it holds it; or it does not hold it where it should, and answers for it all the
            same; or neither.
        interface: where it has it; empty if it has it nowhere.
        address: it as ``ip addr`` writes it there, with its prefix length.
        how: more for people, as ``lo, and answers ARP for it on eth0``; empty if it has it nowhere.
        quietable: it is on lo or the like, where arp_ignore keeps it silent.
    """

    degree: Degree
    interface: str = ""
    address: str = ""
    how: str = ""
    quietable: bool = False

    @property
    def is_real_server(self) -> bool:
        """Whether it has the address for itself and answers nobody, as a server of LVS-DR."""
        return self.degree is Degree.NOTHING and self.quietable


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the group, as far as a shared address depends on it.

    Attributes:
        wanted: the declared address.
        interfaces: the member's.
        sysctl: its settings.
        ledger: records what does not decide it.
    """

    wanted: VirtualAddress
    interfaces: Sequence[InterfaceState]
    sysctl: Sysctls
    ledger: Ledger

    @classmethod
    def of(cls, wanted: VirtualAddress, interfaces: Interfaces, sysctl: Sysctls) -> Member:
        """A member by its facts."""
        return cls(wanted, tuple(interfaces), sysctl, interfaces.ledger)

    def stand(self, sightings: Sequence[LinkAddress]) -> Stand:
        """How the host stands to the address, given where it has it."""
        stands = [self._stand(seen) for seen in sightings]
        return max(stands, key=lambda stand: stand.degree, default=Stand(Degree.NOTHING))

    @property
    def places(self) -> tuple[str, ...]:
        """The interfaces on which it may hold the address; one, if one is declared."""
        if self.wanted.interface is not None:
            return (self.wanted.interface,)
        return tuple(way.name for way in self._ways() if self._is_in_network(way))

    def _ways(self) -> tuple[InterfaceState, ...]:
        """The interfaces on which others ask for the address: those in its network, if any."""
        asking = [
            interface
            for interface in self.interfaces
            if interface.is_up
            and interface.has_carrier
            and interface.resolves
            and self.wanted.interface in {None, interface.name}
        ]
        inside = [interface for interface in asking if self._is_in_network(interface)]
        return tuple(inside or asking)

    def _is_in_network(self, interface: InterfaceState) -> bool:
        """Whether the address belongs to a network of an interface."""
        address = self.wanted.address
        return any(
            has.version == address.version
            and has.network.prefixlen < has.max_prefixlen
            and address in has.network
            for has in interface.addresses
            if has.ip != address
        )

    def _stand(self, seen: LinkAddress) -> Stand:
        name, written = seen.link, str(seen.interface)
        here = next((each for each in self.interfaces if each.name == name), None)
        if here is None:
            self.ledger.undecidable(f"{name} came or went while the host was read: look again")
        if seen.duplicate or seen.tentative:
            why = "another host has it (dadfailed)" if seen.duplicate else "not in use yet"
            return Stand(Degree.NOTHING, name, written, f"{name}, where {why}")
        wanted = self._is_wanted(here)
        on_link = here.resolves or here.is_point_to_point
        if wanted and here.is_up and here.has_carrier and on_link:
            return Stand(Degree.HOLDS, name, written, name)
        state = "" if here.is_up and here.has_carrier else " without a link"
        state = state if here.is_up else ", which is down"
        answering = next(self._answering(seen), None) if seen.interface.version == 4 else None
        if answering is None:
            how = f"{name}{state}, and answers nobody"
            return Stand(Degree.NOTHING, name, written, how, quietable=not on_link)
        degree = Degree.HOLDS if wanted and here.is_up else Degree.ANSWERS
        how = f"{name}{state}, and answers ARP for it on {answering}"
        return Stand(degree, name, written, how, quietable=not on_link)

    def _answering(self, seen: LinkAddress) -> Iterator[str]:
        """The interfaces on which it answers ARP for an address that another interface has."""
        for way in self._ways():
            ignore = self._arp_ignore(way.name)
            spared = ignore == _SILENT_FOR_SCOPE_HOST and seen.scope == "host"
            if ignore not in _SILENT and not spared:
                yield way.name

    def _arp_ignore(self, interface: str) -> int:
        # The larger of the two counts (IN_DEV_MAXCONF in include/linux/inetdevice.h).
        own = f"net.ipv4.conf.{interface.replace('.', '/')}.arp_ignore"
        return max(self.sysctl["net.ipv4.conf.all.arp_ignore"], self.sysctl[own])

    def _is_wanted(self, interface: InterfaceState) -> bool:
        """Whether members hold it there: on the declared interface, or a macvlan over it."""
        declared = self.wanted.interface
        if declared is None or interface.name == declared:
            return True
        if interface.parent == declared and not interface.kind:
            self.ledger.undecidable(
                f"`ip -d link` does not tell whether {interface.name} is a macvlan over {declared}"
            )
        return interface.parent == declared and interface.kind in _ON_THE_SAME_LINK

"""Network interfaces, their flags and addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing
from nethygiene.inventory.naming import HostAddresses
from nethygiene.subjects.links.ip.addresses import LinkAddress, parse_addresses
from nethygiene.subjects.links.ip.links import Link, parse_links
from nethygiene.transcript import Section


@dataclass(frozen=True, slots=True)
class InterfaceState:
    """One network interface.

    Attributes:
        name: as ``eth0``, without the peer that ip(8) shows behind an @.
        flags: as ``{"BROADCAST", "UP", "LOWER_UP"}``.
        addresses: its addresses with their prefix lengths, both families.
        duplicates: its IPv6 addresses that the kernel does not use, because another host on the
            link has them (``dadfailed``).
        master: the bridge, bond or VRF that it belongs to; empty for none.
        kind: ``bridge``, ``vlan`` and so on; empty for hardware, and without ``ip -d``.
        parent: the interface under a VLAN or macvlan, or the other end of a veth; empty for none.
        mac: its link-layer address in lower case; empty for none.
        mtu: in bytes; None if it is not shown.
    """

    name: str
    flags: frozenset[str]
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    duplicates: tuple[IPv4Interface | IPv6Interface, ...] = ()
    master: str = ""
    kind: str = ""
    parent: str = ""
    mac: str = ""
    mtu: int | None = None

    @property
    def has_carrier(self) -> bool:
        """Whether its link is up: it has a cable, or a port of the bridge has a link."""
        return "NO-CARRIER" not in self.flags

    @property
    def is_up(self) -> bool:
        """Whether an administrator set it up (not whether it has a cable)."""
        return "UP" in self.flags

    @property
    def resolves(self) -> bool:
        """Whether it finds its neighbours by ARP and neighbour discovery."""
        return "BROADCAST" in self.flags and "NOARP" not in self.flags

    @property
    def is_point_to_point(self) -> bool:
        """Whether there is one other end, as of a tunnel."""
        return "POINTOPOINT" in self.flags

    @property
    def is_loopback(self) -> bool:
        """Whether it is the loopback interface."""
        return "LOOPBACK" in self.flags


_OF_GUESTS = frozenset({"veth", "tun"})


@dataclass(frozen=True)
class Interfaces(Fact):
    """The interfaces of a host's network namespace, in the kernel's order."""

    _interfaces: tuple[InterfaceState, ...]

    def __iter__(self) -> Iterator[InterfaceState]:
        self.ledger.read(
            "interfaces",
            LINKS.shown,
            ", ".join(interface.name for interface in self._interfaces) or "none",
        )
        return iter(self._interfaces)

    def addresses_for_others(self) -> HostAddresses:
        """The addresses by which other hosts know this one; it records nothing.

        Those of loopback and of one link are left out, and those of bridges that lead to nothing
        but this host's own containers and virtual machines.
        """
        return HostAddresses(
            tuple(
                address.ip
                for interface in self.outward()
                if interface.is_up
                for address in interface.addresses
                if not address.ip.is_loopback and not address.ip.is_link_local
            )
        )

    def outward(self) -> tuple[InterfaceState, ...]:
        """The interfaces but bridges of the host's own containers; it records nothing."""
        inner = _inner_bridges(self._interfaces)
        return tuple(each for each in self._interfaces if each.name not in inner)


def _inner_bridges(interfaces: Sequence[InterfaceState]) -> frozenset[str]:
    """The bridges without a port to the outside."""
    outer = {each.master for each in interfaces if each.kind not in _OF_GUESTS}
    return frozenset(
        each.name for each in interfaces if each.kind == "bridge" and each.name not in outer
    )


def lacks_details(section: Section) -> bool:
    """Whether the listing of links lacks what ``-d`` adds."""
    return b"BusyBox v" in section.stderr


def parse(sections: Sections) -> Interfaces | Unreadable:
    """Parse ``ip -o -d link`` and ``ip -o addr``: one line an interface, one line an address."""
    links = read_listing(sections[LINKS.name], LINKS, parse_links)
    if isinstance(links, Unreadable):
        return links
    addresses = read_listing(sections[ADDRESSES.name], ADDRESSES, parse_addresses)
    if isinstance(addresses, Unreadable):
        return addresses
    of_links: dict[str, list[LinkAddress]] = {link.name: [] for link in links}
    for address in addresses:
        if address.link not in of_links:
            detail = (
                f"not an address: {address.interface} of {address.link[:60]!r}, which is no link"
            )
            return Unreadable(Reason.UNPARSABLE, ADDRESSES.shell, detail)
        of_links[address.link].append(address)
    return Interfaces(tuple(_interface(link, of_links[link.name]) for link in links))


def _interface(link: Link, addresses: Sequence[LinkAddress]) -> InterfaceState:
    return InterfaceState(
        link.name,
        link.flags,
        tuple(address.interface for address in addresses if not address.duplicate),
        tuple(address.interface for address in addresses if address.duplicate),
        link.master,
        link.kind,
        link.parent,
        link.mac,
        link.mtu,
    )


# busybox's ip has no -d. It still lists names, flags and addresses, but no kinds.
LINKS = Command(
    "links",
    "sh -c 'ip -o -d link || exec ip -o link'",
    small=True,
    title="ip -o -d link",
    holds="interfaces",
)
ADDRESSES = Command("addresses", "ip -o addr", small=True, holds="interfaces")
PROBE = Probe("interfaces", 1, (LINKS, ADDRESSES), parse)

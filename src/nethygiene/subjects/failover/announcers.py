"""The members of a group that announce a virtual address by VRRP, and what they send and hear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nethygiene.engine.each import Each
from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.subjects.failover.keepalived import Keepalived
from nethygiene.subjects.failover.keepalived_conf.configuration import Address, VrrpInstance
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.links.interfaces import Interfaces, InterfaceState


@dataclass(frozen=True, slots=True)
class Announcer:
    """A member whose keepalived has an instance with the address.

    Attributes:
        host: its name.
        instance: the instance.
        file: the file that its keepalived was given.
        interfaces: its interfaces.
        packet_filter: its packet filter.
    """

    host: str
    instance: VrrpInstance
    file: str
    interfaces: Sequence[InterfaceState]
    packet_filter: PacketFilter

    @property
    def is_unicast(self) -> bool:
        """Whether it sends to peers. Without any peer it sends to its group (keepalived 2.2.7)."""
        return bool(self.instance.peers)

    @property
    def way(self) -> str:
        """How it announces itself, in words."""
        return "by unicast" if self.is_unicast else f"by multicast to {self.instance.group}"

    @property
    def address(self) -> Address | None:
        """The source of what it sends, at which it also hears unicast; None if not known.

        Where none is configured, keepalived takes the first address of the interface; of IPv6 that
        is the link-local one. A vmac sends from the same (keepalived 2.2.7, in the lab).
        """
        if self.instance.source is not None:
            return self.instance.source
        held = {entry.address for entry in self.instance.addresses}
        six = self.instance.family == 6
        return next(
            (
                has.ip
                for interface in self.interfaces
                if interface.name == self.instance.interface
                for has in interface.addresses
                if has.version == self.instance.family
                and has.ip not in held
                and (not six or has.ip.is_link_local)
            ),
            None,
        )

    @property
    def sends_by(self) -> str:
        """The interface by which its advertisements leave."""
        vmac = self.instance.vmac
        return self.instance.interface if vmac is None or vmac.sends_from_base else vmac.name

    @property
    def hears_by(self) -> str:
        """The interface at which it hears the others: a vmac takes what comes to the group."""
        return self.instance.interface if self.is_unicast else self.sends_by

    @property
    def has_its_address(self) -> bool:
        """Whether one of its interfaces has the source address that is configured."""
        return any(
            has.ip == self.instance.source
            for interface in self.interfaces
            for has in interface.addresses
        )

    def sends_to(self, other: Announcer) -> Address | None:
        """The address by which it reaches another one; None if it does not send there."""
        if not self.is_unicast:
            return None if other.is_unicast else self.instance.group
        peers = {peer.address for peer in self.instance.peers}
        return other.address if other.address in peers else None


@dataclass(frozen=True, slots=True)
class Announcers:
    """The members of a group, by their part in announcing an address.

    Attributes:
        announcing: those that have an instance with it.
        silent: those that have none, and are no real servers of LVS-DR, which have it on lo.
        read: how many members could be read.
    """

    announcing: tuple[Announcer, ...]
    silent: tuple[str, ...]
    read: int

    @property
    def pairs(self) -> Iterator[tuple[Announcer, Announcer]]:
        """Each one with each other one: who sends, and who hears."""
        return (
            (one, other) for one in self.announcing for other in self.announcing if one is not other
        )


def announcers_of(
    address: Address,
    keepalived: Each[Keepalived],
    interfaces: Each[Interfaces],
    packet_filter: Each[PacketFilter],
) -> Announcers:
    """The members that could be read; of the others the ledger has it."""
    links, filters = dict(interfaces), dict(packet_filter)
    announcing: list[Announcer] = []
    silent: list[str] = []
    read = 0
    for host, fact in keepalived:
        if host not in links or host not in filters:
            continue
        try:
            # Whether it runs is only shown: one that has just died is mended by being started.
            _ = fact.runs
            instances = fact.holding(address)
        except UnreadableFactError:
            continue  # the ledger has it
        read += 1
        states = tuple(links[host])
        if instances:
            instance = instances[0]
            announcing.append(
                Announcer(host, instance, fact.file_of(instance), states, filters[host])
            )
        elif not _is_real_server(address, states):
            silent.append(host)
    return Announcers(tuple(announcing), tuple(silent), read)


def _is_real_server(address: Address, interfaces: Sequence[InterfaceState]) -> bool:
    return any(
        has.ip == address
        for interface in interfaces
        if interface.is_loopback
        for has in interface.addresses
    )

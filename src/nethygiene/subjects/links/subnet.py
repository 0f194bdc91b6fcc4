"""The subnets that hosts of a run share, and their interfaces there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from nethygiene.engine.each import Each, read_members
from nethygiene.engine.finder import finder
from nethygiene.subjects.links.interface_kinds import InterfaceKinds
from nethygiene.subjects.links.interfaces import Interfaces, InterfaceState
from nethygiene.subjects.links.ip.families import Network


@dataclass(frozen=True, slots=True)
class SubnetPort:
    """An interface in the subnet.

    Attributes:
        host: whose it is.
        interface: its name.
        mtu: in bytes.
    """

    host: str
    interface: str
    mtu: int

    def __str__(self) -> str:
        return f"{self.host} {self.interface}"


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet in which several hosts have an interface that is up.

    Attributes:
        network: the subnet.
        ports: the interfaces, host by host.
    """

    network: Network
    ports: tuple[SubnetPort, ...]

    @property
    def name(self) -> str:
        """The item's name in results: ``192.0.2.0/24``."""
        return str(self.network)


def subnet(interfaces: Each[Interfaces], interface_kinds: Each[InterfaceKinds]) -> Iterator[Subnet]:
    """The subnets that two hosts or more share, over links that leave the host.

    A bridge without hardware belongs to one host, and each host of containers may use the same
    addresses for its own. Point-to-point links have no third end, and link-local addresses say
    nothing about who shares a link.
    """
    ports: dict[Network, list[SubnetPort]] = defaultdict(list)
    for found in read_members(_ports, interfaces, interface_kinds).values():
        for network, port in found:
            ports[network].append(port)
    for network, inside in ports.items():
        if len({port.host for port in inside}) > 1:
            yield Subnet(network, tuple(inside))


def _ports(
    host: str, interfaces: Interfaces, kinds: InterfaceKinds
) -> list[tuple[Network, SubnetPort]]:
    states = tuple(interfaces)
    found = []
    for interface in states:
        networks = dict.fromkeys(
            address.network
            for address in interface.addresses
            if not address.is_link_local and address.network.num_addresses > 2
        )
        if networks and _leaves_the_host(interface, states, kinds):
            if interface.mtu is None:
                interfaces.ledger.undecidable(f"`ip link` shows no MTU of {interface.name}")
            port = SubnetPort(host, interface.name, interface.mtu)
            found += [(network, port) for network in networks]
    return found


def _leaves_the_host(
    interface: InterfaceState, states: tuple[InterfaceState, ...], kinds: InterfaceKinds
) -> bool:
    if not (interface.is_up and interface.has_carrier and interface.resolves):
        return False
    if interface.is_point_to_point:
        return False
    return not kinds.is_bridge(interface.name) or any(
        port.master == interface.name and kinds.has_wire(port.name) for port in states
    )


FINDER = finder(subnet, "no two hosts of the run share a subnet", of_groups=True)

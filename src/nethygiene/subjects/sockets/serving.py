"""Which clients a listening socket serves: by its address, its device, and the host's addresses."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Literal, TypeGuard

from nethygiene.engine.expect import doubt
from nethygiene.engine.outcomes import Reason
from nethygiene.inventory.policy import Service
from nethygiene.subjects.links.interfaces import Interfaces, InterfaceState
from nethygiene.subjects.links.ip.families import Address, Network
from nethygiene.subjects.sockets.listeners import Listener, Listeners

if TYPE_CHECKING:  # only a rule that asks for the packet filter imports its model
    from nethygiene.subjects.filter.filter_fact import PacketFilter

Version = Literal[4, 6]


@dataclass(frozen=True, slots=True)
class Here:
    """The facts that know the host's own addresses.

    Attributes:
        interfaces: the interfaces and their addresses.
        packet_filter: knows the routes, which may make whole networks local (AnyIP).
    """

    interfaces: Interfaces
    packet_filter: PacketFilter

    def has(self, address: Address) -> bool:
        """Whether an address is the host's own."""
        if address.is_loopback or address.is_unspecified:
            return True
        mapped = getattr(address, "ipv4_mapped", None) or address
        if any(mapped == has.ip for interface in self.interfaces for has in interface.addresses):
            return True
        return self.packet_filter.routes_locally(mapped)


_LOOPBACK: dict[Version, Address] = {4: IPv4Address("127.0.0.1"), 6: IPv6Address("::1")}
_VERSIONS: tuple[Version, ...] = (4, 6)


def sockets_of(listeners: Listeners, service: Service) -> tuple[Listener, ...]:
    """The sockets on the service's port that are its own.

    If the service declares an address, another program may listen on the port at another address.
    """
    sockets = listeners.on(service.port)
    if service.address == "any":
        return sockets
    return tuple(socket for socket in sockets if is_at(socket, service))


def is_at(listener: Listener, service: Service) -> bool:
    """Whether a socket is where the service is declared, whatever addresses the host has."""
    at, address = listener.ip, service.address
    if address == "any":
        return is_for_local_clients(service) or (
            is_for_others(listener) and _on_interface(listener, service)
        )
    if address == "loopback":
        return listener.device in {None, "lo"} and (
            listener.is_wildcard or at in _LOOPBACK.values()
        )
    if not _on_interface(listener, service):
        return False
    if is_on_loopback(listener) and not address.is_loopback:
        return False
    if listener.is_wildcard:
        return listener.serves(address.version) is not False
    return at == (getattr(address, "ipv4_mapped", None) or address)


def serves(
    listener: Listener, service: Service, here: Here, version: Version | None = None
) -> bool | None:
    """Whether a socket takes connections to an address that clients of the service can dial.

    Args:
        listener: a socket at the declared address.
        service: the service.
        here: the host's own addresses, asked only if the service is meant for other hosts.
        version: the IP version of these connections; None for either.

    Returns:
        None if ss does not show it.
    """
    if version is None:
        answers = [serves(listener, service, here, either) for either in _VERSIONS]
        return True if True in answers else None if None in answers else False
    answer = listener.serves(version)
    if answer is False or service.address != "any" or is_for_local_clients(service):
        return answer
    return answer if _has_such(listener, here, version) else False


def _has_such(listener: Listener, here: Here, version: Version) -> bool:
    """Whether the host has an address of a version at which other hosts reach the socket."""
    at = listener.ip
    if listener.is_wildcard or at is None:
        return any(
            address.version == version for address in _usable(here.interfaces, listener.device)
        )
    if listener.device is not None and not _is_up(here.interfaces, listener.device):
        return False
    return here.has(at)


def _is_up(interfaces: Interfaces, name: str) -> bool:
    return any(interface.is_up for interface in interfaces if interface.name == name)


def _usable(interfaces: Interfaces, device: str | None) -> Iterator[Address]:
    """The addresses that other hosts may use, of interfaces that are up."""
    for interface in interfaces:
        if not interface.is_up or device not in {None, interface.name}:
            continue
        for address in interface.addresses:
            if not address.ip.is_loopback and not address.ip.is_link_local:
                yield address.ip


def wanted_versions(
    service: Service, interfaces: Interfaces, serving: Collection[Listener]
) -> tuple[Version, ...]:
    """The IP versions in which a service has to be served; empty if either is enough."""
    if service.address == "loopback":
        own = {address.ip for interface in interfaces for address in interface.addresses}
        return (6,) if _LOOPBACK[6] in own and _LOOPBACK[4] not in own else (4,)
    if service.address != "any":
        mapped = getattr(service.address, "ipv4_mapped", None)
        return ((mapped or service.address).version,)
    for why in service.doubts:
        doubt(why, Reason.NOT_COLLECTED)
    if networks := _networks(service):
        return tuple(sorted({network.version for network in networks}))
    if any(listener.serves(4) for listener in serving):
        return ()
    return (4,) if any(address.version == 4 for address in _usable(interfaces, None)) else ()


def cut_off(serving: Collection[Listener], service: Service, interfaces: Interfaces) -> str:
    """A declared network that comes in by an interface to which no socket is bound, or empty.

    The answer covers only the networks of the host's own interfaces. Routes decide how others come
    in.
    """
    devices = {listener.device for listener in serving}
    if not devices or None in devices:
        return ""
    for network in _networks(service):
        ways = {interface.name for interface in interfaces if _is_on(interface, network)}
        if ways and not ways & devices:
            return f"{network}, which comes in by {' and '.join(sorted(ways))}"
    return ""


def _is_on(interface: InterfaceState, network: Network) -> bool:
    return any(
        address.version == network.version and address.network.overlaps(network)
        for address in interface.addresses
        if address.network.prefixlen
    )


def _networks(service: Service) -> list[Network]:
    """The sources that are declared as networks; none if anybody may come."""
    if "any" in service.allow_from:
        return []
    return [source for source in service.allow_from if is_network(source)]


def is_network(source: object) -> TypeGuard[Network]:
    """Whether a source is a network, rather than a word or a name."""
    return isinstance(source, IPv4Network | IPv6Network)


def is_for_local_clients(service: Service) -> bool:
    """Whether a service that may listen anywhere is meant for this host alone."""
    sources = service.allow_from
    return (
        service.address == "any"
        and bool(sources)
        and all(is_network(source) and source.is_loopback for source in sources)
    )


def is_on_loopback(listener: Listener) -> bool:
    """Whether a socket is for this host alone."""
    return listener.device == "lo" or (listener.ip is not None and listener.ip.is_loopback)


def is_for_others(listener: Listener) -> bool:
    """Whether other hosts may reach a socket, beyond its own link."""
    link_local = listener.ip is not None and listener.ip.is_link_local
    return not is_on_loopback(listener) and not link_local


def _on_interface(listener: Listener, service: Service) -> bool:
    # A socket bound to a device receives nothing that arrives on another device.
    return None in {listener.device, service.interface} or listener.device == service.interface

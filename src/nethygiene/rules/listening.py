"""Whether a port is listened on where its service is declared to listen, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from nethygiene.inventory.policy import Service
from nethygiene.probes.interfaces import Interfaces
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.probes.listeners import Listener, Listeners
from nethygiene.rules.expect import unknown
from nethygiene.rules.matchers import Matcher

Version = Literal[4, 6]
_SHOWN = 6


@dataclass(frozen=True, slots=True)
class PortState:
    """A port, and which of the sockets that listen on it serve those that it is meant for.

    Attributes:
        sockets: all that listen on the port.
        serving: those whose address covers the declared one.
        missing: the IP versions that it is meant for and that no socket serves.
        owners: the processes behind them, as far as they could be seen.
    """

    sockets: tuple[Listener, ...]
    serving: tuple[Listener, ...]
    missing: tuple[Version, ...]
    owners: tuple[str, ...]

    @property
    def is_served(self) -> bool:
        """Whether everyone that it is meant for is served."""
        return bool(self.serving) and not self.missing

    def __str__(self) -> str:
        if not self.sockets:
            return "not listened on"
        shown = self.serving or self.sockets
        where = ", ".join(map(str, shown[:_SHOWN]))
        who = f" by {' and '.join(self.owners)}" if self.owners else ""
        only = ""
        if not self.serving and all(_on_loopback(one) for one in self.sockets):
            only = "loopback only: "
        elif self.missing:
            only = f"without IPv{self.missing[0]}: "
        return f"listened on at {only}{where}{who}"


def port_state(
    service: Service,
    port: int,
    listeners: Listeners,
    owners: ListenerOwners,
    interfaces: Interfaces,
) -> PortState:
    """Judge who listens on a port of a service, its own or a former one.

    `address: any` wants a listener beyond loopback: in IPv4 where the host has an address of it,
    unless `allow_from` names networks of IPv6 alone; an address of one's own in either family.
    The interfaces are asked only where a socket of IPv6 alone makes that matter.

    Raises:
        UnreadableFactError: ss does not tell whether an IPv6 socket takes IPv4 as well.
    """
    sockets = listeners.on(port)
    serving = tuple(one for one in sockets if _is_at(one, service))
    missing: list[Version] = []
    if serving:
        for version in _wanted(service, serving, interfaces):
            answers = [one.serves(version) for one in serving]
            if True in answers:
                continue
            if None in answers:
                where = ", ".join(map(str, serving))
                unknown(f"whether {where} takes IPv{version} as well is told since Linux 4.3 only")
            missing.append(version)
    return PortState(sockets, serving, tuple(missing), owners.of(port))


def served(service: Service) -> Matcher[PortState]:
    """The port is listened on where the service is declared to be."""
    return Matcher(f"listened on {_declared(service)}", lambda state: state.is_served)


def why_not_served(state: PortState, service: Service, listeners: Listeners) -> str:
    """What a port that is not served tells, and what to do."""
    if state.missing:
        return (
            f"clients of IPv{state.missing[0]} are refused: listen for it as well, or declare "
            "the address or the networks in allow_from that it is meant for"
        )
    if state.sockets:
        return "bind it to the address that clients use, or declare the address that it has"
    former = [port for port in service.legacy_ports if listeners.on(port)]
    if former:
        return f"its former port {former[0]} is listened on: start it on {service.port}"
    others = sorted({one.port for one in listeners if _is_for_others(one)})
    listed = ", ".join(map(str, others[:10])) + (", …" if len(others) > 10 else "")
    return (
        "start the service, or correct the port if it has moved"
        + (f"; listened on beyond loopback: {listed}" if others else "")
        + "; clients are answered with RST meanwhile"
    )


def _declared(service: Service) -> str:
    if service.address == "any":
        return "at any address" if _is_local(service) else "beyond loopback"
    return "at loopback" if service.address == "loopback" else f"at {service.address}"


def _is_local(service: Service) -> bool:
    """Whether a service that may listen anywhere is meant for this host alone."""
    sources = service.allow_from
    return bool(sources) and all(one != "any" and one.is_loopback for one in sources)


def _is_at(listener: Listener, service: Service) -> bool:
    at, address = listener.ip, service.address
    if address == "any":
        return _is_local(service) or (_is_for_others(listener) and _on_interface(listener, service))
    if address == "loopback":
        return listener.device in {None, "lo"} and (
            listener.is_wildcard or (at is not None and at.is_loopback)
        )
    if not _on_interface(listener, service) or (_on_loopback(listener) and not address.is_loopback):
        return False
    if listener.is_wildcard:
        return listener.serves(address.version) is not False
    return at == (getattr(address, "ipv4_mapped", None) or address)


def _on_loopback(listener: Listener) -> bool:
    return listener.device == "lo" or (listener.ip is not None and listener.ip.is_loopback)


def _is_for_others(listener: Listener) -> bool:
    link_local = listener.ip is not None and listener.ip.is_link_local
    return not _on_loopback(listener) and not link_local


def _on_interface(listener: Listener, service: Service) -> bool:
    # A socket bound to a device hears nothing of what arrives on another one.
    return None in {listener.device, service.interface} or listener.device == service.interface


def _wanted(
    service: Service, serving: tuple[Listener, ...], interfaces: Interfaces
) -> tuple[Version, ...]:
    if service.address == "loopback":
        return ()
    if service.address != "any":
        mapped = getattr(service.address, "ipv4_mapped", None)
        return ((mapped or service.address).version,)
    networks = [one for one in service.allow_from if isinstance(one, IPv4Network | IPv6Network)]
    if networks and "any" not in service.allow_from:
        return tuple(sorted({one.version for one in networks}))
    if any(one.serves(4) for one in serving):
        return ()
    return (4,) if _has_ipv4(interfaces) else ()


def _has_ipv4(interfaces: Interfaces) -> bool:
    return any(
        address.version == 4 and not address.is_loopback and not address.is_link_local
        for interface in interfaces
        if interface.is_up
        for address in interface.addresses
    )

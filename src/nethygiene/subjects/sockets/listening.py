"""Whether sockets listen where a service is declared to listen, and whom they serve."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.engine.expect import unknown
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.remedies import paragraphs
from nethygiene.inventory.policy import Policy, Service
from nethygiene.subjects.sockets.listener_owners import ListenerOwners, Owner
from nethygiene.subjects.sockets.listeners import Listener, Listeners
from nethygiene.subjects.sockets.restarting import restart_listener
from nethygiene.subjects.sockets.serving import (
    Here,
    Version,
    cut_off,
    is_at,
    is_for_local_clients,
    is_for_others,
    is_on_loopback,
    serves,
    wanted_versions,
)

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class PortState:
    """A port, and which of its listening sockets serve the clients that it is meant for.

    Attributes:
        sockets: all sockets that listen on the port.
        serving: the sockets whose address covers the declared one.
        missing: the IP versions that it is meant for and that no socket serves.
        cut_off: declared sources that come in by another interface than the sockets are bound to.
        owners: the processes behind the sockets, as far as they could be seen.
    """

    sockets: tuple[Listener, ...]
    serving: tuple[Listener, ...]
    missing: tuple[Version, ...]
    owners: tuple[Owner, ...]
    cut_off: str = ""

    @property
    def is_served(self) -> bool:
        """Whether all clients that it is meant for are served."""
        return bool(self.serving) and not self.missing and not self.cut_off

    def __str__(self) -> str:
        if not self.sockets:
            return "not listened on"
        shown = self.serving or self.sockets
        where = ", ".join(map(str, shown[:_SHOWN]))
        who = f" by {' and '.join(map(str, self.owners))}" if self.owners else ""
        but = ""
        if not self.serving and all(is_on_loopback(socket) for socket in self.sockets):
            but = ", loopback only"
        elif self.missing:
            but = f", without IPv{self.missing[0]}"
        elif self.cut_off:
            but = f", not for {self.cut_off}"
        return f"listened on at {where}{who}{but}"


def port_state(
    service: Service,
    port: int,
    listeners: Listeners,
    owners: ListenerOwners,
    here: Here,
    policy: Policy,
) -> PortState:
    """Judge who listens on a port of a service, its own or a former one.

    `address: any` asks for a listener beyond loopback, at an address that the host has. It has to
    serve IPv4 if the host has an IPv4 address, unless `allow_from` names IPv6 networks alone.
    `loopback` asks for a listener at 127.0.0.1, or at ::1 on a host without it. Any other address
    asks for a listener in its own family.

    Raises:
        UnreadableFactError: ss does not show whether an IPv6 socket takes IPv4 too, or a socket
            waits at the declared address, which the host does not have now.
    """
    sockets = listeners.on(port)
    serving = tuple(
        socket
        for socket in sockets
        if is_at(socket, service) and serves(socket, service, here) is not False
    )
    missing: list[Version] = []
    for version in wanted_versions(service, here.interfaces, serving) if serving else ():
        answers = [serves(socket, service, here, version) for socket in serving]
        if True in answers:
            continue
        if None in answers:
            where = ", ".join(map(str, serving))
            unknown(f"whether {where} takes IPv{version} as well is told since Linux 4.3 only")
        missing.append(version)
    if serving and not missing and not isinstance(service.address, str):
        _is_here(service, here, policy)
    outside = cut_off(serving, service, here.interfaces)
    return PortState(sockets, serving, tuple(missing), owners.of(port), outside)


def _is_here(service: Service, here: Here, policy: Policy) -> None:
    """End the rule if another host may hold a virtual address: only that host serves then."""
    address = service.address
    if isinstance(address, str) or here.has(address):
        return
    if any(interface.address == address for interface in policy.interfaces.values()):
        return  # the rule interface-has-address fails, and says where it should be
    unknown(
        f"the host does not have {address}: nobody reaches the service here now. If another host "
        "holds it (a virtual address), that one is right; else give it to this host, and declare "
        "it under interfaces"
    )


def served(service: Service) -> Matcher[PortState]:
    """The port is listened on where the service is declared to be."""
    return Matcher(f"listened on {_declared(service)}", lambda state: state.is_served)


def _why_a_version_is_missing(version: Version, service: Service) -> str:
    if service.address == "loopback":
        itself, other = ("127.0.0.1", "::1") if version == 4 else ("::1", "127.0.0.1")
        return (
            f"clients that dial {itself} are refused: listen there as well, or declare the "
            f'address that they dial, as in `address: "{other}"`'
        )
    return (
        f"clients of IPv{version} are refused: listen for it as well (and give the host an "
        f"IPv{version} address, if it has none), or declare the address or the networks in "
        "allow_from that it is meant for"
    )


def _why_it_does_not_serve(state: PortState, service: Service) -> str:
    if service.address == "loopback" and not all(
        is_on_loopback(socket) for socket in state.sockets
    ):
        return "clients on this host dial 127.0.0.1: listen there"
    others = [socket for socket in state.sockets if is_for_others(socket)]
    if others and service.address == "any":
        return (
            f"the host has no address at which {others[0]} answers (it is not on an interface that "
            "is up): bind it to an address that clients use"
        )
    return "bind it to the address that clients use, or declare the address that it has"


def why_not_served(state: PortState, service: Service, listeners: Listeners) -> str:
    """Why a port is not served, and what to do."""
    if state.missing:
        return _why_a_version_is_missing(state.missing[0], service)
    if state.cut_off:
        return "the socket is bound to a device by which they do not come in"
    if state.sockets:
        return _why_it_does_not_serve(state, service)
    former = [port for port in service.legacy_ports if listeners.on(port)]
    if former:
        return f"its former port {former[0]} is listened on: start it on {service.port}"
    others = sorted({listener.port for listener in listeners if is_for_others(listener)})
    listed = ", ".join(map(str, others[:10])) + (", …" if len(others) > 10 else "")
    return (
        "start the service, or correct the port if it has moved"
        + (f"; listened on beyond loopback: {listed}" if others else "")
        + "; clients are answered with RST meanwhile"
    )


def serve_remedy(state: PortState, service: Service) -> str:
    """The remedy: start the service, or let it listen where its clients are, and restart it."""
    if not state.sockets:
        return (
            f"Start what the inventory calls {service.name}, and have it start at boot (`systemctl "
            "enable --now` of its unit). Where it was moved on purpose, correct its port in the "
            "inventory, and name the old one in legacy_ports."
        )
    at = _declared(service).removeprefix("at ")
    return paragraphs(
        f"In the configuration of {service.name}, have it listen {_where(state, service, at)}.",
        restart_listener(state.sockets[0], state.owners, service),
    )


def _where(state: PortState, service: Service, at: str) -> str:
    if service.address == "loopback":
        return "at 127.0.0.1"
    if state.missing:
        return "at 0.0.0.0 as well" if state.missing[0] == 4 else "at :: as well"
    if state.cut_off:
        return "without a device (or on the one by which its clients come in)"
    return "at 0.0.0.0, or at the address that clients use" if service.address == "any" else at


def _declared(service: Service) -> str:
    if service.address == "any":
        return "at any address" if is_for_local_clients(service) else "beyond loopback"
    return "at loopback" if service.address == "loopback" else f"at {service.address}"

"""The precondition that this host itself serves a service.

NAT may take its port to another port of the host, which is judged instead, or into a container.
"""

from __future__ import annotations

from nethygiene.engine.precondition import Elsewhere, Instead, Whereabouts, precondition
from nethygiene.inventory.policy import Service
from nethygiene.subjects.filter.client_ways import ClientWay, answers_at, client_ways
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.firewall import virtual_server
from nethygiene.subjects.filter.translation import Translation, translations
from nethygiene.subjects.sockets.containers import container_proxies
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners


def whereabouts(
    service: Service,
    packet_filter: PacketFilter,
    listener_owners: ListenerOwners,
    listeners: Listeners,
) -> Whereabouts:
    """Where a declared service's port is served; None if it is here, at that port.

    An unreadable filter must not block unprivileged audits: it is recorded as an observation only.
    """
    if proxies := container_proxies(listener_owners, service.port):
        return _in_container(f"port {service.port} is handed to a container by {proxies[0]}")
    what = f"NAT of port {service.port}"
    if packet_filter.unreadable is not None:
        packet_filter.observe(what, f"not readable ({packet_filter.unreadable.reason})")
        return _by_ipvs(packet_filter, service)
    taken: list[Translation] = []
    whole = True
    for way in client_ways(packet_filter, service):
        if (server := virtual_server(packet_filter, way.path, service.port)) is not None:
            why = f"IPVS takes port {service.port}: {server}: the service lives behind it"
            return Elsewhere(why, surely=False)
        judged = packet_filter.judge(way.path, service.port, ephemeral=True)
        here = translations(packet_filter, way.path, service.port, judged)
        sure = 0
        for translation in here:
            sure |= translation.mask if translation.certain else 0
        whole &= not judged.asked & ~sure or not _is_answered(
            packet_filter, listeners, way, service.port
        )
        taken += here
    packet_filter.observe(what, "; ".join(dict.fromkeys(map(str, taken))) or "none takes it")
    return _taken(service, taken, whole=whole)


def _is_answered(
    packet_filter: PacketFilter, listeners: Listeners, way: ClientWay, port: int
) -> bool:
    """Whether a socket of this host answers the clients that NAT does not take."""
    path = way.path
    return any(
        answers_at(packet_filter, listeners.on(port), path.family, number, path.interface)
        for number in (path.address, *path.alike)
    )


def _taken(service: Service, taken: list[Translation], *, whole: bool) -> Whereabouts:
    if not taken:
        return None
    what = f"port {service.port}: {taken[0]}"
    ports = {translation.to.port for translation in taken}
    if whole and all(not translation.here for translation in taken):
        return _in_container(what)
    if (
        whole
        and all(translation.here for translation in taken)
        and len(ports) == 1
        and (port := ports.pop())
    ):
        moved = service.model_copy(update={"port": port})
        moved._name = service.name  # noqa: SLF001 - the copy is of the same item
        return Instead(moved, str(taken[0]))
    return Elsewhere(f"{what}: some of its clients are served elsewhere", surely=False)


def _by_ipvs(packet_filter: PacketFilter, service: Service) -> Whereabouts:
    """Without the rules, a virtual server may take any client's connections, so it is unknown."""
    for server in packet_filter.seen_servers(service.port):
        return Elsewhere(f"IPVS takes port {service.port}: {server}", surely=False)
    return None


def _in_container(what: str) -> Elsewhere:
    where = "so it is served in another network namespace, whose sockets are not this host's"
    return Elsewhere(f"{what}, {where}: audit the container, or the host that it leads to", True)


PRECONDITION = precondition(whereabouts)
"""This host itself serves the service; `Instead` if NAT takes it to another port here."""

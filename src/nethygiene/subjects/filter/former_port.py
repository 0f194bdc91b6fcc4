"""Whether a port that a service has left still leads to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nethygiene.engine.expect import unknown
from nethygiene.engine.matchers import Matcher
from nethygiene.inventory.policy import Service
from nethygiene.subjects.filter.client_ways import ClientWay, answers_at, client_ways
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.firewall import no_program_first, what_passes
from nethygiene.subjects.filter.firewall_opening import open_to_clients
from nethygiene.subjects.filter.firewall_tools import OWN_TABLE, PERSIST_OWN, nft, steps
from nethygiene.subjects.filter.passages import Passage
from nethygiene.subjects.filter.translation import Translation, translations
from nethygiene.subjects.sockets.listeners import Listeners
from nethygiene.subjects.sockets.listening import PortState


@dataclass(frozen=True, slots=True)
class FormerPort:
    """What becomes of those that still connect to a port that a service has left.

    Attributes:
        said: their fate, in words.
        leads_there: whether all of them reach the service.
        remedy: the remedy, if it is more than a redirect.
    """

    said: str
    leads_there: bool
    remedy: str = ""

    def __str__(self) -> str:
        return self.said


def former_port(
    state: PortState,
    service: Service,
    port: int,
    packet_filter: PacketFilter,
    listeners: Listeners,
) -> FormerPort:
    """Find out what answers on a former port of a service, and whether the filter lets clients in.

    Raises:
        UnreadableFactError: the filter could not be read, or does not decide it.
    """
    ways = client_ways(packet_filter, service)
    if not ways:
        return FormerPort(str(state), state.is_served)
    # If the service itself is not served by a way (by IPv6, say), no redirect can lead to it.
    served = [way for way in ways if _is_served(packet_filter, listeners, service, way)]
    fates = [_by_way(state, service, port, packet_filter, listeners, way) for way in served or ways]
    return next((fate for fate in fates if not fate.leads_there), fates[0])


def _is_served(
    packet_filter: PacketFilter, listeners: Listeners, service: Service, way: ClientWay
) -> bool:
    """Whether something answers, or NAT takes over, at the service's port of now."""
    path, sockets = way.path, listeners.on(service.port)
    judged = packet_filter.judge(path, service.port, ephemeral=True)
    return bool(translations(packet_filter, path, service.port, judged)) or any(
        answers_at(packet_filter, sockets, path.family, address, path.interface)
        for address in (path.address, *path.alike)
    )


def _by_way(
    state: PortState,
    service: Service,
    port: int,
    packet_filter: PacketFilter,
    listeners: Listeners,
    way: ClientWay,
) -> FormerPort:
    path = way.path
    no_program_first(packet_filter, path)
    judged, ports = packet_filter.judge_clients(path, port)
    taken = translations(packet_filter, path, port, judged)
    right = _right(packet_filter, listeners, service, way, taken)
    led = sure = perhaps = 0
    for translation in taken:
        if translation.certain:
            sure |= translation.mask
        else:
            perhaps |= translation.mask
        led |= translation.mask if translation in right else 0
    served = state.is_served or any(
        answers_at(packet_filter, state.sockets, path.family, number, path.interface)
        for number in (path.address, *path.alike)
    )
    if served:
        led |= judged.asked & ~sure
    doubtful = perhaps & judged.asked
    if doubtful and not (served and all(translation in right for translation in taken)):
        unknown(f"whether port {port} leads to {service.port} depends on: {taken[0].rule}")
    if lost := judged.asked & ~led:
        if not lost & sure:
            if right or taken:
                unknown(f"whether port {port} leads to {service.port} depends on: {taken[0].rule}")
            return FormerPort(str(state), leads_there=False)
        astray = next(translation for translation in taken if translation.mask & lost)
        return FormerPort(_astray(service, astray), leads_there=False)
    kinds = (ports,) if ports else ()
    passage = Passage(path, port, (judged,), led, way.whole, not way.whole, kinds=kinds)
    passes = what_passes(packet_filter, passage)
    how = f"redirected by {right[0].rule}" if right else str(state)
    if passes != "accepted":
        remedy = open_to_clients(packet_filter, passage, service)
        text = f"{how}, but a connection {passage.label} is {passes}"
        return FormerPort(text, leads_there=False, remedy=remedy)
    return FormerPort(how, leads_there=True)


def _right(
    packet_filter: PacketFilter,
    listeners: Listeners,
    service: Service,
    way: ClientWay,
    taken: Sequence[Translation],
) -> list[Translation]:
    """The translations that lead to the service: to its socket, or where NAT takes its port."""
    path = way.path
    judged = packet_filter.judge(path, service.port, ephemeral=True)
    now = [
        translation.to for translation in translations(packet_filter, path, service.port, judged)
    ]
    sockets = listeners.on(service.port)
    return [
        translation
        for translation in taken
        if translation.to in now
        or (
            translation.here
            and translation.to.port == service.port
            and translation.to.address is not None
            and answers_at(
                packet_filter, sockets, path.family, translation.to.address, path.interface
            )
        )
    ]


def _astray(service: Service, taken: Translation) -> str:
    if taken.here and taken.to.port == service.port:
        return f"redirected to {taken.to}, where nothing listens, by {taken.rule}"
    return f"taken elsewhere by {taken.rule}"


def lead_former_port(former: FormerPort, service: Service, port: int) -> str:
    """The remedy: a redirect, which Debian's nftables.service loads at boot."""
    if former.remedy or "where nothing listens" in former.said:
        return former.remedy
    moved = f"add rule inet {OWN_TABLE} moved tcp dport {port} redirect to :{service.port}"
    return steps(
        "Redirect it to the new port (or have the service listen on both).",
        nft(f"add table inet {OWN_TABLE}"),
        nft(f"add chain inet {OWN_TABLE} moved {{ type nat hook prerouting priority dstnat; }}"),
        nft(moved),
        *PERSIST_OWN,
    )


def still_served(service: Service) -> Matcher[FormerPort]:
    """The former port leads to the service."""
    return Matcher(
        f"listened on, or redirected to {service.port}", lambda former: former.leads_there
    )

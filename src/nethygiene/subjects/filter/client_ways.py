"""Who the clients of a service are, by which ways they come in, and what answers them there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from nethygiene.inventory.policy import Service
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import (
    Intervals,
    common,
    everything,
    family_of,
    holds,
    interval_of,
    merged,
    parse_address,
    without,
)
from nethygiene.subjects.filter.model.own import LINK_LOCAL, OwnAddress
from nethygiene.subjects.filter.model.paths import Path
from nethygiene.subjects.links.ip.families import FAMILIES, Family
from nethygiene.subjects.sockets.listeners import Listener


@dataclass(frozen=True, slots=True)
class Sources:
    """Where connections to a service may come from, in one family.

    Attributes:
        named: networks that have to get in.
        rest: where `any` has to, all that neither allow_from nor deny_from names; else nothing.
        denied: networks that are kept out.
    """

    named: Intervals
    rest: Intervals
    denied: Intervals


def declared_sources(service: Service, family: Family) -> Sources:
    """What allow_from and deny_from come to: of two networks the smaller one counts."""
    entries: list[tuple[int, bool, Intervals]] = []
    for allowed, listed in ((True, service.clients), (False, service.deny_from)):
        for one in listed:
            if one == "any":
                entries.append((-1, allowed, everything(family)))
            elif family_of(one.version) == family:
                entries.append((one.prefixlen, allowed, (interval_of(one),)))
    found: dict[tuple[bool, bool], list[tuple[int, int]]] = {}
    taken: Intervals = ()
    # Of two that are alike, what is kept out is: False sorts first.
    for length, allowed, intervals in sorted(entries, key=lambda one: (-one[0], one[1])):
        free = without(intervals, taken, family)
        found.setdefault((allowed, length < 0), []).extend(free)
        taken = merged([*taken, *intervals])
    return Sources(
        merged(found.get((True, False), ())),
        merged(found.get((True, True), ())),
        merged([*found.get((False, False), ()), *found.get((False, True), ())]),
    )


@dataclass(frozen=True, slots=True)
class ClientWay:
    """One way by which clients of a service come in; `whole`: they are the clients of `any`."""

    path: Path
    whole: bool


def client_ways(packet_filter: PacketFilter, service: Service) -> list[ClientWay]:
    """All ways by which the declared clients of a service come in, whatever listens."""
    asked = (service.clients, service.deny_from, service.address, service.interface)
    return packet_filter.once(("client ways", asked), lambda: _ways(packet_filter, service))


def _ways(packet_filter: PacketFilter, service: Service) -> list[ClientWay]:
    found: list[ClientWay] = []
    aside: list[ClientWay] = []
    for family in FAMILIES:
        sources = declared_sources(service, family)
        to = _asked_for(packet_filter, service, family, sources)
        wanted = merged([*sources.named, *sources.rest])
        if not wanted or not to:
            continue
        numbers = {one.number: one for one in to}
        for path in packet_filter.paths(family, wanted, numbers, service.interface, weak=False):
            if not sources.rest:
                found.append(ClientWay(path, whole=False))
                continue
            name = path.interface
            at = [numbers[number] for number in (path.address, *path.alike)]
            of_any = merged(span for one in at for span in packet_filter.clients(name, one))
            real = merged([*common(sources.rest, of_any), *sources.named])
            if among := common(path.sources, real):
                way = ClientWay(replace(path, sources=among), whole=True)
                inner = name is not None and not packet_filter.leads_to_clients(name)
                # A network of the host's own containers is none of clients, unless it is named.
                named = bool(common(path.sources, sources.named)) or service.interface is not None
                (aside if inner and not named else found).append(way)
    return found or aside


def denied_ways(packet_filter: PacketFilter, service: Service) -> list[Path]:
    """All ways by which those come in that a service keeps out, to all of its addresses."""
    found: list[Path] = []
    for family in FAMILIES:
        sources = declared_sources(service, family)
        to = packet_filter.own(family)
        if (declared := parse_address(str(service.address))) is not None:
            to = tuple(one for one in to if one.number == declared[0] and declared[1] == family)
        numbers = {one.number for one in to}
        found += packet_filter.paths(family, sources.denied, numbers, service.interface)
    return found


def _asked_for(
    packet_filter: PacketFilter, service: Service, family: Family, sources: Sources
) -> list[OwnAddress]:
    """The host's own addresses that clients use."""
    own = [one for one in packet_filter.own(family) if not one.is_loopback]
    if (declared := parse_address(str(service.address))) is not None and declared[0]:
        if declared[1] != family:
            return []
        inside = [one for one in own if one.span[0] <= declared[0] <= one.span[1]]
        return [replace(one, number=declared[0], roams=True) for one in inside[:1]]
    links = packet_filter.model.links.links
    up = [one for one in own if one.interface not in links or links[one.interface].up]
    if common(sources.named, LINK_LOCAL[family]):
        return up
    # Nobody is told a link-local address, unless there is no other.
    return [one for one in up if not one.is_link_local] or [
        one for one in up if not _has_global(packet_filter, one)
    ]


def _has_global(packet_filter: PacketFilter, to: OwnAddress) -> bool:
    return any(
        not one.is_link_local and not one.is_loopback
        for family in FAMILIES
        for one in packet_filter.own(family)
        if one.interface in {to.interface, "lo"}
    )


def answers_at(
    packet_filter: PacketFilter,
    sockets: Iterable[Listener],
    family: Family,
    number: int,
    interface: str | None,
) -> bool:
    """Whether one of the sockets answers connections to an own address that come in there."""
    return any(_answers(packet_filter, one, family, number, interface) for one in sockets)


def _answers(
    packet_filter: PacketFilter,
    socket: Listener,
    family: Family,
    number: int,
    interface: str | None,
) -> bool:
    if socket.serves(4 if family == "ipv4" else 6) is False:
        return False
    links = packet_filter.model.links
    vrf = links.vrf_of(interface)
    if socket.device is None:
        if vrf and not packet_filter.across_vrfs:
            return False
    elif interface is not None and socket.device not in {interface, vrf}:
        return False
    if socket.is_wildcard:
        return True
    return int(socket.ip or 0) == number


def served_numbers(
    packet_filter: PacketFilter, family: Family, sockets: Iterable[Listener]
) -> Iterator[int]:
    """The own addresses at which one of the sockets perhaps answers somebody."""
    own = packet_filter.own(family)
    for socket in sockets:
        if socket.device == "lo" or socket.serves(4 if family == "ipv4" else 6) is False:
            continue
        if socket.is_wildcard:
            yield from (one.number for one in own)
        elif socket.ip is not None and holds(
            merged(one.span for one in own), number := int(socket.ip)
        ):
            yield number

"""The clients of a service, the ways by which they come in, and the sockets that answer them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from nethygiene.engine.expect import doubt, unknown
from nethygiene.engine.outcomes import Reason
from nethygiene.inventory.places import PlaceName
from nethygiene.inventory.policy import BlockedPort, Service
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
        rest: if `any` has to get in, everything that neither allow_from nor deny_from names.
        denied: networks that are kept out.
    """

    named: Intervals
    rest: Intervals
    denied: Intervals


def ask_names(item: Service | BlockedPort) -> None:
    """Say which named hosts have addresses that are not known; the rule passes nothing then.

    It ends the rule if such a host is excepted or kept out: then no failure is certain either.
    """
    for why in item.doubtful_exceptions:
        unknown(why, Reason.NOT_COLLECTED)
    for why in item.doubts:
        doubt(why, Reason.NOT_COLLECTED)


def declared_sources(service: Service, family: Family) -> Sources:
    """The sources of allow_from and deny_from; if two networks overlap, the smaller one counts."""
    entries: list[tuple[int, bool, Intervals]] = []
    for allowed, listed in ((True, service.clients), (False, service.deny_from)):
        for source in listed:
            if isinstance(source, PlaceName):
                continue  # of a policy that stands for itself, as in a test of one host
            if source == "any":
                entries.append((-1, allowed, everything(family)))
            elif family_of(source.version) == family:
                entries.append((source.prefixlen, allowed, (interval_of(source),)))
    free_of: dict[tuple[bool, bool], list[tuple[int, int]]] = {}
    taken: Intervals = ()
    # If a network stands in both lists, it is kept out: False sorts first.
    for length, allowed, intervals in sorted(entries, key=lambda entry: (-entry[0], entry[1])):
        free = without(intervals, taken, family)
        free_of.setdefault((allowed, length < 0), []).extend(free)
        taken = merged([*taken, *intervals])
    return Sources(
        merged(free_of.get((True, False), ())),
        merged(free_of.get((True, True), ())),
        merged([*free_of.get((False, False), ()), *free_of.get((False, True), ())]),
    )


@dataclass(frozen=True, slots=True)
class ClientWay:
    """One way by which clients of a service come in; `whole` says that they are those of `any`."""

    path: Path
    whole: bool


def client_ways(packet_filter: PacketFilter, service: Service) -> list[ClientWay]:
    """All ways by which the declared clients of a service come in, even if nothing listens."""
    asked = (service.clients, service.deny_from, service.address, service.interface)
    return packet_filter.once(("client ways", asked), lambda: _ways(packet_filter, service))


def _ways(packet_filter: PacketFilter, service: Service) -> list[ClientWay]:
    ways: list[ClientWay] = []
    aside: list[ClientWay] = []
    for family in FAMILIES:
        sources = declared_sources(service, family)
        to = _asked_for(packet_filter, service, family, sources)
        from_where = merged([*sources.named, *sources.rest])
        if not from_where or not to:
            continue
        numbers = {address.number: address for address in to}
        for path in packet_filter.paths(family, from_where, numbers, service.interface, weak=False):
            if not sources.rest:
                ways.append(ClientWay(path, whole=False))
                continue
            name = path.interface
            at = [numbers[number] for number in (path.address, *path.alike)]
            of_any = merged(span for address in at for span in packet_filter.clients(name, address))
            real = merged([*common(sources.rest, of_any), *sources.named])
            if among := common(path.sources, real):
                way = ClientWay(replace(path, sources=among), whole=True)
                inner = name is not None and not packet_filter.leads_to_clients(name)
                # A network of the host's own containers has no clients, unless the policy names it.
                named = bool(common(path.sources, sources.named)) or service.interface is not None
                (aside if inner and not named else ways).append(way)
    return ways or aside


def denied_ways(packet_filter: PacketFilter, service: Service) -> list[Path]:
    """All ways by which the sources of deny_from come in, to all addresses of the host."""
    paths: list[Path] = []
    for family in FAMILIES:
        sources = declared_sources(service, family)
        to = packet_filter.own(family)
        if (declared := parse_address(str(service.address))) is not None:
            to = tuple(
                address for address in to if address.number == declared[0] and declared[1] == family
            )
        numbers = {address.number for address in to}
        paths += packet_filter.paths(family, sources.denied, numbers, service.interface)
    return paths


def _asked_for(
    packet_filter: PacketFilter, service: Service, family: Family, sources: Sources
) -> list[OwnAddress]:
    """The host's own addresses that clients use."""
    own = [address for address in packet_filter.own(family) if not address.is_loopback]
    if (declared := parse_address(str(service.address))) is not None and declared[0]:
        if declared[1] != family:
            return []
        inside = [address for address in own if address.span[0] <= declared[0] <= address.span[1]]
        return [replace(address, number=declared[0], roams=True) for address in inside[:1]]
    links = packet_filter.model.links.links
    up = [
        address for address in own if address.interface not in links or links[address.interface].up
    ]
    if common(sources.named, LINK_LOCAL[family]):
        return up
    # Nobody uses a link-local address, unless there is no other.
    return [address for address in up if not address.is_link_local] or [
        address for address in up if not _has_global(packet_filter, address)
    ]


def _has_global(packet_filter: PacketFilter, to: OwnAddress) -> bool:
    return any(
        not address.is_link_local and not address.is_loopback
        for family in FAMILIES
        for address in packet_filter.own(family)
        if address.interface in {to.interface, "lo"}
    )


def answers_at(
    packet_filter: PacketFilter,
    sockets: Iterable[Listener],
    family: Family,
    number: int,
    interface: str | None,
) -> bool:
    """Whether a socket answers connections to an own address that come in by an interface."""
    return any(_answers(packet_filter, socket, family, number, interface) for socket in sockets)


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
    """The own addresses at which a socket may answer somebody."""
    own = packet_filter.own(family)
    for socket in sockets:
        if socket.device == "lo" or socket.serves(4 if family == "ipv4" else 6) is False:
            continue
        if socket.is_wildcard:
            yield from (address.number for address in own)
        elif socket.ip is not None and holds(
            merged(address.span for address in own), number := int(socket.ip)
        ):
            yield number

"""Whether a service's declared clients, and nobody else, get through the packet filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nethygiene.engine.expect import not_applicable, unknown
from nethygiene.engine.outcomes import Reason
from nethygiene.inventory.policy import Service
from nethygiene.subjects.filter.client_ways import (
    ClientWay,
    ask_names,
    client_ways,
    declared_sources,
    denied_ways,
    served_numbers,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import Intervals, holds, merged, without
from nethygiene.subjects.filter.model.fields import EPHEMERAL
from nethygiene.subjects.filter.model.kinds import SYN_IN
from nethygiene.subjects.filter.model.own import LINK_LOCAL, LOOPBACK
from nethygiene.subjects.filter.model.paths import Path
from nethygiene.subjects.filter.model.stack import VirtualServer
from nethygiene.subjects.filter.model.verdict import Fate
from nethygiene.subjects.filter.passages import Passage, holes, written_networks
from nethygiene.subjects.filter.translation import answered, translations
from nethygiene.subjects.links.ip.families import FAMILIES, Family
from nethygiene.subjects.sockets.listeners import Listeners

NOT_SEEN = (
    "TCP alone, in this host's own filter; a cloud's security groups, and BPF programs that no "
    "listing shows (tcx links, and systemd's IPAddressDeny= of a unit), are not seen"
)


def service_passages(
    packet_filter: PacketFilter, listeners: Listeners, service: Service
) -> list[Passage]:
    """The ways by which a service's declared clients come in, each judged.

    It ends the rule if there is nothing to judge.
    """
    if service.address == "loopback":
        not_applicable(f"service {service.name} is declared for loopback alone")
    ask_names(service)
    if not service.clients:
        not_applicable(
            f"service {service.name} declares allow_from: [], so nobody has to get in",
            Reason.NOT_DECLARED,
        )
    _ends_where_loopback_alone(listeners, service)
    trouble = packet_filter.unreadable
    if trouble is not None and not service.declares("allow_from"):
        # Who audits a small fleet without privilege has to learn how to leave this out.
        unknown(
            f"{trouble}; or declare `allow_from: []` for {service.name}, and this is not judged",
            trouble.reason,
        )
    packet_filter.observe("looked at", NOT_SEEN)
    passages = []
    for way in client_ways(packet_filter, service):
        passage = _passage(packet_filter, listeners, service, way)
        if passage is not None:
            packet_filter.observe(
                f"{passage.label} passes by", passing_rule(packet_filter, passage)
            )
            passages.append(passage)
    if not passages and not any(unreached(packet_filter, listeners, service)):
        not_applicable(
            f"nothing listens on port {service.port} for other hosts in a family "
            "of which the host has an address and the sources"
        )
    return passages


def _ends_where_loopback_alone(listeners: Listeners, service: Service) -> None:
    sockets = listeners.on(service.port)
    bound = [
        socket.device == "lo" or (socket.ip is not None and socket.ip.is_loopback)
        for socket in sockets
    ]
    if bound and all(bound) and not service.declares("allow_from"):
        not_applicable(
            f"service {service.name} listens on loopback alone, and declares no allow_from"
        )


def _passage(
    packet_filter: PacketFilter, listeners: Listeners, service: Service, way: ClientWay
) -> Passage | None:
    path, port = way.path, service.port
    fate, ports = packet_filter.judge_clients(path, port)
    taken = translations(packet_filter, path, port, fate)
    counted = answered(packet_filter, listeners, path, listeners.on(port), taken, fate.asked)
    server = virtual_server(packet_filter, path, port)
    if server is not None:
        counted = fate.asked
    if not counted:
        return None
    no_program_first(packet_filter, path)
    behind = str(taken[0]) if taken else ""
    return Passage(
        *(path, port, (fate,), counted),
        whole=way.whole,
        named=not way.whole,
        behind=behind,
        server=server,
        kinds=(ports,) if ports else (),
    )


def virtual_server(packet_filter: PacketFilter, path: Path, port: int) -> VirtualServer | None:
    """The virtual server of IPVS that may take connections by a path."""
    for server in packet_filter.seen_servers(port):
        if server.family is None:
            if packet_filter.may_be_marked(path, port, server.mark):
                return server
        elif server.family == path.family and server.number in {path.address, *path.alike}:
            return server
    return None


def no_program_first(packet_filter: PacketFilter, path: Path) -> None:
    """End the rule if a program that cannot be read sees the packets first."""
    if program := packet_filter.model.links.programs(path.interface):
        unknown(f"{program}: what it does cannot be told")


def unreached(packet_filter: PacketFilter, listeners: Listeners, service: Service) -> Iterator[str]:
    """Declared sources to which no answer can be sent; it ends the rule if that is not certain."""
    if service.interface is not None:
        return
    ways = client_ways(packet_filter, service)
    for family in FAMILIES:
        of_family = [way.path for way in ways if way.path.family == family]
        loopback = LOOPBACK[family]
        numbers = served_numbers(packet_filter, family, listeners.on(service.port))
        served = [number for number in numbers if not holds(loopback, number)]
        if not served:
            continue
        of_all = [number for number in served if not holds(LINK_LOCAL[family], number)]
        own = (of_all or served)[0]
        reached = merged(span for path in of_family for span in path.sources)
        sources = declared_sources(service, family)
        # Somebody of `any` has to be reached, unless the host has no routes in that family at all.
        refused = of_all and packet_filter.model.routes.refuses(family)
        whole = sources.rest if refused and not reached else ()
        asked = packet_filter.other_hosts(family, merged([*sources.named, *whole]))
        lost = without(asked, reached, family)
        if not lost:
            continue
        shown = "everybody"
        if not whole:
            shown = written_networks(lost, holes(packet_filter, family), family)
        if _is_surely_unreached(packet_filter, family, lost, own):
            yield shown
            continue
        unknown(
            f"no route leads back to {shown}, so that its incoming interface "
            "cannot be told: declare the service's interface"
        )


def _is_surely_unreached(
    packet_filter: PacketFilter, family: Family, lost: Intervals, own: int
) -> bool:
    nowhere = [
        span
        for intervals, ways in packet_filter.model.routes.ways(family, own)
        if not ways.devices and ways.certain
        for span in intervals
    ]
    return not without(lost, merged(nowhere), family)


def what_passes(packet_filter: PacketFilter, passage: Passage) -> str:
    """``accepted``, or who does not get through and by which rule; ends the rule if undecided."""
    judged = passage.fate
    among = holes(packet_filter, passage.path.family)
    if out := shut_out(passage):
        event = judged.loss(out)
        who = passage.who(out, among)
        if ports := passage.from_ports(judged):
            (low, high), *_ = EPHEMERAL
            who += f"{ports} (clients use {low}-{high})"
        if event is None:
            return f"dropped for {who}, by the filter"
        if event.packet.kind is not SYN_IN:
            return f"lost for {who}: {event.told}"
        return f"{event.verb} for {who}, by {event.rule}"
    undecided = judged.undecided
    if passage.whole:
        # A ban of a program is no reason for doubt.
        undecided = judged.lost & (judged.accepted | judged.forwarded)
    if undecided := undecided & passage.counted:
        unknown(
            f"a connection {passage.label}: for {passage.who(undecided, among)} it depends on "
            f"what cannot be told here: {judged.doubt(undecided)}"
        )
    if passage.server is not None:
        unknown(
            f"a connection {passage.label} gets as far as IPVS ({passage.server}), and what "
            "becomes of it behind is not read here"
        )
    return "accepted"


def shut_out(passage: Passage) -> int:
    """The classes of clients that surely do not get through."""
    judged = passage.fate
    out = judged.surely_out
    if not passage.whole:
        out |= judged.asked & ~(judged.accepted | judged.forwarded)
    return out & passage.counted


def passing_rule(packet_filter: PacketFilter, passage: Passage) -> str:
    """The rule that lets clients in, and the sources that a banning program drops now."""
    judged = passage.fate
    event = judged.pass_by(judged.asked)
    text = str(event.rule) if event else "no rule: nothing filters"
    banned = judged.banned & ~(judged.accepted | judged.forwarded)
    if banned:
        who = passage.who(banned, holes(packet_filter, passage.path.family))
        text += f"; banned for now: {who}"
    return text


def denied_passages(
    packet_filter: PacketFilter, listeners: Listeners, service: Service
) -> Iterator[Passage]:
    """The ways by which a service's denied sources come in, each judged."""
    sockets = listeners.on(service.port)
    for path in denied_ways(packet_filter, service):
        numbers = set(served_numbers(packet_filter, path.family, sockets))
        if not numbers and not packet_filter.nat(path.family):
            continue
        for passage in doors(packet_filter, listeners, path, service.port):
            yield replace(passage, named=True)


def doors(
    packet_filter: PacketFilter, listeners: Listeners, path: Path, port: int
) -> Iterator[Passage]:
    """The fate of connections by a path from all source ports, if something answers them."""
    fates = packet_filter.judge_kinds(path, port)
    first = fates[0]
    taken = translations(packet_filter, path, port, first)
    counted = answered(packet_filter, listeners, path, listeners.on(port), taken, first.asked)
    server = virtual_server(packet_filter, path, port)
    if server is not None:
        counted = first.asked
    if counted:
        no_program_first(packet_filter, path)
        behind = str(taken[0]) if taken else ""
        kinds = packet_filter.source_ports(path.family)
        yield Passage(path, port, fates, counted, behind=behind, server=server, kinds=kinds)


def who_gets_in(packet_filter: PacketFilter, passage: Passage) -> str:
    """``nobody``, or who gets in and by which rule; ends the rule if undecided."""
    among = holes(packet_filter, passage.path.family)
    for judged in passage.fates:
        if inside := judged.surely_in & passage.counted:
            event = judged.pass_by(inside)
            by = f"by {event.rule}" if event else "for no rule filters it"
            return f"{passage.who(inside, among)}{_from_ports(passage, judged)}, {by}"
    for judged in passage.fates:
        if undecided := judged.undecided & passage.counted:
            unknown(
                f"a connection {passage.label}: for {passage.who(undecided, among)} it depends on "
                f"what cannot be told here: {judged.doubt(undecided)}"
            )
    return "nobody"


def _from_ports(passage: Passage, judged: Fate) -> str:
    """The source ports that get in, if not all do."""
    good = [fate for fate in passage.fates if fate.surely_in & passage.counted]
    return "" if len(good) == len(passage.fates) else passage.from_ports(judged)

"""A connection, a datagram, and what a host does with them, as values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import Intervals, written
from nethygiene.subjects.filter.model.crossings import Chosen, Course, usual_course
from nethygiene.subjects.filter.model.ends import Ends
from nethygiene.subjects.filter.model.fields import ANY_PORT, EPHEMERAL, has_bits
from nethygiene.subjects.filter.model.stack import VirtualServer
from nethygiene.subjects.filter.model.trace import Event, TooLongError
from nethygiene.subjects.links.ip.families import Family


@dataclass(frozen=True, slots=True)
class CrossingConnection:
    """One TCP connection, as it is at one host.

    Attributes:
        family: of its addresses.
        source: the address of who opens it, as a number; None where it cannot be told.
        source_ports: the ports that it may be opened from.
        destination: the address that it is opened to, likewise.
        port: the port that it is opened to, likewise.
    """

    family: Family
    source: int | None
    destination: int | None
    port: int | None
    source_ports: Intervals = EPHEMERAL

    def __str__(self) -> str:
        source, to = (
            "an address that cannot be told" if number is None else written(number, self.family)
            for number in (self.source, self.destination)
        )
        to = f"[{to}]" if ":" in to else to
        return f"{source} to {to}:{'?' if self.port is None else self.port}"


@dataclass(frozen=True, slots=True)
class Datagram:
    """One packet of a protocol without connections, as it is at one host.

    Attributes:
        family: of its addresses.
        protocol: of layer 4: 1 for ICMP, 58 for ICMPv6, 112 for VRRP; not TCP, UDP, SCTP, DCCP,
            ESP or AH.
        source: its source, as a number; None where it cannot be told.
        destination: likewise; perhaps a group, as 224.0.0.18 or ff02::12.
        icmp_type: ICMP's or ICMPv6's; -1 for another protocol.
        icmp_code: likewise; None for any.
        earlier: whether the host has tracked what comes before it: the question that it answers,
            the connection that an error is about, or an answer to earlier ones like it. None where
            that is not known: a verdict holds for both.
    """

    family: Family
    protocol: int
    source: int | None
    destination: int | None
    icmp_type: int = -1
    icmp_code: int | None = None
    earlier: bool | None = None


@dataclass(frozen=True, slots=True)
class Crossing:
    """What one host does with a connection or a datagram.

    Attributes:
        passes: whether all of its packets pass; None where it cannot be told.
        why: the rule that loses it, as tool, chain and rule; where it cannot be told, the rule or
            route that is in doubt; where it passes, the rule that lets it pass, or nothing.
        packet: which packet that is about, as ``the SYN``.
        verb: ``dropped`` or ``rejected``; empty where it passes.
        chain: the chain of that rule, as ``iptables filter INPUT``; ``routing`` or ``NAT`` where
            it is no rule.
        connection: the connection as it leaves this host, or arrives at its socket. For a
            datagram it has its addresses, and no ports.
        leaves_by: the interface by which its first packet leaves; "" where the host itself takes
            it, None where that cannot be told.
        answers_leave_by: likewise, of its answers.
        is_answer: the packet that `why` is about goes to who opens the connection.
        is_discovery: it is of ARP or neighbour discovery, by which hosts on a link find each other.
    """

    passes: bool | None
    why: str
    packet: str
    verb: str
    chain: str
    connection: CrossingConnection
    leaves_by: str | None
    answers_leave_by: str | None
    is_answer: bool = False
    is_discovery: bool = False

    @property
    def told(self) -> str:
        """What becomes of it in words, for messages; empty where it passes by no rule."""
        if self.passes:
            return f"{self.packet} passes by {self.why}" if self.why else ""
        may = "may be" if self.passes is None else "is"
        return f"{self.packet} {may} {self.verb} by {self.why}"


def ends_of(connection: CrossingConnection) -> Ends:
    """The ends of its first packet."""
    source, to, port = (
        None if number is None else ((number, number),)
        for number in (connection.source, connection.destination, connection.port)
    )
    return Ends(source, connection.source_ports, to, port or ANY_PORT)


def crossing_of(
    packet_filter: PacketFilter, follow: Callable[[Chosen], Course], connection: CrossingConnection
) -> Crossing:
    """What becomes of a connection; ends the rule as unknown if the rules are too tangled."""
    try:
        course = usual_course(follow, connection.family)
    except TooLongError as error:
        packet_filter.ledger.undecidable(str(error))
    event: Event | None = course.pass_by if course.passes else course.loss
    server = _virtual_server(packet_filter, course) if course.passes else None
    if server is not None:
        return replace(_crossing(course, event, connection), passes=None, why=str(server))
    return _crossing(course, event, connection)


def _crossing(course: Course, event: Event | None, connection: CrossingConnection) -> Crossing:
    leaves = {packet.oif for packet in course.left}
    back = {packet.oif for packet in course.passed if packet.kind.reply}
    return Crossing(
        course.passes,
        "" if event is None else str(event.rule),
        "" if event is None else str(event.packet.kind),
        "" if event is None or course.passes else event.verb,
        "" if event is None else event.rule.place,
        _as_it_leaves(connection, course),
        leaves.pop() if len(leaves) == 1 else None,
        back.pop() if len(back) == 1 else None,
        is_answer=event is not None and event.packet.kind.reply and not _is_discovery(event),
        is_discovery=event is not None and _is_discovery(event),
    )


def _is_discovery(event: Event) -> bool:
    kind = event.packet.kind
    return bool(kind.arp) or (kind.leaves_alone and not kind.opens)


def _virtual_server(packet_filter: PacketFilter, course: Course) -> VirtualServer | None:
    """A virtual server of IPVS that may take a connection to this host to another one."""
    for packet in course.left:
        ends, port = packet.ends, _only_one(packet.dport)
        if packet.oif not in {"", "lo"} or port is None:
            continue
        for server in packet_filter.seen_servers(port):
            by_mark = server.family is None
            if by_mark and has_bits(packet.mark, server.mark or 0, 0xFFFFFFFF) is not False:
                return server
            if (server.family, server.number) == (packet.family, _only_one(ends.destination)):
                return server
    return None


def _as_it_leaves(connection: CrossingConnection, course: Course) -> CrossingConnection:
    ends = {packet.outside or packet.ends for packet in course.left}
    if not ends:
        return connection
    sources = {_only_one(each.source) for each in ends}
    destinations = {_only_one(each.destination) for each in ends}
    ports = {_only_one(each.ports) for each in ends}
    spans = {each.source_ports for each in ends}
    return CrossingConnection(
        connection.family,
        sources.pop() if len(sources) == 1 else None,
        destinations.pop() if len(destinations) == 1 else None,
        ports.pop() if len(ports) == 1 else None,
        spans.pop() if len(spans) == 1 else connection.source_ports,
    )


def _only_one(spans: Intervals | None) -> int | None:
    return spans[0][0] if spans and spans[0][0] == spans[-1][1] else None

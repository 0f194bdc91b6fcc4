"""How one TCP connection or one datagram crosses one host, by its packet filter and routes.

A connection between two hosts is opened on the first, forwarded by those between, and received on
the last. Each of these is a crossing, with the connection as it is at that host. The crossing says
how it leaves the host, after NAT: so the next host sees it. Nothing here ends a rule as unknown
except a filter that could not be read, or rules that are too tangled to follow.

These are asked: the hooks of nftables and iptables in all families of tables (with netdev chains),
connection tracking, NAT and marks, routes and routing rules, and the neighbour discovery that comes
before a connection's first packet on an Ethernet link. Virtual servers of IPVS, XDP programs, tc
filters and VRFs make it unknown. These are not asked: the reverse path filter (``rp_filter``),
sockets and listeners, and bridges through which a frame only passes. NAT is taken to leave a
source port that fits; it takes another one where two senders have the same.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

from nethygiene.subjects.filter.crossing_values import (
    Crossing,
    CrossingConnection,
    Datagram,
    crossing_of,
    ends_of,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.crossers import Crossers, crossers
from nethygiene.subjects.filter.model.crossings import Chosen, Course
from nethygiene.subjects.filter.model.datagrams import Case, Sort, cases
from nethygiene.subjects.filter.model.kinds import (
    ACK_IN,
    DATA_IN,
    DATA_OUT,
    SYN_ACK_OUT,
    SYN_IN,
)
from nethygiene.subjects.filter.model.readers import SILENT
from nethygiene.subjects.filter.model.traced import TracedPacket, traced
from nethygiene.subjects.links.ip.families import Family

Directions = Literal["both", "syn", "answer"]
"""What of a connection comes by a host: all of it, its opener's packets, or their answers."""
_FOREIGN = frozenset({6, 17, 33, 50, 51, 132, 136})


def opened(
    packet_filter: PacketFilter,
    connection: CrossingConnection,
    interface: str | None = None,
    *,
    answers_come_by: str | None = None,
    speaks_first: bool = True,
) -> Crossing:
    """This host opens a connection: its SYN leaves, and its answer comes in.

    A connection to the host itself is followed to its socket and back; it leaves by ``lo``.

    Args:
        packet_filter: the host's.
        connection: as its socket asks for it. Without a source, the host chooses one as its routes
            say; :attr:`Crossing.connection` has it.
        interface: by which it leaves, where the routes do not tell.
        answers_come_by: the interface by which answers come in; None for that of the SYN.
        speaks_first: whether this host sends data before the service does.
    """
    made = _crossers(packet_filter, connection.family)
    asked = made.with_source(ends_of(connection), interface)
    syn = replace(traced(SYN_IN, (connection.family, asked), "", answers_come_by), iif="")

    def follow(chosen: Chosen) -> Course:
        packet = _chosen(syn, chosen, speaks_first=speaks_first)
        return made.connections.followed(
            packet, made.connections.kinds(speaks=speaks_first), interface
        )

    return crossing_of(packet_filter, follow, connection)


def received(
    packet_filter: PacketFilter,
    connection: CrossingConnection,
    interface: str | None,
    *,
    speaks_first: bool = True,
) -> Crossing:
    """A connection comes to this host, or to where its destination NAT takes it; both directions.

    Args:
        packet_filter: the host's.
        connection: as it comes in.
        interface: by which it comes in.
        speaks_first: whether who opens it sends data before the service does.
    """
    return forwarded(packet_filter, connection, interface, None, speaks_first=speaks_first)


def forwarded(
    packet_filter: PacketFilter,
    connection: CrossingConnection,
    came_in: str | None,
    goes_out: str | None = None,
    *,
    directions: Directions = "both",
    answers_come_by: str | None = None,
    speaks_first: bool = True,
) -> Crossing:
    """This host forwards a connection of others, or only what goes one way of it.

    Args:
        packet_filter: the host's.
        connection: as it comes in. If only answers come by this host, as the host sees it that is
            on the other side: to where the answers come from.
        came_in: the interface on the side of who opens it.
        goes_out: the interface on the other side, where the routes do not tell it; of answers
            alone, that by which they come in.
        directions: what of the connection comes by this host.
        answers_come_by: the interface by which answers come in; None for that of the SYN.
        speaks_first: whether who opens it sends data before the service does.
    """
    made = _crossers(packet_filter, connection.family)
    # A SYN that is delivered here has its far end here.
    far = answers_come_by if directions == "both" else goes_out
    syn = traced(SYN_IN, (connection.family, ends_of(connection)), came_in, far)

    def follow(chosen: Chosen) -> Course:
        packet = _chosen(syn, chosen, speaks_first=speaks_first)
        if directions == "answer":
            return made.connections.answered(packet, _ANSWERS)
        kinds = made.connections.kinds(speaks=speaks_first)
        if directions == "syn":
            # To connection tracking and NAT these are no part of a connection.
            kinds = _QUESTIONS if speaks_first else (ACK_IN,)
        return made.connections.followed(packet, kinds, goes_out)

    return crossing_of(packet_filter, follow, connection)


def datagram_in(packet_filter: PacketFilter, datagram: Datagram, interface: str | None) -> Crossing:
    """A datagram comes to this host by an interface.

    Raises:
        ValueError: its protocol has connections, or ports.
    """
    crossing = _datagram(packet_filter, datagram, interface, "", None)
    if crossing.passes is False or crossing.leaves_by == "":
        return crossing
    # It is for another host, or may be: it would be forwarded.
    why = "routing: it is not for an address of this host"
    passes = None if crossing.leaves_by is None else False
    return replace(crossing, passes=passes, why=why, verb="dropped", chain="routing")


def datagram_out(
    packet_filter: PacketFilter, datagram: Datagram, interface: str | None
) -> Crossing:
    """This host sends a datagram, by an interface where the routes do not tell it.

    To a group, as VRRP, it always leaves by that interface.

    Raises:
        ValueError: its protocol has connections, or ports.
    """
    return _datagram(packet_filter, datagram, "", None, interface)


def datagram_forwarded(
    packet_filter: PacketFilter, datagram: Datagram, came_in: str | None, goes_out: str | None
) -> Crossing:
    """This host forwards a datagram of others.

    Raises:
        ValueError: its protocol has connections, or ports.
    """
    return _datagram(packet_filter, datagram, came_in, None, goes_out)


def _datagram(
    packet_filter: PacketFilter,
    datagram: Datagram,
    near: str | None,
    far: str | None,
    out: str | None,
) -> Crossing:
    if datagram.protocol in _FOREIGN:
        raise ValueError(f"protocol {datagram.protocol} is no datagram that is followed")
    made = _crossers(packet_filter, datagram.family)
    connection = CrossingConnection(
        datagram.family, datagram.source, datagram.destination, None, source_ports=()
    )
    ends = made.with_source(ends_of(connection), out) if near == "" else ends_of(connection)
    to = made.kind_of(datagram.destination)
    sort = Sort(datagram.protocol, datagram.icmp_type, datagram.icmp_code, to)
    packet = made.datagrams.packet(datagram.family, sort, ends, near, far)
    packet = replace(packet, iif=near)
    states = cases(sort, datagram.earlier)
    crossings: list[Crossing] = []
    for case in states if made.datagrams.asks_states else states[:1]:
        follow = partial(_followed, made, packet, case, out)
        crossings.append(crossing_of(packet_filter, follow, connection))
    first = crossings[0]
    other = next((each for each in crossings if each.passes is not first.passes), None)
    if other is None:
        same = all(each.connection == first.connection for each in crossings)
        return first if same else replace(first, connection=connection)
    lost = other if first.passes else first
    return replace(lost, passes=None)


def _followed(
    made: Crossers, packet: TracedPacket, case: Case, out: str | None, chosen: Chosen
) -> Course:
    return made.datagrams.followed(packet, case, out, chosen)


_QUESTIONS, _ANSWERS = (ACK_IN, DATA_IN), (SYN_ACK_OUT, DATA_OUT)


def _crossers(packet_filter: PacketFilter, family: Family) -> Crossers:
    model = packet_filter.model
    return packet_filter.once(("crossers", family), lambda: crossers(model, family))


def _chosen(syn: TracedPacket, chosen: Chosen, *, speaks_first: bool) -> TracedPacket:
    silent = frozenset() if speaks_first else frozenset({(SILENT, True)})
    return replace(syn, choices=chosen | silent)


__all__ = [
    "Crossing",
    "CrossingConnection",
    "Datagram",
    "Directions",
    "datagram_forwarded",
    "datagram_in",
    "datagram_out",
    "forwarded",
    "opened",
    "received",
]

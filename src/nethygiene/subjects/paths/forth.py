"""The way of a connection from the host that dials to the one that serves it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

from nethygiene.engine.expect import unknown
from nethygiene.subjects.filter.crossing import (
    Crossing,
    CrossingConnection,
)
from nethygiene.subjects.paths.alike import opens, receives
from nethygiene.subjects.paths.entering import enters, link_down
from nethygiene.subjects.paths.filters import filter_step, loses_answer
from nethygiene.subjects.paths.forwarding import forwards
from nethygiene.subjects.paths.links_between import LinkEnd
from nethygiene.subjects.paths.run_facts import Onward, Packets, RunFacts, address_of
from nethygiene.subjects.paths.steps import Step, until_refused

_MOST_HOPS = 32


@dataclass(frozen=True, slots=True)
class Passed:
    """A host that the connection came by, on its way forth.

    Attributes:
        host: the host.
        came_in: the interface by which it came in; empty for the host that dials.
        leaves_by: the interface by which it left.
        before: the connection as it came in, or as the host dials it.
        after: as it left, after NAT.
    """

    host: str
    came_in: str
    leaves_by: str
    before: CrossingConnection
    after: CrossingConnection


@dataclass(frozen=True, slots=True)
class Arrived:
    """The end of the way forth.

    Attributes:
        passed: the hosts on the way, the one that dials first.
        port: the interface at which it arrived.
        before: the connection as it came in there.
        crossing: what that host's filter does with it, both ways.
    """

    passed: tuple[Passed, ...]
    port: LinkEnd
    before: CrossingConnection
    crossing: Crossing


def forth(
    facts: RunFacts, dialler: str, dialled: CrossingConnection
) -> Generator[Step, None, Arrived | None]:
    """The steps of a connection's first packets, up to the socket; None if one refuses."""
    left = yield from _leaves(facts, dialler, dialled)
    if left is None:
        return None
    onward, crossing = left
    asked = replace(dialled, source=crossing.connection.source)
    passed = [Passed(dialler, "", onward.port.interface, asked, crossing.connection)]
    while len(passed) <= _MOST_HOPS:
        connection = passed[-1].after
        packets = _packets(connection, "lo")
        if (down := link_down(facts, onward.port)) is not None:
            yield down
            return None
        port = facts.next_port(onward, address_of(packets.destination, packets.family))
        here = yield from _taken(facts, port, connection)
        if isinstance(here, Crossing):
            return Arrived(tuple(passed), port, connection, here)
        if here is None:
            return None
        onward, after = here
        hop = Passed(port.host, port.interface, onward.port.interface, connection, after)
        if hop in passed:
            around = " and ".join(dict.fromkeys(each.host for each in passed[1:]))
            told = f"a circle of {around}"
            yield Step(port.host, "route", told, False, "there", "correct their routes")
            return None
        passed.append(hop)
    unknown(f"the way has more than {_MOST_HOPS} hops")


def _packets(connection: CrossingConnection, incoming: str) -> Packets:
    """The first packets of a connection; ends the rule if NAT leaves open where they go."""
    if connection.source is None or connection.destination is None:
        unknown(f"which addresses a connection from {connection} has cannot be told")
    return Packets(connection.family, connection.source, connection.destination, incoming)


def _leaves(
    facts: RunFacts, dialler: str, dialled: CrossingConnection
) -> Generator[Step, None, tuple[Onward, Crossing] | None]:
    """The steps of the host that dials, and how its first packet leaves."""
    packet_filter = facts.filters.of(dialler)
    assert dialled.destination is not None
    if packet_filter.model.routes.is_local(dialled.family, dialled.destination):
        to = address_of(dialled.destination, dialled.family)
        unknown(f"{to} is an address of {dialler} itself, which dials itself there")
    crossing = opens(packet_filter, dialled)
    if not loses_answer(crossing):
        asked = replace(dialled, source=crossing.connection.source)
        step = filter_step(dialler, "output filter", packet_filter, crossing, asked)
        yield step
        if not step.passes:
            return None
    packets = _packets(crossing.connection, "lo")
    onward = facts.onward(dialler, packets, crossing.leaves_by)
    source = address_of(packets.source, packets.family)
    packet_filter.observe("route", str(onward))
    yield Step(dialler, "route", f"from {source} {onward}", expected="there")
    return onward, crossing


def _taken(
    facts: RunFacts, port: LinkEnd, connection: CrossingConnection
) -> Generator[Step, None, Crossing | tuple[Onward, CrossingConnection] | None]:
    """The steps of one host.

    Returns:
        What it does with the connection, if that ends there; or how it goes on, and the connection
        as it leaves; None if a step refuses.
    """
    host, name = port.host, port.interface
    packet_filter = facts.filters.of(host)
    crossing = receives(packet_filter, connection, name)
    routes = packet_filter.model.routes
    ends_here = crossing.leaves_by == ""
    # Whether the answer passes is asked on the way back: it may not come by here.
    there = replace(crossing, passes=True, why="") if loses_answer(crossing) else crossing
    if crossing.passes is not True and crossing.leaves_by is None:
        # It is lost before it is known where NAT would have taken it.
        ends_here = routes.is_local(connection.family, connection.destination or 0)
    seen = replace(crossing.connection, source=connection.source)
    routed = _packets(seen, name)
    if not (yield from until_refused(enters(facts, port, routed))):
        return None
    if ends_here:
        if loses_answer(crossing):
            return crossing
        step = filter_step(host, "input filter", packet_filter, crossing, crossing.connection)
        yield step
        return crossing if step.passes else None
    if not (yield from until_refused(forwards(facts, port, there, seen))):
        return None
    onward = facts.onward(host, routed, crossing.leaves_by)
    packet_filter.observe("route", str(onward))
    yield Step(host, "route", str(onward), expected="there")
    return onward, crossing.connection

"""The way of a connection's answers, from the host that serves it to the one that dials."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace

from nethygiene.engine.expect import unknown
from nethygiene.subjects.filter.crossing import (
    CrossingConnection,
    forwarded,
)
from nethygiene.subjects.filter.model.fields import NO_MARK
from nethygiene.subjects.paths.alike import opens, receives
from nethygiene.subjects.paths.entering import enters, link_down
from nethygiene.subjects.paths.filters import filter_step
from nethygiene.subjects.paths.forth import Arrived, Passed
from nethygiene.subjects.paths.forwarding import forwards
from nethygiene.subjects.paths.links_between import LinkEnd
from nethygiene.subjects.paths.run_facts import Onward, Packets, RunFacts, address_of
from nethygiene.subjects.paths.steps import Step, until_refused

_MOST_HOPS = 32
_ANSWER = "for the answer"


def back(facts: RunFacts, arrived: Arrived) -> Iterator[Step]:
    """The steps of the answers to a connection, up to the socket that dialled."""
    host, crossing = arrived.port.host, arrived.crossing
    packet_filter = facts.filters.of(host)
    step = filter_step(
        host, f"output filter {_ANSWER}", packet_filter, crossing, crossing.connection
    )
    yield step
    if not step.passes:
        return
    answer = _answer_to(crossing.connection, "lo")
    onward = facts.onward(host, answer, crossing.answers_leave_by)
    yield _way_on(facts, host, answer, onward)
    # Where the host has redirected the connection, its answers are translated back.
    yield from _home(facts, arrived, onward, _answer_to(arrived.before, ""))


def _way_on(facts: RunFacts, host: str, answer: Packets, onward: Onward) -> Step:
    what, told = f"route {_ANSWER}", f"to {_to(answer)} {onward}"
    facts.filters.of(host).observe(what, told)
    return Step(host, what, told, expected="there")


def _home(facts: RunFacts, arrived: Arrived, onward: Onward, answer: Packets) -> Iterator[Step]:
    """The steps from the host that serves on, host by host."""
    dialler = arrived.passed[0]
    routers = {passed.host: passed for passed in arrived.passed[1:]}
    for _ in range(_MOST_HOPS):
        if (down := link_down(facts, onward.port)) is not None:
            yield down
            return
        port = facts.next_port(onward, address_of(answer.destination, answer.family))
        if port.host == dialler.host:
            passed = yield from until_refused(_received(facts, dialler, port, answer))
            if passed:
                yield from _unanswered(facts, routers.values())
            return
        answer = replace(answer, incoming=port.interface)
        known = routers.get(port.host)
        if known is not None and _answer_to(known.after, port.interface) == answer:
            went_on = yield from _returned(facts, port, known)
            del routers[port.host]
        else:
            went_on = yield from _stray(facts, port, answer, arrived.before)
        if went_on is None:
            return
        onward, answer = went_on
    unknown(f"the way back has more than {_MOST_HOPS} hops")


def _unanswered(facts: RunFacts, routers: Iterable[Passed]) -> Iterator[Step]:
    """The steps of hosts by which the connection comes, but not its answers.

    Connection tracking takes what follows the first packet there for invalid, and NAT leaves it.
    """
    for passed in routers:
        packet_filter = facts.filters.of(passed.host)
        crossing = forwarded(packet_filter, passed.before, passed.came_in, directions="syn")
        seen = replace(passed.after, source=passed.before.source)
        what = "forward filter, which sees no answer"
        yield filter_step(passed.host, what, packet_filter, crossing, seen)


_WentOn = Generator[Step, None, tuple[Onward, Packets] | None]


def _returned(facts: RunFacts, port: LinkEnd, known: Passed) -> _WentOn:
    """The steps of an answer that comes by a host which has seen the connection."""
    packet_filter, before = facts.filters.of(port.host), known.before
    other = None if port.interface == known.leaves_by else port.interface
    crossing = receives(packet_filter, before, known.came_in, other)
    # Source NAT is taken back before the answer is routed, destination NAT when it has been.
    source, destination = _number(known.after.destination), _number(before.source)
    routed = Packets(before.family, source, destination, port.interface)
    seen = replace(known.after, source=before.source)
    if not (yield from until_refused(enters(facts, port, routed, _ANSWER))):
        return None
    if not (yield from until_refused(forwards(facts, port, crossing, seen, _ANSWER))):
        return None
    onward = facts.onward(port.host, routed, crossing.answers_leave_by)
    yield _way_on(facts, port.host, routed, onward)
    return onward, _answer_to(before, "")


def _stray(
    facts: RunFacts, port: LinkEnd, answer: Packets, connection: CrossingConnection
) -> _WentOn:
    """The steps of an answer that comes by a host which has not seen the connection."""
    packet_filter = facts.filters.of(port.host)
    routes = packet_filter.model.routes
    if routes.is_local(answer.family, answer.destination):
        unknown(f"{port.host}: the answer goes to {_to(answer)}, which is its own address")
    asked = replace(connection, source=answer.destination, destination=answer.source)
    way = routes.way(answer.family, answer.destination, answer.source, NO_MARK, port.interface)
    leaves_by = next(iter(way.devices)) if len(way.devices) == 1 else None
    crossing = forwarded(packet_filter, asked, leaves_by, port.interface, directions="answer")
    if not (yield from until_refused(enters(facts, port, answer, _ANSWER))):
        return None
    if not (yield from until_refused(forwards(facts, port, crossing, asked, _ANSWER))):
        return None
    onward = facts.onward(port.host, answer, leaves_by)
    yield _way_on(facts, port.host, answer, onward)
    return onward, answer


def _received(facts: RunFacts, dialler: Passed, port: LinkEnd, answer: Packets) -> Iterator[Step]:
    """The steps of an answer that has come back to the host that dials."""
    packet_filter = facts.filters.of(dialler.host)
    expected = _answer_to(dialler.after, "")
    if (answer.source, answer.destination) != (expected.source, expected.destination):
        source = address_of(answer.source, answer.family)
        dialled = address_of(expected.source, expected.family)
        hint = "it is reset: have answers go back through the host that translates the connection"
        packet_filter.observe("address of the answer", str(source))
        yield Step(dialler.host, "address of the answer", str(source), False, str(dialled), hint)
        return
    routed = replace(answer, destination=_number(dialler.before.source), incoming=port.interface)
    if not (yield from until_refused(enters(facts, port, routed, _ANSWER))):
        return
    other = None if port.interface == dialler.leaves_by else port.interface
    crossing = opens(packet_filter, replace(dialler.before, source=None), other)
    what = f"input filter {_ANSWER}"
    yield filter_step(dialler.host, what, packet_filter, crossing, dialler.before)


def _answer_to(connection: CrossingConnection, incoming: str) -> Packets:
    return Packets(
        connection.family,
        _number(connection.destination),
        _number(connection.source),
        incoming,
    )


def _number(address: int | None) -> int:
    if address is None:
        unknown("which addresses NAT gives the connection cannot be told")
    return address


def _to(answer: Packets) -> str:
    return str(address_of(answer.destination, answer.family))

"""What a host does with a connection, worked out once for all connections that it treats alike.

A fleet has thousands of connections, and a host's rules and routes distinguish few kinds of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace

from nethygiene.subjects.filter.crossing import (
    Crossing,
    CrossingConnection,
    forwarded,
    opened,
    received,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import Classes, Intervals, classes_of
from nethygiene.subjects.filter.model.fields import ADDRESS_FIELDS
from nethygiene.subjects.filter.model.masks import Masked
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.ruleset import Action
from nethygiene.subjects.links.ip.families import Family


def opens(
    packet_filter: PacketFilter, dialled: CrossingConnection, answers_come_by: str | None = None
) -> Crossing:
    """See :func:`opened`."""

    def work(connection: CrossingConnection) -> Crossing:
        return opened(packet_filter, connection, answers_come_by=answers_come_by)

    return _alike(packet_filter, dialled, ("opens", answers_come_by), work)


def receives(
    packet_filter: PacketFilter,
    connection: CrossingConnection,
    interface: str,
    answers_come_by: str | None = None,
) -> Crossing:
    """See :func:`received`, and :func:`forwarded` where answers come by another interface."""

    def work(connection: CrossingConnection) -> Crossing:
        if answers_come_by is None:
            return received(packet_filter, connection, interface)
        return forwarded(packet_filter, connection, interface, answers_come_by=answers_come_by)

    key = ("receives", interface, answers_come_by)
    return _alike(packet_filter, connection, key, work)


def _alike(
    packet_filter: PacketFilter,
    connection: CrossingConnection,
    key: Hashable,
    work: Callable[[CrossingConnection], Crossing],
) -> Crossing:
    family = connection.family
    classes = packet_filter.once(
        ("classes of ways", family), lambda: _classes(packet_filter, family)
    )
    if classes is None:
        return work(connection)
    ends = (_class(classes, connection.source), _class(classes, connection.destination))
    kind = ("crossing", key, family, ends, connection.port, connection.source_ports)
    first, crossing = packet_filter.once(kind, lambda: (connection, work(connection)))
    if first == connection:
        return crossing
    left = crossing.connection
    if left != replace(first, source=left.source) or (first.source not in {None, left.source}):
        return work(connection)
    source = connection.source if connection.source is not None else left.source
    return replace(crossing, connection=replace(connection, source=source))


def _class(classes: Classes, number: int | None) -> int:
    return -1 if number is None else classes.numbers[bisect_right(classes.starts, number) - 1]


def _classes(packet_filter: PacketFilter, family: Family) -> Classes | None:
    """The addresses that rules and routes treat alike; None if a rule does more than match."""
    model = packet_filter.model
    ruleset = model.rulesets[family]
    for rule in ruleset.rules():
        if rule.effects or rule.target is not None or rule.action is Action.NAT:
            return None
        if any(isinstance(m, Masked) and m.field in ADDRESS_FIELDS for m in rule.parts()):
            return None
    return classes_of(family, _distinguished(packet_filter, family))


def _distinguished(packet_filter: PacketFilter, family: Family) -> Iterator[Intervals]:
    model = packet_filter.model
    yield from model.rulesets[family].client_sets()
    yield from model.routes.prefixes(family)
    # Each of the host's own addresses, and each gateway, is a kind of its own.
    yield from (((address.number, address.number),) for address in packet_filter.own(family))
    for route in model.routes.routes.get(family, ()):
        yield from (((number, number),) for number in route.gateways)
    yield LINK_LOCAL[family]
    yield _MULTICAST[family]


_MULTICAST: dict[Family, Intervals] = {
    "ipv4": ((0xE0 << 24, (1 << 32) - 1),),
    "ipv6": ((0xFF << 120, (1 << 128) - 1),),
}

"""What a host does with a connection, worked out once for all connections that it treats alike.

A fleet has thousands of connections, and a host's rules and routes distinguish few kinds of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace

from nethygiene.subjects.filter.crossing import (
    Crossing,
    CrossingConnection,
    forwarded,
    opened,
    received,
)
from nethygiene.subjects.filter.crossing_values import ends_of
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import Classes, Intervals, classes_of
from nethygiene.subjects.filter.model.crossers import Crossers, crossers
from nethygiene.subjects.filter.model.fields import ADDRESS_FIELDS, NO_MARK
from nethygiene.subjects.filter.model.masks import Masked
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.routing_rules import RoutingRule
from nethygiene.subjects.filter.model.ruleset import Action, Hook
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
    kinds = packet_filter.once(("kinds of ends", family), lambda: _kinds(packet_filter, family))
    if kinds is None:
        return work(connection)
    chosen = connection.source if connection.source is not None else kinds.chosen(connection)
    ends = tuple(kinds.of(number) for number in (chosen, connection.destination))
    kind = ("crossing", key, family, ends, connection.port, connection.source_ports)
    first, crossing = packet_filter.once(kind, lambda: (connection, work(connection)))
    if first == connection:
        return crossing
    left = crossing.connection
    if left != replace(first, source=left.source) or first.source not in {None, left.source}:
        return work(connection)
    source = None if left.source is None else chosen
    return replace(crossing, connection=replace(connection, source=source))


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The kinds of addresses that a host's rules and routes distinguish, in one family.

    Attributes:
        crossers: what follows its connections.
        classes: the addresses that are alike.
        by_way: the routes do not cut the classes: addresses to which one way leads are alike,
            whether they are on the link or behind a gateway.
    """

    crossers: Crossers
    classes: Classes
    by_way: bool

    def of(self, number: int | None) -> Hashable:
        """The kind of an address; of None for one that cannot be told."""
        if number is None:
            return None
        place = bisect_right(self.classes.starts, number) - 1
        if not self.by_way:
            return self.classes.numbers[place]
        way = self.crossers.host.routes.way(self.classes.family, number, None, NO_MARK)
        return self.classes.numbers[place], way.devices, way.certain, way.perhaps_none

    def chosen(self, dialled: CrossingConnection) -> int | None:
        """The source that the host chooses for a connection that it opens."""
        source = self.crossers.with_source(ends_of(dialled), None).source
        return None if source is None else source[0][0]


def _kinds(packet_filter: PacketFilter, family: Family) -> _Kinds | None:
    """The kinds of addresses; None if a rule does more to a packet than to pass or drop it."""
    model = packet_filter.model
    ruleset = model.rulesets[family]
    for rule in ruleset.rules():
        if rule.effects or rule.target is not None or rule.action is Action.NAT:
            return None
        if any(isinstance(m, Masked) and m.field in ADDRESS_FIELDS for m in rule.parts()):
            return None
    # Neighbour discovery and ARP ask a gateway, or the address itself where it is on the link.
    arp = any(ruleset.bases(hook) for hook in (Hook.ARP_INPUT, Hook.ARP_OUTPUT))
    usual = all(
        rule == RoutingRule(rule.table) and rule.table in _USUAL
        for rule in model.routes.rules.get(family, ())
    )
    by_way = family == "ipv4" and not arp and usual
    classes = classes_of(family, _distinguished(packet_filter, family, by_way=by_way))
    return _Kinds(crossers(model, family), classes, by_way)


def _distinguished(
    packet_filter: PacketFilter, family: Family, *, by_way: bool
) -> Iterator[Intervals]:
    model = packet_filter.model
    yield from model.rulesets[family].client_sets()
    if not by_way:
        yield from model.routes.prefixes(family)
        for route in model.routes.routes.get(family, ()):
            yield from (((number, number),) for number in route.gateways)
    # Each of the host's own addresses is a kind of its own.
    yield from (((address.number, address.number),) for address in packet_filter.own(family))
    yield model.routes.local(family)
    yield model.routes.broadcast(family)
    yield LINK_LOCAL[family]
    yield _MULTICAST[family]


_USUAL = frozenset({"local", "main", "default"})
_MULTICAST: dict[Family, Intervals] = {
    "ipv4": ((0xE0 << 24, (1 << 32) - 1),),
    "ipv6": ((0xFF << 120, (1 << 128) - 1),),
}

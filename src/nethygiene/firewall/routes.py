"""Routes and routing rules: which interface leads to an address, and which addresses are local."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from nethygiene.firewall.addresses import (
    Interval,
    Intervals,
    classes_of,
    everything,
    holds,
    interval_of,
    merged,
)
from nethygiene.links.families import Family
from nethygiene.links.routes import RouteLine
from nethygiene.links.rules import PolicyRule

_REFUSING = frozenset({"unreachable", "prohibit", "blackhole"})
_OF_CONNECTIONS = frozenset({"ipproto", "sport", "dport"})


@dataclass(frozen=True, slots=True)
class Route:
    """One route.

    Attributes:
        table: as ``main``, ``local`` or a number.
        interval: its destination.
        length: of its prefix.
        kind: ``unicast``, ``local``, ``blackhole`` and so on.
        devices: the interfaces that it leads to; several on a multipath route.
        metric: the lower wins.
        gated: those of the interfaces on which it leads to a gateway.
        gateways: the routers on the way, as numbers; none where the destination is on the link.
    """

    table: str
    interval: Interval
    length: int
    kind: str
    devices: tuple[str, ...]
    metric: int
    gated: tuple[str, ...] = ()
    gateways: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One line of ``ip rule``.

    Attributes:
        table: where it looks; None for a rule that refuses.
        source: of the packets that it is for; None for all.
        destination: likewise.
        perhaps: it asks for more, such as a mark.
        inverted: it is for all other packets.
        suppress: ``suppress_prefixlength``: routes of that length or shorter do not count.
        by_port: what more it asks for is a protocol or a port, which a connection has.
    """

    table: str | None
    source: Interval | None = None
    destination: Interval | None = None
    perhaps: bool = False
    inverted: bool = False
    suppress: int = -1
    by_port: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """The interfaces by which an address may be reached; none where there is no route.

    Attributes:
        devices: the interfaces.
        certain: False where rules that cannot be decided may choose another.
        gateways: the routers on the way; none where the address is on the link.
        perhaps_none: a rule that asks for a protocol or a port may refuse.
    """

    devices: frozenset[str]
    certain: bool = True
    gateways: frozenset[int] = frozenset()
    perhaps_none: bool = False


@dataclass(frozen=True)
class Routes:
    """The routes and routing rules of both families."""

    routes: Mapping[Family, tuple[Route, ...]]
    rules: Mapping[Family, tuple[RoutingRule, ...]]
    _ways: dict[tuple[Family, int | None], tuple[tuple[Intervals, Ways], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _tables: dict[Family, dict[str, list[Route]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _local: dict[Family, tuple[Route, ...]] = field(default_factory=dict, compare=False, repr=False)
    _spans: dict[tuple[Family, str], Intervals] = field(
        default_factory=dict, compare=False, repr=False
    )

    def local_routes(self, family: Family) -> tuple[Route, ...]:
        """The routes that make addresses the host's own.

        Those of a table that only marked packets and the like are looked up in are left out: with
        one, all addresses are local to the packets that TPROXY has marked.
        """
        found = self._local.get(family)
        if found is None:
            rules = self.rules.get(family, ())
            always = {rule.table for rule in rules if not rule.perhaps} | {"local"}
            special = {rule.table for rule in rules if rule.perhaps} - always
            found = self._local[family] = tuple(
                one
                for one in self.routes.get(family, ())
                if one.kind == "local" and one.table not in special
            )
        return found

    def is_local(self, family: Family, address: int) -> bool:
        """Whether the address is the host's own."""
        return holds(self.local(family), address)

    def local(self, family: Family) -> Intervals:
        """All local addresses, loopback's network among them."""
        found = self._spans.get((family, "local"))
        if found is None:
            intervals = (one.interval for one in self.local_routes(family))
            found = self._spans[family, "local"] = merged(intervals)
        return found

    def broadcast(self, family: Family) -> Intervals:
        """All addresses to which every host of a network listens."""
        found = self._spans.get((family, "broadcast"))
        if found is None:
            routes = self.routes.get(family, ())
            intervals = (one.interval for one in routes if one.kind == "broadcast")
            found = self._spans[family, "broadcast"] = merged(intervals)
        return found

    def refuses(self, family: Family) -> bool:
        """Whether a rule or a route refuses packets."""
        return any(one.table is None for one in self.rules.get(family, ())) or any(
            one.kind in _REFUSING for one in self.routes.get(family, ())
        )

    def prefixes(self, family: Family) -> Iterator[Intervals]:
        """Every destination of a route or rule: what the address space has to be cut by."""
        for one in self.routes.get(family, ()):
            yield (one.interval,)
        for rule in self.rules.get(family, ()):
            if rule.destination is not None:
                yield (rule.destination,)

    def ways(self, family: Family, source: int | None) -> tuple[tuple[Intervals, Ways], ...]:
        """All destinations with their ways, for packets that this address of the host sends."""
        found = self._ways.get((family, source))
        if found is None:
            classes = classes_of(family, self.prefixes(family))
            places: dict[Ways, int] = {}
            for number, sample in enumerate(classes.samples):
                ways = self.way(family, sample, source)
                places[ways] = places.get(ways, 0) | 1 << number
            found = tuple(
                (classes.stretches(mask, everything(family)), ways) for ways, mask in places.items()
            )
            self._ways[family, source] = found
        return found

    def way(self, family: Family, destination: int, source: int | None) -> Ways:
        """How a packet to `destination` leaves."""
        devices: set[str] = set()
        gateways: set[int] = set()
        certain = True
        refused = False
        for rule in self.rules.get(family, ()):
            applies = _applies(rule, destination, source)
            if applies is False:
                continue
            if rule.table is None:
                if applies:
                    break
                certain = False
                refused = refused or rule.by_port
                continue
            route = self._lookup(family, rule.table, destination)
            if route is None or route.kind == "throw" or route.length <= rule.suppress:
                continue
            if route.kind not in _REFUSING:
                devices.update(route.devices)
                gateways.update(route.gateways)
            elif not applies:
                refused = refused or rule.by_port
            if applies:
                certain = certain and len(devices) < 2
                break
            certain = False
        return Ways(frozenset(devices), certain, frozenset(gateways), refused)

    def _lookup(self, family: Family, table: str, destination: int) -> Route | None:
        if family not in self._tables:
            tables: dict[str, list[Route]] = {}
            for one in sorted(
                self.routes.get(family, ()), key=lambda route: (-route.length, route.metric)
            ):
                tables.setdefault(one.table, []).append(one)
            self._tables[family] = tables
        return next(
            (
                one
                for one in self._tables[family].get(table, ())
                if one.interval[0] <= destination <= one.interval[1]
            ),
            None,
        )


def _applies(rule: RoutingRule, destination: int, source: int | None) -> bool | None:
    good: bool | None = True
    if rule.destination is not None:
        good = rule.destination[0] <= destination <= rule.destination[1]
    if good and rule.source is not None:
        good = None if source is None else rule.source[0] <= source <= rule.source[1]
    if good and rule.perhaps:
        good = None
    if rule.inverted and good is not None:
        good = not good
    return good


def routes_of(lines: Iterable[RouteLine]) -> tuple[Route, ...]:
    """The routes of a listing, as the model asks for them."""
    return tuple(
        Route(
            line.table,
            interval_of(line.destination),
            line.destination.prefixlen,
            line.type,
            tuple(hop.interface for hop in line.hops),
            line.metric,
            tuple(hop.interface for hop in line.hops if hop.gateway is not None),
            tuple(int(hop.gateway) for hop in line.hops if hop.gateway is not None),
        )
        for line in lines
    )


def rules_of(rules: Iterable[PolicyRule]) -> tuple[RoutingRule, ...]:
    """The rules of a listing that an answer of the host itself may meet."""
    # An answer comes in by no interface.
    return tuple(_routing_rule(rule) for rule in rules if rule.incoming in {"", "lo"})


def _routing_rule(rule: PolicyRule) -> RoutingRule:
    # A connection is TCP; which of its ports a rule is about is not followed.
    by_port = bool(rule.others & _OF_CONNECTIONS)
    # A mark, a user, a VRF: only the packet itself could tell.
    other = bool(rule.outgoing or rule.others - _OF_CONNECTIONS)
    other = other or rule.protocol not in {"", "tcp", "6"}
    source = rule.source if rule.source is not None and rule.source.prefixlen else None
    return RoutingRule(
        rule.table or None,
        None if source is None else interval_of(source),
        None if rule.destination is None else interval_of(rule.destination),
        by_port or other,
        rule.inverted,
        rule.suppress,
        by_port and not other,
    )

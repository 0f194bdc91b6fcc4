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
from nethygiene.firewall.fields import Bits, has_bits
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
        perhaps: it asks for more, such as a user.
        inverted: it is for all other packets.
        suppress: ``suppress_prefixlength``: routes of that length or shorter do not count.
        by_port: what more it asks for is a protocol or a port, which a connection has.
        mark: the mark of the packets that it is for, and which of its bits; None for all.
        incoming: the interface that the packets come in by; empty for all, ``lo`` for the host's
            own.
    """

    table: str | None
    source: Interval | None = None
    destination: Interval | None = None
    perhaps: bool = False
    inverted: bool = False
    suppress: int = -1
    by_port: bool = False
    mark: tuple[int, int] | None = None
    incoming: str = ""

    @property
    def is_for_all_marks(self) -> bool:
        """Whether packets meet it that nobody marked."""
        return not self.perhaps and self.mark is None

    def may_be_met(self, mark: Bits | None) -> bool:
        """Whether a packet of a connection may well be what it asks for, and that is not told."""
        if self.mark is None:
            return self.by_port
        return mark is not None and (self.by_port or not self.perhaps)

    def applies(
        self, destination: int, source: int | None, mark: Bits | None, incoming: str | None
    ) -> bool | None:
        """Whether it is for a packet; None: perhaps.

        Args:
            destination: of the packet.
            source: likewise; None where it cannot be told.
            mark: likewise.
            incoming: the interface that the packet comes in by, likewise; ``lo`` for one of the
                host's own.
        """
        good: bool | None = True
        if self.incoming:
            good = None if incoming is None else self.incoming == incoming
        if good is not False and self.destination is not None:
            good = good if self.destination[0] <= destination <= self.destination[1] else False
        if good is not False and self.source is not None:
            found = None if source is None else self.source[0] <= source <= self.source[1]
            good = good if found else found
        if good is not False and self.mark is not None:
            marked = None if mark is None else has_bits(mark, *self.mark)
            good = good if marked else marked
        if good and self.perhaps:
            good = None
        return not good if self.inverted and good is not None else good


@dataclass(frozen=True, slots=True)
class Ways:
    """The interfaces by which an address may be reached; none where there is no route.

    Attributes:
        devices: the interfaces.
        certain: False where rules that cannot be decided may choose another.
        gateways: the routers on the way; none where the address is on the link.
        perhaps_none: a rule that cannot be decided, though such packets meet it, may refuse.
    """

    devices: frozenset[str]
    certain: bool = True
    gateways: frozenset[int] = frozenset()
    perhaps_none: bool = False


_Sent = tuple[Family, int | None, Bits | None, str | None]
"""A packet's family, source, mark, and the interface that it comes in by."""


@dataclass(frozen=True)
class Routes:
    """The routes and routing rules of both families."""

    routes: Mapping[Family, tuple[Route, ...]]
    rules: Mapping[Family, tuple[RoutingRule, ...]]
    _ways: dict[_Sent, tuple[tuple[Intervals, Ways], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _taken_in: dict[tuple[Family, int, Bits, str], tuple[tuple[Intervals, bool | None], ...]] = (
        field(default_factory=dict, compare=False, repr=False)
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
            always = {rule.table for rule in rules if rule.is_for_all_marks} | {"local"}
            special = {rule.table for rule in rules if not rule.is_for_all_marks} - always
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
            if rule.source is not None:
                yield (rule.source,)

    def ways(
        self,
        family: Family,
        source: int | None,
        mark: Bits | None = None,
        incoming: str | None = "lo",
    ) -> tuple[tuple[Intervals, Ways], ...]:
        """All destinations with their ways: see :meth:`way`."""
        asked = (family, source, mark, incoming)
        found = self._ways.get(asked)
        if found is None:
            classes = classes_of(family, self.prefixes(family))
            places: dict[Ways, int] = {}
            for number, sample in enumerate(classes.samples):
                ways = self.way(family, sample, source, mark, incoming)
                places[ways] = places.get(ways, 0) | 1 << number
            found = tuple(
                (classes.stretches(mask, everything(family)), ways) for ways, mask in places.items()
            )
            self._ways[asked] = found
        return found

    def way(
        self,
        family: Family,
        destination: int,
        source: int | None,
        mark: Bits | None = None,
        incoming: str | None = "lo",
    ) -> Ways:
        """How a packet leaves.

        Args:
            family: of the packet.
            destination: of the packet.
            source: of the packet, where it can be told.
            mark: likewise.
            incoming: the interface that it comes in by, likewise; ``lo`` for the host's own.
        """
        devices: set[str] = set()
        gateways: set[int] = set()
        certain = True
        refused = False
        for rule in self.rules.get(family, ()):
            applies = rule.applies(destination, source, mark, incoming)
            if applies is False:
                continue
            # What a packet has, and what is not followed, may well be what the rule asks for.
            met = rule.may_be_met(mark)
            if rule.table is None:
                if applies:
                    break
                certain = False
                refused = refused or met
                continue
            route = self._lookup(family, rule.table, destination)
            if route is None or route.kind == "throw" or route.length <= rule.suppress:
                continue
            if route.kind not in _REFUSING:
                devices.update(route.devices)
                gateways.update(route.gateways)
            elif not applies:
                refused = refused or met
            if applies:
                certain = certain and len(devices) < 2
                break
            certain = False
        return Ways(frozenset(devices), certain, frozenset(gateways), refused)

    def has_rules_before_local(self, family: Family) -> bool:
        """Whether the host does not look up its own addresses first, as nearly every host does."""
        return any(rule != RoutingRule("local") for rule in self.rules.get(family, ())[:1])

    def taken_in(
        self, family: Family, destination: int, mark: Bits, incoming: str
    ) -> tuple[tuple[Intervals, bool | None], ...]:
        """All sources, with whether routing takes in their packets; None: perhaps not.

        Args:
            family: of the packets.
            destination: of the packets.
            mark: of the packets.
            incoming: the interface that they come in by, which is in no VRF.
        """
        if self._is_for_host(family, destination) and not self.has_rules_before_local(family):
            return ((everything(family), True),)
        asked = (family, destination, mark, incoming)
        found = self._taken_in.get(asked)
        if found is None:
            rules = self.rules.get(family, ())
            classes = classes_of(family, ((one.source,) for one in rules if one.source is not None))
            taken: dict[bool | None, int] = {}
            for number, sample in enumerate(classes.samples):
                answer = self._takes(family, sample, destination, mark, incoming)
                taken[answer] = taken.get(answer, 0) | 1 << number
            found = self._taken_in[asked] = tuple(
                (classes.stretches(mask, everything(family)), answer)
                for answer, mask in taken.items()
            )
        return found

    def _is_for_host(self, family: Family, destination: int) -> bool:
        """Whether it is an address of the host's own, or IPv6's for all of a link."""
        return self.is_local(family, destination) or destination >> 120 == 0xFF

    def _takes(
        self, family: Family, source: int, destination: int, mark: Bits, incoming: str
    ) -> bool | None:
        """Whether no rule, and no route that one leads to, refuses a packet from a wire.

        One to the host itself needs a local route: another one takes it out again. So does one to
        all of a link: `ff00::/8` is in the table local.
        """
        here = self._is_for_host(family, destination)
        taken: bool | None = True
        for rule in self.rules.get(family, ()):
            applies = rule.applies(destination, source, mark, incoming)
            if applies is False:
                continue
            refuses = rule.table is None
            if rule.table is not None:
                route = self._lookup(family, rule.table, destination)
                if route is None or route.kind == "throw" or route.length <= rule.suppress:
                    continue
                refuses = route.kind in _REFUSING
                refuses = refuses or (here and "local" not in {route.table, route.kind})
            if applies:
                return False if refuses else taken
            if refuses and rule.may_be_met(mark):
                taken = None
        return taken

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
    """The rules of a listing, as the model asks for them."""
    return tuple(_routing_rule(rule) for rule in rules if "nop" not in rule.others)


def _routing_rule(rule: PolicyRule) -> RoutingRule:
    # A connection is TCP; which of its ports a rule is about is not followed.
    by_port = bool(rule.others & _OF_CONNECTIONS)
    # A user, a VRF: only the packet itself could tell.
    other = bool(rule.outgoing or rule.others - _OF_CONNECTIONS - {"fwmark"})
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
        rule.mark,
        rule.incoming,
    )

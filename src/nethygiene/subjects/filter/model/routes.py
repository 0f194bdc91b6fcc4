"""Which interface leads to an address, which addresses are local, and which are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.addresses import (
    Intervals,
    classes_of,
    everything,
    holds,
    merged,
)
from nethygiene.subjects.filter.model.fields import Bits
from nethygiene.subjects.filter.model.route import TableRoute
from nethygiene.subjects.filter.model.routing_rules import RoutingRule
from nethygiene.subjects.links.ip.families import Family

_REFUSING = frozenset({"unreachable", "prohibit", "blackhole"})
_ON_LINK: Intervals = ((0xFE80 << 112, (0xFEC0 << 112) - 1), (0xFF << 120, (1 << 128) - 1))
"""fe80::/10 and ff00::/8: RFC 4291, section 2.4."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The interfaces that may lead to an address; none without a route.

    Attributes:
        devices: the interfaces.
        certain: False where rules that cannot be decided may choose another.
        gateways: the routers on the way; none where the address is on the link.
        perhaps_none: a rule that cannot be decided, though such packets meet it, may refuse.
        source: the address that the host's own packets are from, if the route sets one.
        length: of the prefix of the route that decides; None without a certain one.
    """

    devices: frozenset[str]
    certain: bool = True
    gateways: frozenset[int] = frozenset()
    perhaps_none: bool = False
    # Only who sends asks for it: ways to classes of addresses are merged without it.
    source: int | None = field(default=None, compare=False)
    length: int | None = field(default=None, compare=False)


_Sent = tuple[Family, int | None, Bits | None, str | None]
"""A packet's family, source, mark, and the interface by which it comes in."""


@dataclass(frozen=True)
class RoutingTables:
    """The routes and routing rules of both families."""

    routes: Mapping[Family, tuple[TableRoute, ...]]
    rules: Mapping[Family, tuple[RoutingRule, ...]]
    _ways: dict[_Sent, tuple[tuple[Intervals, Ways], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _taken_in: dict[tuple[Family, int, Bits, str], tuple[tuple[Intervals, bool | None], ...]] = (
        field(default_factory=dict, compare=False, repr=False)
    )
    _tables: dict[Family, dict[str, list[TableRoute]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _local: dict[Family, tuple[TableRoute, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
    _spans: dict[tuple[Family, str], Intervals] = field(
        default_factory=dict, compare=False, repr=False
    )

    def local_routes(self, family: Family) -> tuple[TableRoute, ...]:
        """The routes that make addresses the host's own.

        Those of a table that only marked packets and the like are looked up in are left out: with
        one, all addresses are local to the packets that TPROXY has marked.
        """
        local = self._local.get(family)
        if local is None:
            rules = self.rules.get(family, ())
            always = {rule.table for rule in rules if rule.is_for_all_marks} | {"local"}
            special = {rule.table for rule in rules if not rule.is_for_all_marks} - always
            local = self._local[family] = tuple(
                route
                for route in self.routes.get(family, ())
                if route.kind == "local" and route.table not in special
            )
        return local

    def is_local(self, family: Family, address: int) -> bool:
        """Whether the address is the host's own."""
        return holds(self.local(family), address)

    def local(self, family: Family) -> Intervals:
        """All local addresses, including loopback's network."""
        spans = self._spans.get((family, "local"))
        if spans is None:
            intervals = (route.interval for route in self.local_routes(family))
            spans = self._spans[family, "local"] = merged(intervals)
        return spans

    def broadcast(self, family: Family) -> Intervals:
        """All addresses to which every host of a network listens."""
        spans = self._spans.get((family, "broadcast"))
        if spans is None:
            routes = self.routes.get(family, ())
            intervals = (route.interval for route in routes if route.kind == "broadcast")
            spans = self._spans[family, "broadcast"] = merged(intervals)
        return spans

    def refuses(self, family: Family) -> bool:
        """Whether a rule or a route refuses packets."""
        return any(rule.table is None for rule in self.rules.get(family, ())) or any(
            route.kind in _REFUSING for route in self.routes.get(family, ())
        )

    def prefixes(self, family: Family) -> Iterator[Intervals]:
        """Every destination of a route or rule, by which the address space has to be cut."""
        for route in self.routes.get(family, ()):
            yield (route.interval,)
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
        """All destinations and their ways; see :meth:`way`."""
        asked = (family, source, mark, incoming)
        all_ways = self._ways.get(asked)
        if all_ways is None:
            classes = classes_of(family, self.prefixes(family))
            places: dict[Ways, int] = {}
            for number, sample in enumerate(classes.samples):
                ways = self.way(family, sample, source, mark, incoming)
                places[ways] = places.get(ways, 0) | 1 << number
            all_ways = tuple(
                (classes.stretches(mask, everything(family)), ways) for ways, mask in places.items()
            )
            self._ways[asked] = all_ways
        return all_ways

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
        preferred: int | None = None
        length: int | None = None
        for rule in self.rules.get(family, ()):
            applies = rule.applies(destination, source, mark, incoming)
            if applies is False:
                continue
            # The rule may ask for something of a packet that the model does not follow.
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
                preferred, length = route.source, route.length
                break
            certain = False
        return Ways(frozenset(devices), certain, frozenset(gateways), refused, preferred, length)

    def has_rules_before_local(self, family: Family) -> bool:
        """Whether the host does not look up its own addresses first, as nearly every host does."""
        return any(rule != RoutingRule("local") for rule in self.rules.get(family, ())[:1])

    def taken_in(
        self, family: Family, destination: int, mark: Bits, incoming: str
    ) -> tuple[tuple[Intervals, bool | None], ...]:
        """All sources, and whether routing takes in their packets; None for perhaps.

        Args:
            family: of the packets.
            destination: of the packets.
            mark: of the packets.
            incoming: the interface that they come in by, which is in no VRF.
        """
        if self._is_for_host(family, destination) and not self.has_rules_before_local(family):
            return ((everything(family), True),)
        asked = (family, destination, mark, incoming)
        taken_in = self._taken_in.get(asked)
        if taken_in is None:
            rules = self.rules.get(family, ())
            classes = classes_of(
                family, ((rule.source,) for rule in rules if rule.source is not None)
            )
            taken: dict[bool | None, int] = {}
            for number, sample in enumerate(classes.samples):
                answer = self._takes(family, sample, destination, mark, incoming)
                taken[answer] = taken.get(answer, 0) | 1 << number
            taken_in = self._taken_in[asked] = tuple(
                (classes.stretches(mask, everything(family)), answer)
                for answer, mask in taken.items()
            )
        return taken_in

    def _is_for_host(self, family: Family, destination: int) -> bool:
        """Whether it is an address of the host's own, or IPv6's for all of a link."""
        return self.is_local(family, destination) or destination >> 120 == 0xFF

    def _takes(
        self, family: Family, source: int, destination: int, mark: Bits, incoming: str
    ) -> bool | None:
        """Whether no rule, and no route that one leads to, refuses a packet from a wire.

        One to the host itself needs a local route: another one takes it out again. So does one to
        all of a link: `ff00::/8` is in the table local. A route by another interface, or one that
        refuses and so has none, does not count for what is on the link alone (rt6_need_strict in
        net/ipv6/route.c; Linux 6.18).
        """
        here = self._is_for_host(family, destination)
        on_link = incoming if family == "ipv6" and holds(_ON_LINK, destination) else None
        taken: bool | None = True
        for rule in self.rules.get(family, ()):
            applies = rule.applies(destination, source, mark, incoming)
            if applies is False:
                continue
            refuses = rule.table is None
            if rule.table is not None:
                route = self._lookup(family, rule.table, destination, on_link)
                if route is None or route.kind == "throw" or route.length <= rule.suppress:
                    continue
                refuses = route.kind in _REFUSING
                refuses = refuses or (here and "local" not in {route.table, route.kind})
            if applies:
                return False if refuses else taken
            if refuses and rule.may_be_met(mark):
                taken = None
        return taken

    def _lookup(
        self, family: Family, table: str, destination: int, device: str | None = None
    ) -> TableRoute | None:
        """The route of a table to an address, by `device` alone if it is given."""
        if family not in self._tables:
            tables: dict[str, list[TableRoute]] = {}
            for line in sorted(
                self.routes.get(family, ()), key=lambda route: (-route.length, route.metric)
            ):
                tables.setdefault(line.table, []).append(line)
            self._tables[family] = tables
        return next(
            (
                route
                for route in self._tables[family].get(table, ())
                if route.interval[0] <= destination <= route.interval[1]
                and (device is None or device in route.devices)
            ),
            None,
        )

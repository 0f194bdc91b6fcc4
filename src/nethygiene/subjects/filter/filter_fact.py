"""The fact of a host's packet filter: a model of its rules, which judges connections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.subjects.filter.model.addresses import (
    Classes,
    Interval,
    Intervals,
    classes_of,
    common,
)
from nethygiene.subjects.filter.model.attempts import attacked, served
from nethygiene.subjects.filter.model.effects import SetMark
from nethygiene.subjects.filter.model.fields import ANY_PORT, EPHEMERAL, Field
from nethygiene.subjects.filter.model.nat import NatRule, nat_rules
from nethygiene.subjects.filter.model.own import (
    LINK_LOCAL,
    OwnAddress,
    client_sources,
    leads_to_clients,
    own_addresses,
    possible_sources,
)
from nethygiene.subjects.filter.model.own_marks import rule_that_reroutes
from nethygiene.subjects.filter.model.packet import new_connection
from nethygiene.subjects.filter.model.paths import Approach, Path, grouped
from nethygiene.subjects.filter.model.source_ports import kinds_of_source_ports
from nethygiene.subjects.filter.model.stack import Stack, VirtualServer
from nethygiene.subjects.filter.model.trace import TooLongError
from nethygiene.subjects.filter.model.verdict import Fate, HostFilter
from nethygiene.subjects.links.ip.families import Address, Family

T = TypeVar("T")

SOURCE = "nft -j list ruleset, iptables-save, ip route"


@dataclass(frozen=True)
class PacketFilter(Fact):
    """The host's packet filter, and what it does with a new TCP connection.

    The fact itself always exists. If a rule asks for a part that could not be read, it ends as
    unknown.

    Attributes:
        _host: the model, or why there is none.
        _stack: the settings and tables of the network stack.
        _servers_unreadable: why the virtual servers of IPVS could not be read.
        _known: results so far.
    """

    _host: HostFilter | Unreadable
    _stack: Stack = field(default_factory=Stack)
    _servers_unreadable: Unreadable | None = None
    _known: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def model(self) -> HostFilter:
        """The model; ends the rule as unknown if the filter could not be read."""
        if isinstance(self._host, Unreadable):
            self.ledger.cannot_read(self._host)
        return self._host

    @property
    def unreadable(self) -> Unreadable | None:
        """Why the filter could not be read, None if it could; it never ends the rule."""
        return self._host if isinstance(self._host, Unreadable) else None

    def routes_locally(self, address: Address) -> bool:
        """Whether the routes make an address the host's own; it never ends the rule."""
        if isinstance(self._host, Unreadable):
            return False
        family: Family = "ipv4" if address.version == 4 else "ipv6"
        return self._host.routes.is_local(family, int(address))

    def marks_own_packets(self, family: Family) -> str | None:
        """The rule that marks packets of this host, so that the kernel routes them again, or None.

        It ends the rule as unknown if the filter could not be read.
        """
        rule = rule_that_reroutes(self.model.rulesets[family])
        self.ledger.read(f"rule that marks own {family} packets", SOURCE, rule or "none")
        return None if rule is None else str(rule)

    def own(self, family: Family) -> tuple[OwnAddress, ...]:
        """The addresses at which the host answers."""
        model = self.model
        return self.once(
            ("own addresses", family), lambda: own_addresses(model.routes, model.links, family)
        )

    def is_own(self, address: object, family: Family) -> bool:
        """Whether a packet's address is the host's own; true if that is unknown."""
        if not isinstance(address, tuple) or not address:
            return True
        return self.model.routes.is_local(family, int(address[0][0]))

    def nat(self, family: Family) -> tuple[NatRule, ...]:
        """The rules of destination NAT, in all tables."""
        ruleset = self.model.rulesets[family]
        return self.once(("NAT", family), lambda: nat_rules(ruleset))

    def source_ports(self, family: Family) -> tuple[Intervals, ...]:
        """All source ports, as sets whose ports every rule treats alike."""
        ruleset = self.model.rulesets[family]
        return self.once(("source ports", family), lambda: kinds_of_source_ports(ruleset))

    def virtual_servers(self, port: int) -> tuple[VirtualServer, ...]:
        """The virtual servers of IPVS that take a port, at any address or by mark."""
        if self._servers_unreadable is not None:
            self.ledger.cannot_read(self._servers_unreadable)
        return self.seen_servers(port)

    def seen_servers(self, port: int) -> tuple[VirtualServer, ...]:
        """The virtual servers that could be seen; this never ends the rule."""
        return tuple(server for server in self._stack.servers if server.port in {port, None})

    @property
    def across_vrfs(self) -> bool:
        """Whether a socket that is bound to no VRF answers in all of them."""
        return self._stack.across_vrfs

    def clients(self, interface: str | None, to: OwnAddress) -> Intervals:
        """The sources that clients through an interface can have: the meaning of `any`."""
        return client_sources(self.model.routes, self.own(to.family), interface, to)

    def leads_to_clients(self, interface: str) -> bool:
        """Whether hosts come in by an interface, not only the host's own containers."""
        return leads_to_clients(self.model.routes, self.model.links, interface)

    def paths(
        self,
        family: Family,
        sources: Intervals,
        local: Collection[int],
        interface: str | None,
        *,
        weak: bool = True,
    ) -> tuple[Path, ...]:
        """The ways by which connections from `sources` come in.

        Args:
            family: the family of the addresses.
            sources: the sources; addresses that no other host has are left out.
            local: the host's own addresses to which they connect.
            interface: the interface by which they come in; None takes the route back to each
            source.
            weak: whether neighbours may ask for an address of another interface.
        """
        numbers = frozenset(local)
        return self.once(
            ("paths", family, sources, numbers, interface, weak),
            lambda: self._paths(family, sources, numbers, interface, weak=weak),
        )

    def _paths(
        self,
        family: Family,
        sources: Intervals,
        numbers: frozenset[int],
        interface: str | None,
        *,
        weak: bool,
    ) -> tuple[Path, ...]:
        own = self.own(family)
        homes = [address for address in own if address.number in numbers]
        for number in sorted(numbers - {address.number for address in homes}):
            holders = (address for address in own if address.span[0] <= number <= address.span[1])
            homes += [replace(address, number=number) for address in holders][:1]
        model = self.model
        approach = Approach(model.routes, model.links, family, weak)
        ungrouped = approach.paths(sources, homes, interface)
        return tuple(
            grouped(ungrouped, self.once(("classes", family), lambda: self._told_apart(family)))
        )

    def ways_through(self, family: Family, sources: Intervals, to: int) -> Iterator[Path]:
        """The ways by which connections come in that this host forwards to another host."""
        model = self.model
        out = model.routes.way(family, to, None, None, None).devices
        among = common(sources, possible_sources(model.routes, family))
        for intervals, ways in model.routes.ways(family, None, None, None):
            if shared := common(among, intervals):
                for name in sorted(ways.devices - out - {"lo"}):
                    if not model.links.is_wireless(name):
                        yield Path(family, name, to, shared)

    def other_hosts(self, family: Family, sources: Intervals) -> Intervals:
        """The sources that another host may have."""
        return common(sources, possible_sources(self.model.routes, family))

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """The result of `work`, which runs only for the first rule that asks with a key."""
        if key not in self._known:
            self._known[key] = work()
        return cast("T", self._known[key])

    def observe(self, what: str, actual: str) -> None:
        """Add an observation to the result."""
        self.ledger.read(what, SOURCE, actual)

    def judge(
        self, path: Path, port: int, *, ephemeral: bool, ports: Intervals | None = None
    ) -> Fate:
        """The fate of connections by a path to a TCP port; unknown if the rules are too tangled.

        Args:
            path: one of :meth:`paths`.
            port: the TCP port to which they connect.
            ephemeral: clients connect, from a port that they use; otherwise somebody tries from any
                port until they get in.
            ports: source ports instead of these.
        """
        model = self.model
        clients = model.ground(path.family).mask(path.sources)
        sent_from = ports or (EPHEMERAL if ephemeral else ANY_PORT)
        packet = new_connection(path.family, path.interface, path.address, port, sent_from)
        try:
            return (served if ephemeral else attacked)(model, packet, clients)
        except TooLongError as error:
            self.ledger.undecidable(str(error))

    def judge_clients(self, path: Path, port: int) -> tuple[Fate, Intervals]:
        """The fate of clients' connections, from any of their ports.

        Returns:
            The fate, and the source ports that it is about: those that are lost while others are
            not; empty if it is about all.
        """
        judged = self.judge(path, port, ephemeral=True)
        if not judged.undecided:
            return judged, ()
        kinds = (common(kind, EPHEMERAL) for kind in self.source_ports(path.family))
        some = [kind for kind in kinds if kind]
        if len(some) < 2:
            return judged, ()
        fates = [self.judge(path, port, ephemeral=True, ports=kind) for kind in some]
        for fate, kind in zip(fates, some, strict=True):
            if fate.surely_out:
                return fate, kind
        ways = [[event.rule for event in fate.trace.translated] for fate in fates]
        if any(way != ways[0] for way in ways):
            return judged, ()
        # If no kind of port is undecided, the whole is not undecided either.
        return next((fate for fate in fates if fate.undecided), fates[0]), ()

    def judge_kinds(self, path: Path, port: int) -> tuple[Fate, ...]:
        """The fates of connections from each set of :meth:`source_ports`."""
        return tuple(
            self.judge(path, port, ephemeral=False, ports=kind)
            for kind in self.source_ports(path.family)
        )

    def may_be_marked(self, path: Path, port: int, mark: int | None) -> bool:
        """Whether some rule may give a connection's packets the mark of a virtual server."""
        model = self.model
        packet = new_connection(path.family, path.interface, path.address, port)
        ground = model.ground(path.family)
        for rule in model.rulesets[path.family].rules():
            marks = any(
                isinstance(effect, SetMark)
                and effect.field is Field.MARK
                # An effect that only clears bits gives no mark.
                and (mark is None or effect.copied or effect.value != 0)
                for effect in rule.effects
            )
            if marks and all(any(match.answer(packet, ground)) for match in rule.matches):
                return True
        return False

    def inner_networks(self, family: Family) -> tuple[tuple[str, Interval], ...]:
        """The networks of the host's own containers: behind a bridge without a way out."""
        model = self.model
        return tuple(
            (name, route.interval)
            for route in model.routes.routes.get(family, ())
            if route.kind == "unicast" and route.interval[1] - route.interval[0] > 2
            if not common((route.interval,), LINK_LOCAL[family])
            for name in route.devices
            if name in model.links.links and model.links.links[name].kind == "bridge"
            if not leads_to_clients(model.routes, model.links, name)
        )

    def _told_apart(self, family: Family) -> Classes:
        model = self.model
        sets = list(model.rulesets[family].client_sets())
        sets += [((server.number, server.number),) for server in self._stack.servers]
        for rule in model.routes.rules.get(family, ()):
            networks = (rule.source, rule.destination)
            sets += [(network,) for network in networks if network is not None]
        return classes_of(family, sets)

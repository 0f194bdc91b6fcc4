"""Default routes, policy rules, and the kernel's own answer for where packets would go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from typing import TypeVar

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, item_section, read_listing, refused
from nethygiene.inventory.policy import Policy, Route
from nethygiene.subjects.links.ip.families import FAMILIES, Family, Network, family_of
from nethygiene.subjects.links.ip.routes import RouteLine, parse_routes
from nethygiene.subjects.links.ip.rules import PolicyRule, parse_rules
from nethygiene.subjects.links.route_answers import (
    EVERYWHERE,
    Way,
    addresses_inside,
    beside_question,
    plain_question,
    read_routes,
    read_tcp_routes,
    tcp_question,
)
from nethygiene.transcript import Section

T = TypeVar("T")

_GET, _GET_TCP, _BESIDE = "route_get", "route_get_tcp", "routes_beside"


@dataclass(frozen=True)
class Routes(Fact):
    """How a host routes what it sends itself.

    Attributes:
        _defaults: the default routes of all tables, by family.
        _large: the routes of all tables to large parts of all addresses, likewise.
        _rules: the policy rules, by family.
        _ways: the kernel's answers for addresses far away, by family.
        _declared: its answers for addresses inside each declared route, by its destination.
        _beside: the routes of all tables in and around each declared destination.
    """

    _defaults: Mapping[Family, Sequence[RouteLine] | Unreadable]
    _large: Mapping[Family, Sequence[RouteLine] | Unreadable]
    _rules: Mapping[Family, Sequence[PolicyRule] | Unreadable]
    _ways: Mapping[Family, Sequence[Way] | Unreadable]
    _declared: Mapping[str, Sequence[Way] | Unreadable]
    _beside: Mapping[str, Sequence[RouteLine] | Unreadable]

    def default_routes(self, family: Family) -> tuple[RouteLine, ...]:
        """The default routes of all tables that do not refuse (blackhole…)."""
        routes = [r for r in self._there(self._defaults[family]) if r.type == "unicast" and r.hops]
        shown = "; ".join(f"{route} metric {route.metric} table {route.table}" for route in routes)
        self.ledger.read(f"{family} default routes", ROUTES[family].shell, shown or "none")
        return tuple(routes)

    def refused_defaults(self, family: Family) -> tuple[RouteLine, ...]:
        """The default routes that refuse (blackhole, unreachable, prohibit), of all tables."""
        routes = [r for r in self._there(self._defaults[family]) if r.refuses]
        shown = "; ".join(f"{route} metric {route.metric} table {route.table}" for route in routes)
        self.ledger.read(f"{family} default routes that refuse", ROUTES[family].shell, shown)
        return tuple(routes)

    def large_routes(self, family: Family) -> tuple[RouteLine, ...]:
        """The routes of all tables to a 256th of all addresses or more, without default routes."""
        routes = tuple(self._there(self._large[family]))
        if refusing := "; ".join(
            f"{route} table {route.table}" for route in routes if route.refuses
        ):
            self.ledger.read(f"{family} routes that refuse", ROUTES[family].shell, refusing)
        return routes

    def policy_rules(self, family: Family) -> tuple[PolicyRule, ...]:
        """The rules that pick a routing table, in the order in which the kernel asks them."""
        rules = self._there(self._rules[family])
        self.ledger.read(f"{family} rules", RULES[family].shell, "; ".join(r.text for r in rules))
        return tuple(rules)

    def ways_out(self, family: Family) -> tuple[Way, ...]:
        """Where packets to addresses far away would go."""
        return self._asked(self._ways[family], f"ip route get, for {EVERYWHERE[family]}")

    def ways_to(self, route: Route) -> tuple[Way, ...]:
        """Where packets to addresses inside a declared route's destination would go."""
        return self._asked(
            self._declared[str(route.destination)], f"ip route get, for {route.destination}"
        )

    def beside(self, route: Route) -> tuple[RouteLine, ...]:
        """The routes of all tables but ``local`` in and around a declared destination."""
        there = self._there(self._beside.get(str(route.destination), _NOT_LISTED))
        routes = tuple(line for line in there if line.table != "local")
        source = f"ip route show table all, for {route.destination}"
        shown = "; ".join(f"{line} table {line.table}" for line in routes)
        self.ledger.read(f"routes in and around {route.destination}", source, shown or "none")
        return routes

    def _asked(self, ways: Sequence[Way] | Unreadable, source: str) -> tuple[Way, ...]:
        there = self._there(ways)
        for way in there:
            self.ledger.read(f"route to {way.address}", source, way.route or "none")
            if way.tcp != way.route:
                self.ledger.read(f"route of TCP to {way.address}", source, way.tcp or "none")
        return tuple(there)

    def _there(self, part: T | Unreadable) -> T:
        if isinstance(part, Unreadable):
            self.ledger.cannot_read(part)
        return part


def _commands_of(names: tuple[str, str], network: Network) -> tuple[Command, Command]:
    """The two questions for the ways into a network, by the names of their sections."""
    title = f"ip -{network.version} route get, for {network}"
    return (
        Command(names[0], plain_question(network), title=title, holds="addresses"),
        Command(
            names[1],
            tcp_question(network),
            title=f"{title}, as TCP asks",
            holds="addresses",
        ),
    )


def _declared(policy: Policy) -> tuple[Command, ...]:
    # Sections have the destination's name, because a later policy may judge kept evidence.
    ways = WAYS.values() if policy.default_interface is not None else ()
    commands = [command for pair in ways for command in pair]
    for destination in dict.fromkeys(route.destination for route in policy.routes.values()):
        name = str(destination)
        commands += _commands_of(
            (item_section(_GET, name), item_section(_GET_TCP, name)), destination
        )
        if destination.prefixlen:
            commands.append(_beside_command(destination))
    return tuple(commands)


def _beside_command(network: Network) -> Command:
    title = f"ip -{network.version} route show table all, for {network}"
    return Command(
        item_section(_BESIDE, str(network)),
        beside_question(network),
        title=title,
        holds="addresses",
    )


def parse(sections: Sections) -> Routes | Unreadable:
    """Parse what ip printed; each listing may be unreadable by itself."""
    declared = {n.removeprefix(f"{_GET}:"): n for n in sections if n.startswith(f"{_GET}:")}
    networks = {to: ip_network(to) for to in declared}
    return Routes(
        _defaults={family: _to_much(sections, family, range(1)) for family in FAMILIES},
        _large={family: _to_much(sections, family, range(1, 9)) for family in FAMILIES},
        _rules={
            family: _listing(sections, RULES[family], partial(parse_rules, family=family))
            for family in FAMILIES
        },
        _ways={
            family: _ways(
                sections.get(WAYS[family][0].name, _NOT_ASKED),
                sections.get(WAYS[family][1].name, _NOT_ASKED),
                network,
            )
            for family, network in EVERYWHERE.items()
        },
        _declared={
            to: _ways(
                sections[declared[to]],
                sections.get(item_section(_GET_TCP, to), _NOT_LISTED),
                network,
            )
            for to, network in networks.items()
        },
        _beside={
            to: _listing(
                sections, _beside_command(network), partial(parse_routes, family=family_of(network))
            )
            if network.prefixlen
            else ()
            for to, network in networks.items()
        },
    )


def _ways(
    plain: Section | Unreadable, tcp: Section | Unreadable, network: Network
) -> Sequence[Way] | Unreadable:
    for section in (plain, tcp):
        if isinstance(section, Unreadable):
            return section
    assert isinstance(plain, Section)
    assert isinstance(tcp, Section)
    asked, by_tcp = _commands_of(("", ""), network)
    try:
        routes, matched, more = read_routes(_text(plain.stdout), _text(plain.stderr), network)
    except ValueError as error:
        return Unreadable(Reason.UNPARSABLE, asked.shown, str(error)[:200])
    try:
        of_tcp = read_tcp_routes(_text(tcp.stdout), network)
    except ValueError as error:
        return Unreadable(Reason.UNPARSABLE, by_tcp.shown, str(error)[:200])
    addresses = addresses_inside(network)
    if len(routes) < len(addresses):
        return refused(asked, plain)
    if tcp.status != 0:
        return refused(by_tcp, tcp)
    if more or len(matched) not in {0, len(addresses)}:
        return Unreadable(Reason.UNPARSABLE, asked.shown, "not one answer for each question")
    return tuple(
        # Look up the answer's own address: redacted evidence has other addresses than the
        # questions.
        Way(address, route, match, of_tcp.get(route.destination) if route is not None else None)
        for address, route, match in zip(
            addresses, routes, matched or [None] * len(addresses), strict=True
        )
    )


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")


def _listing(
    sections: Sections, command: Command, parse: Callable[[str], Sequence[T]]
) -> Sequence[T] | Unreadable:
    section = sections.get(command.name, _NOT_LISTED)
    if isinstance(section, Section) and _is_unsupported(section):
        return ()
    return read_listing(section, command, parse)


def _is_unsupported(section: Section) -> bool:
    """Whether the kernel is without this family, or without policy rules."""
    return section.status != 0 and not section.stdout and b"not supported" in section.stderr


def _to_much(
    sections: Sections, family: Family, lengths: range
) -> Sequence[RouteLine] | Unreadable:
    routes = _listing(sections, ROUTES[family], partial(parse_routes, family=family))
    if isinstance(routes, Unreadable):
        return routes
    return tuple(route for route in routes if route.destination.prefixlen in lengths)


_CAP = 32 * 1024 * 1024
ROUTES: Mapping[Family, Command] = {
    family: Command(
        f"routes_{family}",
        f"ip -{family[-1]} -o route show table all",
        seconds=20,
        cap=_CAP,
        holds="addresses",
    )
    for family in FAMILIES
}
RULES: Mapping[Family, Command] = {
    family: Command(
        f"routing_rules_{family}", f"ip -{family[-1]} -o rule", small=True, holds="addresses"
    )
    for family in FAMILIES
}
WAYS: Mapping[Family, tuple[Command, Command]] = {
    family: _commands_of((f"ways_out_{family}", f"ways_out_tcp_{family}"), network)
    for family, network in EVERYWHERE.items()
}
COMMANDS = (*ROUTES.values(), *RULES.values())
_NOT_ASKED = Unreadable(Reason.NOT_COLLECTED, "ip route get", "no default_interface was declared")
_NOT_LISTED = Unreadable(
    Reason.NOT_COLLECTED, "ip route", "not in the transcript: evidence older than the rule"
)
PROBE = Probe("routes", 3, COMMANDS, parse, _declared)

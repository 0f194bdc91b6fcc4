"""Default routes, policy rules, and the kernel's own answer for where packets would go."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from nethygiene.facts.fact import Fact
from nethygiene.facts.route_table import (
    Family,
    PolicyRule,
    RouteLine,
    parse_lines,
    parse_route,
    parse_rule,
)
from nethygiene.inventory.policy import Policy, Route
from nethygiene.outcomes import Reason, Unreadable
from nethygiene.probes.base import Command, Probe, Sections, item_section, refused
from nethygiene.transcript import Section

T = TypeVar("T")

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
EVERYWHERE: Mapping[Family, IPv4Network | IPv6Network] = {
    "ipv4": IPv4Network("0.0.0.0/0"),
    "ipv6": IPv6Network("::/0"),
}
SOMEWHERE: Mapping[Family, tuple[str, ...]] = {
    "ipv4": ("9.9.9.9", "1.1.1.1", "198.51.100.251"),
    "ipv6": ("2620:fe::9", "2606:4700::1111", "2001:db8:ffff:ffff::1"),
}
"""Addresses that hardly any host has a route of its own to; nothing is sent to them."""
_ROUTE_GET = "route_get"
_FAILED = re.compile(r"Command failed \S*:(\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Way:
    """Where the kernel would send a packet of this host's own.

    Attributes:
        address: to this address.
        route: the way it takes, None where the kernel refuses it.
        matched: the route that decides, None where this is not known (iproute2 before 4.13,
            kernels before 4.13).
    """

    address: str
    route: RouteLine | None
    matched: RouteLine | None

    @property
    def prefix_length(self) -> int | None:
        """How specific the deciding route is, in bits."""
        return None if self.matched is None else self.matched.destination.prefixlen


@dataclass(frozen=True)
class Routes(Fact):
    """How a host routes what it sends itself.

    Attributes:
        _defaults: the default routes of all tables, by family.
        _rules: the policy rules, by family.
        _ways: what the kernel answers for addresses far away, by family.
        _declared: what it answers for addresses inside each declared route, by its destination.
    """

    _defaults: Mapping[Family, Sequence[RouteLine] | Unreadable]
    _rules: Mapping[Family, Sequence[PolicyRule] | Unreadable]
    _ways: Mapping[Family, Sequence[Way] | Unreadable]
    _declared: Mapping[str, Sequence[Way] | Unreadable]

    def default_routes(self, family: Family) -> tuple[RouteLine, ...]:
        """The routes to everywhere, of all tables; not those that refuse (blackhole…)."""
        routes = [r for r in self._there(self._defaults[family]) if r.type == "unicast" and r.hops]
        shown = "; ".join(f"{one} metric {one.metric} table {one.table}" for one in routes)
        self.ledger.read(f"{family} default routes", DEFAULTS[family].shell, shown or "none")
        return tuple(routes)

    def policy_rules(self, family: Family) -> tuple[PolicyRule, ...]:
        """The rules that pick a routing table, in the order in which they are asked."""
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

    def _asked(self, ways: Sequence[Way] | Unreadable, source: str) -> tuple[Way, ...]:
        there = self._there(ways)
        for way in there:
            self.ledger.read(f"route to {way.address}", source, way.route or "none")
        return tuple(there)

    def _there(self, part: T | Unreadable) -> T:
        if isinstance(part, Unreadable):
            self.ledger.cannot_read(part)
        return part


def addresses_inside(network: IPv4Network | IPv6Network) -> tuple[str, ...]:
    """Up to four addresses of a network, far from each other: a part of it may go elsewhere."""
    if network.prefixlen == 0:
        return SOMEWHERE["ipv4" if network.version == 4 else "ipv6"]
    size = network.num_addresses
    offsets = [0] if size == 1 else [0, 1] if size == 2 else [1, size // 3, size * 2 // 3, size - 2]
    return tuple(str(network[offset]) for offset in dict.fromkeys(offsets))


def _ask(name: str, network: IPv4Network | IPv6Network) -> Command:
    addresses = " ".join(addresses_inside(network))
    # The plain answers first: older tools give up at the word that asks for the deciding route.
    return Command(
        name,
        f'sh -c \'{{ printf "route get %s\\n" {addresses};'
        f' printf "route get fibmatch %s\\n" {addresses}; }}'
        f" | ip -{network.version} -o -force -batch -'",
        title=f"ip -{network.version} route get, for {network}",
    )


def _declared(policy: Policy) -> tuple[Command, ...]:
    # Named by the destination: kept evidence may be judged by a policy that has moved on.
    ways = WAYS.values() if policy.default_interface is not None else ()
    routes = (_ask(_section_to(one.destination), one.destination) for one in _distinct(policy))
    return (*ways, *routes)


def _distinct(policy: Policy) -> Sequence[Route]:
    return tuple({route.destination: route for route in policy.routes.values()}.values())


def _section_to(network: IPv4Network | IPv6Network) -> str:
    return item_section(_ROUTE_GET, str(network))


def parse(sections: Sections) -> Routes | Unreadable:
    """Parse what ip printed; each listing may be unreadable by itself."""
    asked = {name: name.removeprefix(f"{_ROUTE_GET}:") for name in sections}
    return Routes(
        _defaults={
            one: _listing(sections[DEFAULTS[one].name], DEFAULTS[one], one, parse_route)
            for one in FAMILIES
        },
        _rules={
            one: _listing(sections[RULES[one].name], RULES[one], one, parse_rule)
            for one in FAMILIES
        },
        _ways={
            one: _ways(sections.get(WAYS[one].name, _NOT_ASKED), EVERYWHERE[one])
            for one in FAMILIES
        },
        _declared={
            to: _ways(sections[name], ip_network(to)) for name, to in asked.items() if name != to
        },
    )


def _ways(
    section: Section | Unreadable, network: IPv4Network | IPv6Network
) -> Sequence[Way] | Unreadable:
    if isinstance(section, Unreadable):
        return section
    family: Family = "ipv4" if network.version == 4 else "ipv6"
    command = _ask("", network)
    asked = addresses_inside(network)
    failed = {int(number) for number in _FAILED.findall(section.stderr.decode("utf-8", "replace"))}
    answers = iter(parse_lines(section.stdout.decode("utf-8", "replace")))
    routes: list[RouteLine | None] = []
    for number in range(1, 2 * len(asked) + 1):
        # A refusal (unreachable, prohibit…) is the kernel's answer as well.
        line = None if number in failed else next(answers, "")
        if line == "":
            break
        try:
            routes.append(None if line is None else parse_route(line, family))
        except ValueError as error:
            return Unreadable(Reason.UNPARSABLE, command.shown, f"{error}: {line!r:.120}")
    plain, matched = routes[: len(asked)], routes[len(asked) :]
    if len(plain) < len(asked):
        return refused(command, section)
    if next(answers, None) is not None or len(matched) not in {0, len(asked)}:
        return Unreadable(Reason.UNPARSABLE, command.shown, "not one answer for each question")
    return tuple(
        Way(address, route, match)
        for address, route, match in zip(asked, plain, matched or [None] * len(asked), strict=True)
    )


def _listing(
    section: Section | Unreadable,
    command: Command,
    family: Family,
    read: Callable[[str, Family], T],
) -> Sequence[T] | Unreadable:
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        # A kernel without this family, or without policy rules.
        if b"not supported" in section.stderr and not section.stdout:
            return ()
        return refused(command, section)
    read_lines: list[T] = []
    for line in parse_lines(section.stdout.decode("utf-8", "replace")):
        try:
            read_lines.append(read(line, family))
        except ValueError as error:
            detail = f"{error}: {line[:120]!r}"
            return Unreadable(Reason.UNPARSABLE, command.shell, detail)
    return tuple(read_lines)


def _commands(prefix: str, words: str) -> dict[Family, Command]:
    return {
        "ipv4": Command(f"{prefix}_ipv4", f"ip -4 -o {words}", small=True),
        "ipv6": Command(f"{prefix}_ipv6", f"ip -6 -o {words}", small=True),
    }


DEFAULTS = _commands("default_routes", "route show table all default")
RULES = _commands("routing_rules", "rule")
WAYS: Mapping[Family, Command] = {
    one: _ask(f"ways_out_{one}", network) for one, network in EVERYWHERE.items()
}
COMMANDS = (*DEFAULTS.values(), *RULES.values())
_NOT_ASKED = Unreadable(Reason.NOT_COLLECTED, "ip route get", "no default_interface was declared")
PROBE = Probe("routes", 1, COMMANDS, parse, _declared)

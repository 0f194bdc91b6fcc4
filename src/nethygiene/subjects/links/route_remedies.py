"""Remedies of routes that are not in effect: commands made from the host's own routes and rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nethygiene.engine.remedies import command, paragraphs, word
from nethygiene.inventory.policy import Route
from nethygiene.subjects.links.declared_routes import declared_way
from nethygiene.subjects.links.ip.families import Family, family_of
from nethygiene.subjects.links.ip.routes import NextHop, RouteLine
from nethygiene.subjects.links.ip.rules import PolicyRule
from nethygiene.subjects.links.route_answers import Way
from nethygiene.subjects.links.routes import Routes
from nethygiene.subjects.links.routing import ALMOST_ALL, refused_parts

_PERSIST = (
    "Put it into the network configuration as well, so that it is so after the next boot"
    " (`up` lines of ifupdown, `[Route]` and `[RoutingPolicyRule]` of networkd, `ipv4.routes` and"
    " `ipv4.routing-rules` of NetworkManager)."
)
_DEMOTED = 1000  # a metric that no tool gives by itself to a route that it prefers


def route_remedy(routes: Routes, route: Route, way: Way) -> str:
    """Make packets to the destination take the declared way.

    That takes the route, and a rule if the kernel asks another table first.
    """
    tool = _ip(family_of(route.destination))
    if way.matched is not None and way.matched.linkdown and way.route is not None:
        names = " and ".join(sorted(way.matched.interfaces))
        return f"The link of {names} has no carrier: look at the cable and at the switch's port."
    commands = [f"{tool} route replace {route.destination} {declared_way(route)}"]
    taken = way.matched or way.route
    if taken is not None and taken.destination.prefixlen > route.destination.prefixlen:
        commands = [*(_deleted(part) for part in _parts(routes, route)), *commands]
    if taken is not None and taken.table != "main":
        commands += _asked_first(routes, route, taken.table)
    return _text("Send the destination by the declared way.", commands)


def part_remedy(part: RouteLine, route: Route) -> str:
    """Take away a route for a part of the destination."""
    return _text(
        f"Take the route to {part.destination} away. If it is meant, declare it under routes "
        f"beside {route.name}.",
        [_deleted(part)],
    )


def tcp_remedy(routes: Routes, route: Route, way: Way) -> str:
    """Make the kernel ask the main table for the destination before rules that ask for a source."""
    table = way.tcp.table if way.tcp is not None else ""
    commands = _asked_first(routes, route, table)
    return _text("Ask the main table first for this destination, whatever the source.", commands)


def default_remedy(routes: Routes, family: Family, interface: str) -> str:
    """Make the default route of the declared interface the preferred one."""
    defaults = [default for default in routes.default_routes(family) if default.table == "main"]
    own = [default for default in defaults if interface in default.interfaces]
    ways = routes.ways_out(family)
    taken = [line for way in ways for line in (way.matched or way.route, way.tcp)]
    elsewhere = [line for line in taken if line is not None and interface not in line.interfaces]
    # A VPN cuts the default route into halves or eighths.
    parts = {line for line in elsewhere if 0 < line.destination.prefixlen <= ALMOST_ALL[family]}
    commands = [_deleted(part) for part in sorted(parts, key=str)]
    tables = {line.table for line in elsewhere} - {"main"}
    refused = any(way.route is not None and way.tcp is None for way in ways)
    asking = [
        rule
        for rule in routes.policy_rules(family)
        if rule.table in tables or (refused and not rule.table and rule.source is not None)
    ]
    commands += [f"{_ip(family)} rule del priority {rule.priority}" for rule in asking]
    if not own:
        return _text(
            f"No default route of table main uses {interface}: add it, by the gateway there.",
            commands,
        )
    best = min(default.metric for default in own)
    rivals = [default for default in defaults if default not in own and default.metric <= best]
    commands += [line for rival in rivals for line in _demoted(rival, best)]
    return _text(f"Let the default route of {interface} be the preferred one.", commands)


def way_back_remedy(networks: str) -> str:
    """Let answers to some networks leave the host."""
    return _text(
        f"No answer to {networks} leaves this host, whatever its filter does. A routing rule or a "
        "route refuses it (blackhole, unreachable, prohibit), or there is none: take that away, or "
        "add a route to there. They are listed by:",
        ["ip rule", "ip route show table all", "ip -6 rule", "ip -6 route show table all"],
    )


def equal_defaults_remedy(routes: Routes, family: Family, interface: str | None) -> str:
    """Give all but one of the default routes of a table and metric a larger metric."""
    groups: dict[tuple[str, int], list[RouteLine]] = {}
    for default in routes.default_routes(family):
        groups.setdefault((default.table, default.metric), []).append(default)
    commands: list[str] = []
    for group in groups.values():
        kept = next((default for default in group if interface in default.interfaces), group[0])
        rivals = [default for default in group if default.interfaces != kept.interfaces]
        for number, rival in enumerate(rivals):
            commands += _demoted(rival, rival.metric + number)
    return _text("Let one default route be preferred: give the others a larger metric.", commands)


def refusing_default_remedy(routes: Routes, family: Family) -> str:
    """Delete the routes that refuse and are preferred to the default route."""
    refused = routes.refused_defaults(family)
    led = {default.table for default in routes.default_routes(family)}
    refusing = [line for line in refused if line.table in led]
    if refused_parts(routes, family) != "none":
        refusing += [line for line in routes.large_routes(family) if line.refuses]
    commands = [_deleted(line) for line in refusing]
    return _text("Take away what refuses, unless it is meant.", commands)


def _asked_first(routes: Routes, route: Route, table: str) -> list[str]:
    rules = routes.policy_rules(family_of(route.destination))
    before = _first_of(rules, table)
    if before is None or before.priority == 0:
        return []
    tool = _ip(family_of(route.destination))
    return [f"{tool} rule add to {route.destination} lookup main priority {before.priority - 1}"]


def _first_of(rules: Sequence[PolicyRule], table: str) -> PolicyRule | None:
    asking = [rule for rule in rules if rule.table == table and table != "main"]
    narrow = [rule for rule in rules if rule.source is not None or "ipproto" in rule.text.split()]
    return min(asking or narrow, key=lambda rule: rule.priority, default=None)


def _parts(routes: Routes, route: Route) -> list[RouteLine]:
    return [
        line
        for line in routes.beside(route)
        if line.destination.prefixlen > route.destination.prefixlen and line.protocol != "kernel"
    ]


def _demoted(line: RouteLine, above: int) -> list[str]:
    """Commands that keep a route under a larger metric."""
    tool, way = _ip(family_of(line.destination)), _way(line)
    table = "" if line.table == "main" else f" table {word(line.table)}"
    metric = max(_DEMOTED, above + 1)
    return [f"{tool} route add default {way}{table} metric {metric}", _deleted(line)]


def _deleted(line: RouteLine) -> str:
    words = [_ip(family_of(line.destination)), "route del"]
    words += [line.type] if line.refuses else []
    words.append("default" if line.destination.prefixlen == 0 else str(line.destination))
    words += [_way(line)] if line.hops and not line.refuses else []
    words += [] if line.table == "main" else [f"table {word(line.table)}"]
    words += [f"metric {line.metric}"] if line.metric else []
    return " ".join(words)


def _way(line: RouteLine) -> str:
    hops = [_hop(hop) for hop in line.hops]
    return hops[0] if len(hops) == 1 else " ".join(f"nexthop {hop}" for hop in hops)


def _hop(hop: NextHop) -> str:
    via = f"via {hop.gateway} " if hop.gateway is not None else ""
    return f"{via}dev {word(hop.interface)}"


def _ip(family: Family) -> str:
    return "ip" if family == "ipv4" else "ip -6"


def _text(sentence: str, commands: Iterable[str]) -> str:
    block = "\n".join(filter(None, (command(line) for line in dict.fromkeys(commands))))
    return paragraphs(sentence, block, _PERSIST)

"""Default routes: which compete, which refuse, and which interface they use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import ip_interface

from nethygiene.engine.expect import unknown
from nethygiene.subjects.filter.model.addresses import Intervals, common, merged
from nethygiene.subjects.filter.model.own import ROUTED
from nethygiene.subjects.filter.model.route import routes_of
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.filter.model.routing_rules import RoutingRule, rules_of
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.links.ip.families import FAMILIES, Family
from nethygiene.subjects.links.ip.routes import RouteLine
from nethygiene.subjects.links.ip.rules import PolicyRule
from nethygiene.subjects.links.route_answers import Way
from nethygiene.subjects.links.routes import Routes

ALMOST_ALL = {"ipv4": 7, "ipv6": 15}
"""The prefix length, by family, up to which a route counts as a default route.

VPNs cut the default route into halves or eighths.
"""
_MUCH = 1 / 4
# The kernel merges equal IPv6 routes into one multipath route. If a routing daemon added it, that
# is intended.
_BY_ACCIDENT = frozenset({"boot", "static", "ra", "kernel", "dhcp"})


def families_with_default(routes: Routes) -> tuple[Family, ...]:
    """The families in which the host has a default route."""
    return tuple(family for family in FAMILIES if routes.default_routes(family))


def equal_defaults(routes: Routes, interfaces: Interfaces, family: Family) -> str:
    """Default routes of one table and metric through different interfaces; ``none`` if none.

    Policy rules may tell such routes apart. Then each interface has a rule, for one of its
    addresses or for sockets bound to it, that looks up a table whose default route uses this
    interface alone.

    The rule ends as unknown if a policy rule looks at something that routes do not show (a mark, a
    user, an incoming interface), or if an IPv6 route that shares the load may be two routes.
    """
    conflicts: list[str] = []
    defaults = routes.default_routes(family)
    for rivals in _rivals(defaults, family):
        rules = routes.policy_rules(family)
        if not _is_looked_up(rivals[0].table, rules):
            continue
        used = sorted({name for route in rivals for name in route.interfaces})
        told_apart = [_is_told_apart(name, defaults, rules, interfaces) for name in used]
        if all(answer is True for answer in told_apart):
            continue
        rank = f"table {rivals[0].table}, metric {rivals[0].metric}"
        what = " and ".join(str(route) for route in rivals) + f" ({rank})"
        if all(answer is not False for answer in told_apart):
            unknown(
                f"{what}: rules with marks, users or the like may tell them apart: {_texts(rules)}"
            )
        if len(rivals) == 1:
            unknown(
                f"{what}: IPv6 makes one route of two equal ones: meant as load sharing, or added "
                "twice? Give them different metrics, or declare default_interface"
            )
        conflicts.append(what)
    return "; ".join(conflicts) or "none"


def refusing_defaults(routes: Routes, family: Family) -> str:
    """Routes that refuse what the default route leads to, and are preferred to it; or ``none``.

    Only the tables that a rule asks for all packets matter for refusing default routes. Once a
    table leads out, the later tables do not matter. A route to a part, such as a half, is preferred
    whatever its metric.
    """
    defaults = routes.default_routes(family)
    refused = routes.refused_defaults(family)
    for table in _tables_for_all(routes.policy_rules(family)) if refused else ():
        leading = [route.metric for route in defaults if route.table == table]
        preferred = [r for r in refused if r.table == table and r.metric < min(leading, default=0)]
        if preferred:
            return "; ".join(
                f"{route} (table {table}, metric {route.metric})" for route in preferred
            )
        if leading:
            break
    return refused_parts(routes, family)


def refused_parts(routes: Routes, family: Family) -> str:
    """Routes that refuse a quarter or more of what the default route leads to; or ``none``.

    Two halves of all addresses are preferred to the default route, whatever its metric.
    """
    large = routes.large_routes(family)
    refusing = [route for route in large if route.refuses]
    if not refusing:
        return "none"
    rules = rules_of(routes.policy_rules(family)) or (RoutingRule("main"),)
    leading = routes_of([*routes.default_routes(family), *large])
    ways = RoutingTables({family: leading}, {family: rules}).ways(family, None)
    nowhere = merged(
        span for spans, way in ways if way.certain and not way.devices for span in spans
    )
    routed = ROUTED[family]
    lost = _size(common(nowhere, routed)) / _size(routed)
    if lost < _MUCH:
        return "none"
    listed = "; ".join(f"{route} (table {route.table})" for route in refusing)
    return f"{listed}: {lost:.0%} of all addresses"


def _size(spans: Intervals) -> int:
    return sum(high - low + 1 for low, high in spans)


def _tables_for_all(rules: Sequence[PolicyRule]) -> Iterator[str]:
    if not rules:
        yield "main"
    for rule in rules:
        if rule.is_for_all and rule.table not in {"", "local"}:
            yield rule.table


def _rivals(defaults: Sequence[RouteLine], family: Family) -> list[list[RouteLine]]:
    """Groups of equal routes that use several interfaces."""
    groups: dict[tuple[str, int, str, str], list[RouteLine]] = defaultdict(list)
    for route in defaults:
        groups[route.table, route.metric, route.preference, route.selector].append(route)
    rivals = [group for group in groups.values() if _disagree(group)]
    if family == "ipv6":
        rivals += [
            [route]
            for route in defaults
            if len(route.interfaces) > 1 and route.protocol in _BY_ACCIDENT
        ]
    return rivals


def _disagree(group: Sequence[RouteLine]) -> bool:
    # One route through several interfaces shares the load on purpose.
    return len({route.interfaces for route in group}) > 1


def _is_looked_up(table: str, rules: Sequence[PolicyRule]) -> bool:
    # A kernel without policy rules has only the main table.
    tables = {rule.table for rule in rules} or {"main"}
    return table in tables or "[l3mdev-table]" in tables


def _is_told_apart(
    name: str,
    defaults: Sequence[RouteLine],
    rules: Sequence[PolicyRule],
    interfaces: Interfaces,
) -> bool | None:
    """Whether a rule leads an interface's own packets out by it; None if it may."""
    own = {table for table, by in _interfaces_by_table(defaults).items() if by == {name}}
    leading = [rule for rule in rules if rule.table in own and not rule.is_for_all]
    addresses = [
        ip for interface in interfaces if interface.name == name for ip in interface.addresses
    ]
    for rule in leading:
        covers = rule.source is not None and any(_covers(rule, str(ip.ip)) for ip in addresses)
        if not rule.selects_otherwise and (covers or rule.outgoing == name):
            return True
    return None if any(rule.selects_otherwise for rule in leading) else False


def _covers(rule: PolicyRule, address: str) -> bool:
    ip = ip_interface(address).ip
    return rule.source is not None and ip.version == rule.source.version and ip in rule.source


def _interfaces_by_table(defaults: Sequence[RouteLine]) -> dict[str, set[str]]:
    by_table: dict[str, set[str]] = defaultdict(set)
    for route in defaults:
        by_table[route.table] |= route.interfaces
    return by_table


def _texts(rules: Sequence[PolicyRule]) -> str:
    return "; ".join(rule.text for rule in rules if rule.selects_otherwise)


def interface_of_default(routes: Routes, family: Family) -> str:
    """The interface by which packets to far away leave: ``eth0``; ``none`` if they do not.

    The answer is ``eth0 or eth1`` if equal default routes take turns.
    """
    ways = [
        way
        for way in routes.ways_out(family)
        if way.prefix_length is None or way.prefix_length <= ALMOST_ALL[family]
    ]
    answers = {_interfaces_of(way) for way in ways}
    if len(answers) > 1:
        answers -= {"none"}
    if len(answers) > 1 and all(way.prefix_length == 0 for way in ways):
        return " or ".join(sorted(answers))  # there are several default routes
    if len(answers) != 1:
        unknown(
            f"the addresses far away that were tried leave by {', '.join(sorted(answers))}: they "
            "have routes of their own"
            if answers
            else "all addresses far away that were tried have routes of their own"
        )
    interface = answers.pop()
    # A policy rule may ask for the source address that connect() has chosen by then.
    led = [way for way in ways if way.route is not None]
    if led and all(way.tcp is None for way in led):
        return f"{interface}, but none for TCP, which the kernel refuses for its source address"
    of_tcp = {_interfaces_of_tcp(way) for way in ways} - {"none", interface}
    shared = interface.split(" and ")
    rerouted = sorted(name for name in of_tcp if name not in shared)
    return f"{interface}, but {' and '.join(rerouted)} for TCP" if rerouted else interface


def _interfaces_of(way: Way) -> str:
    route = way.route if way.matched is None or way.route is None else way.matched
    return " and ".join(sorted(route.interfaces)) if route is not None else "none"


def _interfaces_of_tcp(way: Way) -> str:
    return " and ".join(sorted(way.tcp.interfaces)) if way.tcp is not None else "none"

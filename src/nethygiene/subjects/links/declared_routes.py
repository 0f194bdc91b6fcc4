"""Whether packets to a declared destination go by the declared gateway or interface."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from nethygiene.engine.expect import unknown
from nethygiene.inventory.policy import Policy, Route
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.links.ip.families import family_of
from nethygiene.subjects.links.ip.routes import RouteLine
from nethygiene.subjects.links.ip.rules import PolicyRule
from nethygiene.subjects.links.route_answers import Way
from nethygiene.subjects.links.routes import Routes

# These routes are typed in or come from a file. A routing daemon's routes are intended.
_BY_HAND = frozenset({"boot", "static"})
_LARGE_PART = 2  # bits: a quarter of the destination


def ways_to_judge(routes: Routes, route: Route) -> tuple[Way, ...]:
    """Where packets into a declared route's destination go, apart from parts with their own route.

    A part of the destination, such as the host's own subnet, may well go another way;
    :func:`parts_elsewhere` looks at large parts. If all addresses that were tried have routes of
    their own, these count.
    """
    ways = routes.ways_to(route)
    # If others are answered, a refusal belongs to a part (a blackhole inside the destination).
    answered = [way for way in ways if way.route is not None] or list(ways)
    if any(way.matched is None for way in answered):
        if len({takes(way, route) for way in answered}) > 1:
            unknown(
                f"parts of {route.destination} go different ways, and this host's ip does not tell "
                "by which route (fibmatch, iproute2 4.13)"
            )
        return _distinct(answered)
    length = route.destination.prefixlen
    whole = [way for way in answered if (way.prefix_length or 0) <= length]
    return _distinct(whole or answered)


def _distinct(ways: Sequence[Way]) -> tuple[Way, ...]:
    """The first of each set of ways that differ by their address alone."""
    distinct: dict[object, Way] = {}
    for way in ways:
        key = [
            None if line is None else (line.type, line.table, line.hops)
            for line in (way.route, way.matched, way.tcp)
        ]
        distinct.setdefault(tuple(key), way)
    return tuple(distinct.values())


def parts_elsewhere(routes: Routes, route: Route, policy: Policy) -> Iterator[RouteLine]:
    """Routes typed in for a quarter of the destination or more that go another way.

    Routes of the host's own networks and of routing daemons, and routes that are declared too, do
    not count.
    """
    if route.destination.prefixlen == 0:
        return
    declared = {other.destination for other in policy.routes.values()}
    tables = {way.matched.table for way in routes.ways_to(route) if way.matched is not None}
    for line in routes.beside(route):
        longer = line.destination.prefixlen - route.destination.prefixlen
        if (
            0 < longer <= _LARGE_PART
            and line.table in (tables or {"main"})
            and line.protocol in _BY_HAND
            and line.destination not in declared
            and not _leads(line, route)
            and (line.refuses or any(hop.gateway is not None for hop in line.hops))
        ):
            yield line


def takes(way: Way, route: Route) -> bool:
    """Whether packets go by the declared gateway and interface."""
    return _deciding(way) is not None and _leads(_deciding(way), route)


def tcp_takes(way: Way, route: Route) -> bool:
    """Whether TCP connections do; a policy rule may ask for their source address."""
    if _leads(way.tcp, route):
        return True
    # The kernel picks one of several hops for each connection.
    several = way.matched is not None and len(way.matched.hops) > 1
    shared = several and way.tcp is not None and set(way.tcp.hops) <= set(way.matched.hops)  # type: ignore[union-attr]
    return bool(shared) and takes(way, route)


def _deciding(way: Way) -> RouteLine | None:
    """The route that holds all hops if the load is shared; an answer shows only one hop."""
    if way.route is not None and way.matched is not None and len(way.matched.hops) > 1:
        return way.matched
    return way.route


def _leads(line: RouteLine | None, route: Route) -> bool:
    if line is None or line.type != "unicast" or not line.hops:
        return False
    hops: Collection[object] = [hop for hop in line.hops if route.via in {None, hop.gateway}]
    by_interface = route.interface is None or route.interface in line.interfaces
    return bool(hops) and by_interface


def unasked_rules(routes: Routes, route: Route) -> tuple[PolicyRule, ...]:
    """Policy rules that may send some packets to the destination another way.

    They look at something that the question to the kernel did not name (a mark, a port, a user),
    and their table has a route to the destination that is not the declared one.
    """
    rules = [rule for rule in routes.policy_rules(family_of(route.destination)) if rule.unasked]
    if not rules:
        return ()
    elsewhere = {line.table for line in routes.beside(route) if not _leads(line, route)}
    return tuple(rule for rule in rules if rule.table in elsewhere or not rule.table)


def declared_way(route: Route) -> str:
    """A declared route's way, as ip(8) writes it."""
    via = [] if route.via is None else [f"via {route.via}"]
    dev = [] if route.interface is None else [f"dev {route.interface}"]
    return " ".join(via + dev)


def actual_way(way: Way, route: Route) -> str:
    """The declared way's words if the way agrees with it, else the way in full."""
    if not takes(way, route):
        return "none: the kernel refuses it" if way.route is None else str(_deciding(way))
    if way.matched is not None and way.matched.linkdown and len(way.matched.hops) == 1:
        return f"{declared_way(route)}, whose link is down"
    return declared_way(route)


def tcp_way(way: Way, route: Route) -> str:
    """The declared way's words if a TCP connection takes it, else its way in full."""
    if tcp_takes(way, route):
        return declared_way(route)
    if way.tcp is None:
        return "none: the kernel refuses it for the source address that it chose"
    return f"{', '.join(map(str, way.tcp.hops))} by table {way.tcp.table}"


def why_tcp_differs(routes: Routes, route: Route) -> str:
    """The policy rules that ask for something that only a connection's second look-up has."""
    rules = routes.policy_rules(family_of(route.destination))
    asking = [
        rule.text for rule in rules if rule.source is not None or "ipproto" in rule.text.split()
    ]
    return f"by the rules that ask for its source address or protocol: {'; '.join(asking)}"


def other_ways(routes: Routes, route: Route, packet_filter: PacketFilter) -> str:
    """Why some packets may take another way than the kernel's answer; empty if none do.

    A rule that asks for a mark matters only if the packet filter marks this host's own packets,
    because an ordinary socket's packets have no mark.
    """
    rules = unasked_rules(routes, route)
    if rules and all(rule.unasked == {"fwmark"} for rule in rules):
        marking = packet_filter.marks_own_packets(family_of(route.destination))
        if marking is None:
            return ""
        texts = "; ".join(rule.text for rule in rules)
        return (
            f"{marking} marks packets of this host, and rules send marked ones elsewhere: {texts}"
        )
    if not rules:
        return ""
    asked = sorted({word for rule in rules for word in rule.unasked})
    texts = "; ".join(rule.text for rule in rules)
    return f"rules that ask for {' and '.join(asked)} send some packets another way: {texts}"

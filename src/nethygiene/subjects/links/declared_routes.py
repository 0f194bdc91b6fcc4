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

# A routing daemon means the routes that it makes; these are typed in, or come from a file.
_BY_HAND = frozenset({"boot", "static"})
_LARGE_PART = 2  # bits: a quarter of the destination


def ways_to_judge(routes: Routes, route: Route) -> tuple[Way, ...]:
    """Where packets into a declared route's destination go; not parts that have their own route.

    A part of the destination, as the host's own subnet, may well go another way: what large parts
    do is asked of :func:`parts_elsewhere`. Only where all addresses that were tried have routes
    of their own, these are what the destination comes to.
    """
    ways = routes.ways_to(route)
    # One refusal among answers is that of a part (a blackhole inside it).
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
    """Of ways that differ by their address alone, the first."""
    found: dict[object, Way] = {}
    for way in ways:
        key = [
            None if line is None else (line.type, line.table, line.hops)
            for line in (way.route, way.matched, way.tcp)
        ]
        found.setdefault(tuple(key), way)
    return tuple(found.values())


def parts_elsewhere(routes: Routes, route: Route, policy: Policy) -> Iterator[RouteLine]:
    """Routes typed in for a quarter of the destination or more, other than the declared one.

    Not those of the host's own networks, of routing daemons, and those that are declared too.
    """
    if route.destination.prefixlen == 0:
        return
    declared = {one.destination for one in policy.routes.values()}
    tables = {way.matched.table for way in routes.ways_to(route) if way.matched is not None}
    for one in routes.beside(route):
        longer = one.destination.prefixlen - route.destination.prefixlen
        if (
            0 < longer <= _LARGE_PART
            and one.table in (tables or {"main"})
            and one.protocol in _BY_HAND
            and one.destination not in declared
            and not _leads(one, route)
            and (one.refuses or any(hop.gateway is not None for hop in one.hops))
        ):
            yield one


def takes(way: Way, route: Route) -> bool:
    """Whether packets go by the declared gateway and interface."""
    return _deciding(way) is not None and _leads(_deciding(way), route)


def tcp_takes(way: Way, route: Route) -> bool:
    """Whether TCP connections do, whose source address a policy rule may ask for."""
    if _leads(way.tcp, route):
        return True
    # Of several hops the kernel picks one for each connection.
    several = way.matched is not None and len(way.matched.hops) > 1
    shared = several and way.tcp is not None and set(way.tcp.hops) <= set(way.matched.hops)  # type: ignore[union-attr]
    return bool(shared) and takes(way, route)


def _deciding(way: Way) -> RouteLine | None:
    """The route that holds all hops where the load is shared: an answer shows the hop of one."""
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

    They look at what the question to the kernel did not hold (a mark, a port, a user), and their
    table has a route to the destination that is not the declared one.
    """
    rules = [one for one in routes.policy_rules(family_of(route.destination)) if one.unasked]
    if not rules:
        return ()
    elsewhere = {one.table for one in routes.beside(route) if not _leads(one, route)}
    return tuple(one for one in rules if one.table in elsewhere or not one.table)


def declared_way(route: Route) -> str:
    """A declared route's way, as ip(8) writes it."""
    via = [] if route.via is None else [f"via {route.via}"]
    dev = [] if route.interface is None else [f"dev {route.interface}"]
    return " ".join(via + dev)


def actual_way(way: Way, route: Route) -> str:
    """A way in the words of the declared one where they agree, else in full."""
    if not takes(way, route):
        return "none: the kernel refuses it" if way.route is None else str(_deciding(way))
    if way.matched is not None and way.matched.linkdown and len(way.matched.hops) == 1:
        return f"{declared_way(route)}, whose link is down"
    return declared_way(route)


def tcp_way(way: Way, route: Route) -> str:
    """A TCP connection's way in the words of the declared one where they agree, else in full."""
    if tcp_takes(way, route):
        return declared_way(route)
    if way.tcp is None:
        return "none: the kernel refuses it for the source address that it chose"
    return f"{', '.join(map(str, way.tcp.hops))} by table {way.tcp.table}"


def why_tcp_differs(routes: Routes, route: Route) -> str:
    """Which policy rules ask for what a connection has and a first look-up has not."""
    rules = routes.policy_rules(family_of(route.destination))
    asking = [one.text for one in rules if one.source is not None or "ipproto" in one.text.split()]
    return f"by the rules that ask for its source address or protocol: {'; '.join(asking)}"


def other_ways(routes: Routes, route: Route, packet_filter: PacketFilter) -> str:
    """Why some packets may take another way than the kernel's answer; empty if none do.

    A rule that asks for a mark matters only where the packet filter gives this host's own packets
    one: an ordinary socket's have none.
    """
    rules = unasked_rules(routes, route)
    if rules and all(one.unasked == {"fwmark"} for one in rules):
        marking = packet_filter.marks_own_packets(family_of(route.destination))
        if marking is None:
            return ""
        told = "; ".join(one.text for one in rules)
        return f"{marking} marks packets of this host, and rules send marked ones elsewhere: {told}"
    if not rules:
        return ""
    asked = sorted({word for one in rules for word in one.unasked})
    told = "; ".join(one.text for one in rules)
    return f"rules that ask for {' and '.join(asked)} send some packets another way: {told}"

"""Routes: which way packets leave, and which ones are let in."""

from functools import partial

from nethygiene.engine.remedies import paragraphs
from nethygiene.rules import Expect, Policy, Route, equal_to, not_applicable, one_of, rule, unknown
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.kernel.counters import Counters
from nethygiene.subjects.kernel.rises import not_rising
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.declared_routes import (
    actual_way,
    declared_way,
    other_ways,
    parts_elsewhere,
    takes,
    tcp_way,
    ways_to_judge,
    why_tcp_differs,
)
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.links.multihomed_interface import MultihomedInterface
from nethygiene.subjects.links.reverse_path import filter_as, reverse_path_filter
from nethygiene.subjects.links.route_remedies import (
    default_remedy,
    equal_defaults_remedy,
    part_remedy,
    refusing_default_remedy,
    route_remedy,
    tcp_remedy,
)
from nethygiene.subjects.links.routes import Routes
from nethygiene.subjects.links.routing import (
    equal_defaults,
    families_with_default,
    interface_of_default,
    refusing_defaults,
)


@rule(severity="high", kind="setting", incidents=["S1.5"], version=3)
def test_default_route_unambiguous(
    routes: Routes, interfaces: Interfaces, policy: Policy, expect: Expect
) -> None:
    """One default route is preferred, and it uses the declared interface.

    Several default routes pass if metrics, tables or policy rules tell them apart. One that shares
    the load passes too. The rule fails on two routes of one table and metric through different
    interfaces, on a route that refuses (unreachable, blackhole, prohibit) before the one that leads
    out, and on routes that refuse a quarter or more of all addresses, as two halves do. For a
    declared interface the kernel is asked twice, as connect() asks: policy rules may ask for the
    source address or for TCP.

    Why: A machine with two network cards got a default gateway on each, and answers went out of the
        wrong one (incident S1.5). It should have had one, and explicit routes to inner networks.
    Remedy: Leave the default route to one interface, in the network configuration (`gateway` of
        ifupdown, `UseRoutes=` of networkd, `ipv4.never-default` of NetworkManager), or give the
        others a larger metric. Until the next boot:
        `ip route del default dev IFACE`
        If traffic must leave by the interface that it came in by, give each a table:
        `ip route add default via GATEWAY dev IFACE table 100`
        `ip rule add from ADDRESS lookup 100`
    Kernels: IPv6 merges two equal routes, even if they were added one by one. They look like load
        sharing then, so the result is unknown.

    References:
        - ip-route(8), ip-rule(8)
        - fib_select_default: https://github.com/torvalds/linux/blob/v6.18/net/ipv4/fib_semantics.c
    """
    families = families_with_default(routes)
    if not families:
        not_applicable("the host has no default route")
    for family in families:
        declared = policy.default_interface
        mending = partial(equal_defaults_remedy, routes, family, declared)
        if declared is not None and not (
            expect(
                f"interface of the {family} default route",
                interface_of_default(routes, family),
                equal_to(declared),
                remedy=partial(default_remedy, routes, family, declared),
            )
        ):
            mending = partial(default_remedy, routes, family, declared)
        expect(
            f"set of equal {family} default routes",
            equal_defaults(routes, interfaces, family),
            equal_to("none"),
            remedy=mending,
        )
        expect(
            f"set of {family} routes that refuse before the default route is asked",
            refusing_defaults(routes, family),
            equal_to("none"),
            remedy=partial(refusing_default_remedy, routes, family),
        )


@rule(severity="high", kind="setting", incidents=["S1.5"], version=2)
def test_route_in_effect(
    routes: Routes,
    packet_filter: PacketFilter,
    route: Route,
    policy: Policy,
    expect: Expect,
) -> None:
    """The kernel sends to the declared destination by the declared gateway or interface.

    The rule asks the kernel itself, for up to four addresses inside, so that tables, policy rules,
    metrics and redirects count. It asks again as connect() does, with the source address that the
    kernel chose, because a policy rule may ask for that. If the load is shared, the declared way
    has to be one of the ways.

    A part of the destination that has a route of its own is left out if it is less than a quarter,
    unless such parts are all of it. A larger part fails, unless a routing daemon added the route,
    the host's own network is there, or the part is declared as a route too.

    Why: A machine with two network cards has one default gateway. Networks behind the other card
        need explicit routes. Routes that were typed in are gone after a reboot (incident S1.5).
    Remedy: Add the route, and put it into the network configuration so that the next boot sets it
        too (`up ip route add` of ifupdown, `[Route]` of networkd, `ipv4.routes` of NetworkManager).
        `ip route replace DESTINATION via GATEWAY dev IFACE`
    References:
        - ip-route(8): ip route get asks the kernel, and sends nothing
        - ip_route_connect: https://github.com/torvalds/linux/blob/v6.18/include/net/route.h
    """
    declared = equal_to(declared_way(route))
    ways = ways_to_judge(routes, route)
    for way in ways:
        what = f"{way.address} in {route.destination}"
        expect(
            f"way to {what}",
            actual_way(way, route),
            declared,
            remedy=partial(route_remedy, routes, route, way),
        )
        if takes(way, route):
            expect(
                f"way of TCP connections to {what}",
                tcp_way(way, route),
                declared,
                partial(why_tcp_differs, routes, route),
                remedy=partial(tcp_remedy, routes, route, way),
            )
    # If nothing of it takes the declared way, the expectations above say so already.
    whole = any(takes(way, route) for way in ways)
    for part in parts_elsewhere(routes, route, policy) if whole else ():
        what = f"way to {part.destination} in {route.destination}"
        expect(what, str(part), declared, remedy=partial(part_remedy, part, route))
    if reason := other_ways(routes, route, packet_filter):
        unknown(reason)


@rule(severity="medium", kind="rate", incidents=["S1.5"])
def test_reverse_path_filter_fits(
    multihomed_interface: MultihomedInterface,
    sysctl: Sysctls,
    counters: Counters,
    policy: Policy,
    expect: Expect,
) -> None:
    """Reverse path filtering is as the policy says, and drops nothing where it is strict.

    The larger of `conf.all.rp_filter` and the interface's own value counts. The counter of drops is
    the host's. If several interfaces filter strictly, it does not say which of them dropped.

    Why: With two network cards, requests may come in by one and answers go out by the other. A
        strict filter drops the requests without a word (incident S1.5).
    Remedy: Give the host a route back by the interface that the packets come in by. If the paths
        are meant to differ, filter loosely there.
        `sysctl -w net.ipv4.conf.IFACE.rp_filter=2`
        `echo 'net.ipv4.conf.IFACE.rp_filter=2' > /etc/sysctl.d/99-zz-rp_filter.conf`
    References:
        - ip-sysctl, rp_filter: https://docs.kernel.org/networking/ip-sysctl.html
        - RFC 3704, section 2
        - https://docs.kernel.org/networking/snmp_counter.html
    """
    name = multihomed_interface.name
    mode = reverse_path_filter(sysctl, multihomed_interface)
    modes = ("disabled", "strict", "loose") if policy.rp_filter == "any" else (policy.rp_filter,)
    expect(
        f"effective rp_filter of {name}",
        mode,
        one_of(modes),
        remedy=lambda: paragraphs(
            "Set what the policy says, or change `rp_filter` in the inventory.",
            filter_as("loose" if "loose" in modes else modes[0], sysctl, multihomed_interface),
        ),
    )
    if mode == "strict":
        rise = counters.change("TcpExtIPReversePathFilter")
        expect(
            "TcpExtIPReversePathFilter",
            rise,
            not_rising(),
            f"{name} filters strictly",
            lambda: paragraphs(
                "Give the host a route back by the interface that the packets come in by. Where "
                "the ways are meant to differ, filter loosely there:",
                filter_as("loose", sysctl, multihomed_interface),
            ),
        )

"""Firewall: who gets through the host's whole packet filter."""

from functools import partial

from nethygiene.rules import BlockedPort, Expect, Service, equal_to, rule
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.firewall import (
    NOT_SEEN,
    denied_passages,
    service_passages,
    unreached,
    what_passes,
    who_gets_in,
)
from nethygiene.subjects.filter.firewall_closing import close_to_denied, close_to_others
from nethygiene.subjects.filter.firewall_opening import open_to_clients
from nethygiene.subjects.filter.intrusions import intrusions
from nethygiene.subjects.links.route_remedies import way_back_remedy
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners

NOT_SERVED = "not served to other hosts"


@rule(severity="high", kind="setting", incidents=["S1.1", "S4"], version=4)
def test_firewall_allows_service(
    packet_filter: PacketFilter, listeners: Listeners, service: Service, expect: Expect
) -> None:
    """A new connection from every declared source passes the host's packet filter; no other does.

    The rule judges nftables, iptables (both kinds) and ipset together, as the kernel does: an
    accept ends only its own chain, a drop is final. It follows the whole connection until its
    client gets the service's first data: neighbour discovery or ARP, the SYN, the answer, and what
    comes after. If NAT takes the port to another one or to a container, it follows the connection
    there.

    The sources are those of `allow_from`. Without it they are `any`: every address that a client
    can have on that interface, except those of `deny_from`. A source of `deny_from` that gets in
    fails the rule too. Names of hosts and groups stand for the addresses that these hosts turned
    out to have; with one that was not read, nothing passes. The rule mentions what a ban of
    fail2ban or the like drops, and does not fail.

    A limit that all clients share loses some of them if it allows less than one new connection a
    second. From one to ten a second, the result is unknown. A limit of each client matters only if
    it allows less than three connections. Clients connect from ports 32768 to 65535, and a filter
    that drops some of these loses clients. The rule sees this host's own filter, not a cloud's
    security groups, and looks at TCP alone.

    Why: Clients' SYNs stayed unanswered while ping worked and the port was listening. The host's
        own firewall let in the program on one profile of the network only (incidents S1.1, S4).
    Remedy: The message names the rule that drops. Open the port with the tool that made that rule
        (firewalld, ufw, nft, iptables), before that rule, and where it stays open after a boot. If
        a source is kept out on purpose, declare it in the service's `deny_from`.

    References:
        - nft(8)
        - xtables-nft(8)
        - firewalld.zones(5)
        - ufw(8)
    """
    hint = "open it, or declare who is kept out on purpose in deny_from"
    for passage in service_passages(packet_filter, listeners, service):
        what = f"a connection {passage.label}"
        remedy = partial(open_to_clients, packet_filter, passage, service)
        expect(what, what_passes(packet_filter, passage), equal_to("accepted"), hint, remedy)
    for networks in unreached(packet_filter, listeners, service):
        answer = "declare the networks that there is a route to, or add one"
        mending = partial(way_back_remedy, networks)
        expect(f"the way back to {networks}", "missing", equal_to("there"), answer, mending)
    for passage in denied_passages(packet_filter, listeners, service):
        what = f"declared as kept out, and gets in {passage.label},"
        keep_out = "drop it, or take it out of deny_from"
        remedy = partial(close_to_denied, packet_filter, passage, service)
        expect(what, who_gets_in(packet_filter, passage), equal_to("nobody"), keep_out, remedy)


@rule(severity="high", kind="setting", incidents=["S4"], version=3)
def test_firewall_blocks_port(
    packet_filter: PacketFilter,
    listeners: Listeners,
    listener_owners: ListenerOwners,
    blocked_port: BlockedPort,
    expect: Expect,
) -> None:
    """Nobody but the declared exceptions reaches a blocked port.

    The rule judges every address at which the host answers, through every interface: link-local
    ones, those on lo, and those of another interface, which neighbours may ask for. It passes if
    nothing listens there and no NAT or IPVS takes the port, or if the filter keeps out every other
    source, from every source port.

    A port that a container runtime publishes by DNAT is judged where it is forwarded, and at the
    container's own address. Rules of the input chain, such as ufw's, do not decide about it. A
    connection whose answers the filter drops reaches nobody. Somebody who wants in tries again, so
    a drop up to a limit or by chance lets them in, and so does an accept of those who knocked at
    another port. The rule looks at TCP alone.

    Why: Databases were meant for a few hosts. A rule that is too wide, or a container runtime that
        goes past the firewall, publishes them to all (incident S4).
    Remedy: Let the service listen where only its users are. Or drop the others with the tool that
        made the rule that lets them in, before that rule, and so that it survives a boot. A port
        that Docker publishes goes past the input chain: publish it on 127.0.0.1 alone, with Docker
        28 or later, or use the chain DOCKER-USER.

    References:
        - nft(8)
        - https://docs.docker.com/engine/network/packet-filtering-firewalls/
    """
    ways = list(intrusions(packet_filter, listeners, listener_owners, blocked_port))
    packet_filter.observe("looked at", NOT_SEEN)
    if not ways:
        expect(f"port {blocked_port.port}", NOT_SERVED, equal_to(NOT_SERVED))
    for passage in ways:
        who = f"who gets in {passage.label}"
        hint = "close it, or declare who may"
        remedy = partial(close_to_others, packet_filter, passage, blocked_port)
        expect(who, who_gets_in(packet_filter, passage), equal_to("nobody"), hint, remedy)

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


@rule(severity="high", kind="setting", incidents=["S1.1", "S4"], version=3)
def test_firewall_allows_service(
    packet_filter: PacketFilter, listeners: Listeners, service: Service, expect: Expect
) -> None:
    """A new connection from every declared source passes the host's packet filter; no other does.

    nftables, iptables (both kinds) and ipset are judged together, as the kernel asks them: an
    accept ends only its own chain, a drop is final. The whole connection is followed until its
    client gets the service's first data: neighbour discovery or ARP before it, the SYN, its answer
    and what comes after. The sources are those of `allow_from`; without one they are `any`: every
    address that a client can have on that interface, but for those of `deny_from`. Those get in
    nowhere: a source that is kept out on purpose and gets in fails the rule, too. What a ban of
    fail2ban or the like drops is told, but does not fail. Where NAT takes the port to another one
    or to a container, the way is followed to there. A limit that all clients share loses some of
    them if it allows less than one new connection a second; up to ten a second that cannot be told.
    A limit of each client is met only if it allows less than three connections. Clients connect
    from ports 32768 to 65535, and a filter that drops some of these loses clients. It is this
    host's own filter: a cloud's security groups are not seen, and TCP alone is looked at.

    Why: Clients' SYNs stayed unanswered while ping worked and the port was listening: the host's
        own firewall let in the program on one profile of the network only (incidents S1.1, S4).
    Remedy: The message names the rule that drops. Open the port with the tool that made that rule
        (firewalld, ufw, nft, iptables), before it and where it stays open over a boot. Who is kept
        out on purpose belongs into the service's `deny_from`.

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

    It is judged for every address at which the host answers, by every interface: link-local ones,
    those on lo, and those of another interface, which neighbours may ask for. Nothing listens
    there and no NAT or IPVS takes it, or the filter keeps out every other source, whatever port it
    sends from. Ports that a container runtime publishes by DNAT are judged where they are
    forwarded, and at the container's own address: rules of the input chain, and so ufw's, say
    nothing about them. A connection whose answers the filter drops reaches nobody. Whoever wants
    in tries again: a drop up to a limit or by chance, and an accept of those who knocked at another
    port, let them in. TCP alone is looked at.

    Why: Databases that were meant for a few hosts get published to all by a rule that is too wide,
        or by a container runtime that goes past the firewall (incident S4).
    Remedy: Let the service listen where only its users are, or drop the rest with the tool that
        made the rule which lets them in, before that rule and so that it outlasts a boot. A port
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

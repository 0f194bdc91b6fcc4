"""Firewall: who gets through the host's whole packet filter."""

from nethygiene.rules import (
    BlockedPort,
    Expect,
    Listeners,
    PacketFilter,
    Service,
    equal_to,
    intrusions,
    rule,
    service_passages,
    what_passes,
    who_gets_in,
)

NOT_SERVED = "not served to other hosts"


@rule(severity="high", kind="setting", incidents=["S1.1", "S4"])
def test_firewall_allows_service(
    packet_filter: PacketFilter, listeners: Listeners, service: Service, expect: Expect
) -> None:
    """A new connection from every declared source passes the host's packet filter.

    nftables, iptables (both kinds) and ipset are judged together, as the kernel asks them: an
    accept ends only its own chain, a drop is final. The sources are those of `allow_from`; `any` is
    every address that no `deny_from` names, and what a ban of fail2ban or the like drops
    is told, but does not fail. It is this host's own filter: a cloud's security groups are not
    seen.

    Why: Clients' SYNs stayed unanswered while ping worked and the port was listening: the host's
        own firewall let in the program on one profile of the network only (incidents S1.1, S4).
    Remedy: The message names the rule that drops. Open the port where that rule was made, so that
        it stays open; with firewalld, ufw, or in nftables' own file:
        `firewall-cmd --permanent --add-port=443/tcp && firewall-cmd --reload`
        `ufw allow 443/tcp`
        `nft insert rule inet filter input tcp dport 443 accept`
        Who is kept out on purpose belongs into the service's `deny_from`.

    References:
        - nft(8)
        - xtables-nft(8)
        - firewalld.zones(5)
        - ufw(8)
    """
    hint = "open it, or declare who is kept out on purpose in deny_from"
    for passage in service_passages(packet_filter, listeners, service):
        expect(passage.label, what_passes(passage), equal_to("accepted"), hint)


@rule(severity="high", kind="setting", incidents=["S4"])
def test_firewall_blocks_port(
    packet_filter: PacketFilter, listeners: Listeners, blocked_port: BlockedPort, expect: Expect
) -> None:
    """Nobody but the declared exceptions reaches a blocked port.

    Nothing listens there beyond loopback and no NAT or IPVS takes it, or the filter keeps out every
    other source. Ports that a container runtime publishes by DNAT are judged where they are
    forwarded: rules of the input chain, and so ufw's, say nothing about them.

    Why: Databases that were meant for a few hosts get published to all by a rule that is too wide,
        or by a container runtime that goes past the firewall (incident S4).
    Remedy: Let the service listen where only its users are, or drop the rest in the chain that is
        asked, persistently:
        `nft insert rule inet filter input tcp dport 3306 ip saddr != 10.0.0.0/8 drop`
        `ufw delete allow 3306/tcp`
        For a port that Docker publishes, bind it: `-p 127.0.0.1:3306:3306`, or use the chain
        DOCKER-USER.

    References:
        - nft(8)
        - https://docs.docker.com/engine/network/packet-filtering-firewalls/
    """
    ways = list(intrusions(packet_filter, listeners, blocked_port))
    if not ways:
        expect(f"port {blocked_port.port}", NOT_SERVED, equal_to(NOT_SERVED))
    for passage in ways:
        who = f"who gets in: {passage.label}"
        expect(who, who_gets_in(passage), equal_to("nobody"), "close it, or declare who may")

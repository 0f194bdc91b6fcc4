"""Services: that they listen where clients expect them."""

from functools import partial

from nethygiene.rules import Expect, LegacyPort, Policy, Service, rule
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.former_port import former_port, lead_former_port, still_served
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners
from nethygiene.subjects.sockets.listening import port_state, serve_remedy, served, why_not_served
from nethygiene.subjects.sockets.serving import Here


@rule(
    severity="critical",
    kind="state",
    incidents=["S1.3", "S2", "S4"],
    version=2,
    judged_if="served_here",
)
def test_service_listening(
    listeners: Listeners,
    listener_owners: ListenerOwners,
    interfaces: Interfaces,
    packet_filter: PacketFilter,
    service: Service,
    policy: Policy,
    expect: Expect,
) -> None:
    """The service listens on its declared port, where those that it is meant for can reach it.

    `address: any`, the default, is satisfied by a listener beyond loopback, at an address that
    the host has; a listener on every address takes an interface that is up. A socket of IPv6
    alone is not enough on a host with IPv4 addresses. A listener on loopback alone is enough
    where `address` or all of `allow_from` is loopback; for `address: loopback` it has to take
    connections to 127.0.0.1, or to ::1 where the host has no other. `0.0.0.0` and `::` ask for a
    listener on every address of that family, any other address for one that covers it; where the
    host does not have that address now, another host may hold it, and that is unknown.

    Why: A port on which nothing listens answers every client with RST: an update server had
        moved to another port without telling anyone (incident S1.3); a local process dialled
        twice a second a port whose service was not running (incident S2); and whether the
        service listens is the first thing to know before a path or a firewall is blamed
        (incident S4).
    Remedy: Start the service where it is declared, and have it started at boot; where it was
        moved on purpose, correct the inventory, and keep the old port served (legacy_ports).
        `systemctl enable --now SERVICE`
    Kernels: An IPv6 socket on `::` serves IPv4 as well, unless IPV6_V6ONLY is set, by the
        application or by net.ipv6.bindv6only. ss tells so since Linux 4.3.

    References:
        - ss(8)
        - ipv6(7), IPV6_V6ONLY
    """
    here = Here(interfaces, packet_filter)
    state = port_state(service, service.port, listeners, listener_owners, here, policy)
    hint = partial(why_not_served, state, service, listeners)
    remedy = partial(serve_remedy, state, service)
    expect(f"port {service.port}", state, served(service), hint, remedy)


@rule(severity="medium", kind="state", incidents=["S1.3"], version=3)
def test_legacy_port_still_served(
    listeners: Listeners,
    listener_owners: ListenerOwners,
    interfaces: Interfaces,
    packet_filter: PacketFilter,
    legacy_port: LegacyPort,
    policy: Policy,
    expect: Expect,
) -> None:
    """A former port of the service still serves those that know no better.

    It does where something listens on it, or where NAT redirects it to the port of now and
    something listens there, and where the host's own filter lets its clients through.

    Why: An update server had moved to another port without telling anyone, and its clients got
        an RST: the old port should have been redirected to the new one (incident S1.3).
    Remedy: Redirect the old port to the new one, in the ruleset that is loaded at boot, or have the
        service listen on both; have something listen at the new port, and let the filter pass it.
        Take the port out of legacy_ports once the last client has moved.
    Kernels: NAT in an inet table needs Linux 5.2; write one table each for ip and ip6 before.

    References:
        - nft(8), REDIRECT
        - iptables-extensions(8), REDIRECT
    """
    service, port = legacy_port.service, legacy_port.port
    here = Here(interfaces, packet_filter)
    state = port_state(service, port, listeners, listener_owners, here, policy)
    former = former_port(state, service, port, packet_filter, listeners)
    remedy = partial(lead_former_port, former, service, port)
    expect(f"former port {port}", former, still_served(service), remedy=remedy)

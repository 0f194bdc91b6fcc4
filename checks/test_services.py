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

    `address: any`, the default, asks for a listener beyond loopback, at an address that the host
    has. A listener on every address needs an interface that is up. A socket of IPv6 alone is not
    enough on a host with IPv4 addresses. A listener on loopback alone is enough if `address` or all
    of `allow_from` is loopback. `address: loopback` asks for 127.0.0.1, or for ::1 if the host has
    no other. `0.0.0.0` and `::` ask for a listener on every address of that family, and any other
    address for a listener that covers it. If the host does not have that address now, another host
    may hold it, and the result is unknown.

    Why: A port on which nothing listens answers every client with RST. An update server had moved
        to another port without a word (incident S1.3). A local process dialled a port twice a
        second whose service was not running (incident S2). Before you blame a path or a firewall,
        you need to know that the service listens (incident S4).
    Remedy: Start the service where it is declared, also at boot. If it was moved on purpose,
        correct the inventory, and keep the old port served (legacy_ports).
        `systemctl enable --now SERVICE`
    Kernels: An IPv6 socket on `::` also serves IPv4, unless the application or
        net.ipv6.bindv6only sets IPV6_V6ONLY. ss shows it since Linux 4.3.

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

    A former port is served if something listens on it, or if NAT redirects it to the port of now
    and something listens there. The host's own filter has to let the clients through as well.

    Why: An update server had moved to another port without a word, and its clients got an RST. The
        old port should have been redirected to the new one (incident S1.3).
    Remedy: Redirect the old port to the new one, in the ruleset that is loaded at boot, or let the
        service listen on both. Something has to listen at the new port, and the filter has to let
        it through. Take the port out of legacy_ports once the last client has moved.
    Kernels: NAT in an inet table needs Linux 5.2. Before, write one table each for ip and ip6.

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

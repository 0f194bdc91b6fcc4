"""Whether a listener serves those that a service is meant for."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.inventory.policy import Policy, Service
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.links.interfaces import Interfaces, InterfaceState
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listener, Listeners
from nethygiene.subjects.sockets.listening import PortState, port_state, why_not_served
from nethygiene.subjects.sockets.serving import Here

V4, V4_LOOPBACK = Listener("0.0.0.0", None, 443, 0, 5), Listener("127.0.0.1", None, 443, 0, 5)
DUAL, V6 = Listener("*", None, 443, 0, 5, False), Listener("::", None, 443, 0, 5, True)
V6_UNTOLD = Listener("::", None, 443, 0, 5)
ONE = Listener("192.0.2.1", None, 443, 0, 5)
LINK_LOCAL = Listener("fe80::1", "eth0", 443, 0, 5, True)
GONE, V6_LOOPBACK = Listener("192.0.2.9", None, 443, 0, 5), Listener("::1", None, 443, 0, 5, True)
RESOLVER = Listener("127.0.0.53", None, 443, 0, 5)
ON_LO, ON_ETH1 = Listener("*", "lo", 443, 0, 5, False), Listener("0.0.0.0", "eth1", 443, 0, 5)


def here(interfaces: Interfaces) -> Here:
    """The interfaces, of a host whose routes nobody read."""
    return Here(interfaces, PacketFilter(Unreadable(Reason.PERMISSION, "nft", "not root")))


def state(*sockets: Listener, **fields: object) -> PortState:
    return state_on("192.0.2.1/24", *sockets, **fields)


def state_on(host: str, *sockets: Listener, **fields: object) -> PortState:
    service = Service.model_validate({"port": 443, **fields})
    up = frozenset({"UP"})
    interfaces = Interfaces((InterfaceState("eth0", up, (ip_interface(host),)),))
    return port_state(
        service, 443, Listeners(sockets), ListenerOwners({}), here(interfaces), Policy()
    )


@pytest.mark.parametrize(
    ("socket", "fields", "served"),
    [
        (V4, {}, True),
        (DUAL, {}, True),
        (ONE, {}, True),
        (V6, {}, False),
        (V4_LOOPBACK, {}, False),
        (ON_LO, {}, False),
        (LINK_LOCAL, {}, False),
        (V6, {"allow_from": ["2001:db8::/32"]}, False),
        (V4, {"allow_from": ["2001:db8::/32"]}, False),
        (DUAL, {"allow_from": ["2001:db8::/32", "10.0.0.0/8"]}, False),
        (V4, {"allow_from": ["2001:db8::/32", "10.0.0.0/8"]}, False),
        (V4, {"allow_from": ["any", "2001:db8::/32"]}, True),
        (V4_LOOPBACK, {"allow_from": ["127.0.0.0/8"]}, True),
        (V4_LOOPBACK, {"address": "loopback"}, True),
        (V4, {"address": "loopback"}, True),
        (ON_LO, {"address": "loopback"}, True),
        (ONE, {"address": "loopback"}, False),
        (ON_ETH1, {"address": "loopback"}, False),
        (ON_ETH1, {"interface": "eth0"}, False),
        (V4, {"address": "192.0.2.1"}, True),
        (DUAL, {"address": "192.0.2.1"}, True),
        (ONE, {"address": "192.0.2.1"}, True),
        (ONE, {"address": "::ffff:192.0.2.1"}, True),
        (ONE, {"address": "192.0.2.2"}, False),
        (ONE, {"address": "0.0.0.0"}, False),
        (GONE, {}, False),
        (ON_ETH1, {}, False),
        (V6_LOOPBACK, {"address": "loopback"}, False),
        (V6_LOOPBACK, {"address": "::1"}, True),
        (V6, {"address": "loopback"}, False),
        (DUAL, {"address": "loopback"}, True),
        (RESOLVER, {"address": "loopback"}, False),
        (RESOLVER, {"address": "127.0.0.53"}, True),
        (DUAL, {"allow_from": ["2001:db8::/32"]}, False),
        (V6, {"address": "192.0.2.1"}, False),
        (V6, {"address": "::"}, True),
        (DUAL, {"address": "::"}, True),
        (V4, {"address": "::"}, False),
        (V4_LOOPBACK, {"address": "127.0.0.1"}, True),
        (ON_LO, {"address": "192.0.2.1"}, False),
    ],
)
def test_a_listener_covers_the_declared_address_or_not(
    socket: Listener, fields: dict[str, object], served: bool
) -> None:
    assert state(socket, **fields).is_served is served


def test_a_host_without_ipv4_wants_none() -> None:
    assert state_on("2001:db8::1/64", V6).is_served


def test_a_socket_of_each_family_serves_both() -> None:
    assert state(V6, V4).is_served
    assert not state(V6, V4_LOOPBACK).is_served


def test_what_an_old_kernel_does_not_tell_is_unknown_where_it_matters() -> None:
    with pytest.raises(UnreadableFactError, match="IPv4 as well"):
        state(V6_UNTOLD)
    assert state(V6_UNTOLD, V4).is_served
    assert state_on("2001:db8::1/64", V6_UNTOLD).is_served
    assert state(V6_UNTOLD, address="::").is_served


def test_the_hint_tells_where_it_may_have_gone() -> None:
    service = Service.model_validate({"port": 443, "legacy_ports": [8443]})
    other = Listeners((Listener("0.0.0.0", None, 9443, 0, 5), V4_LOOPBACK))
    assert "beyond loopback: 9443;" in why_not_served(PortState((), (), (), ()), service, other)
    former = Listeners((Listener("0.0.0.0", None, 8443, 0, 5),))
    assert "its former port 8443" in why_not_served(PortState((), (), (), ()), service, former)

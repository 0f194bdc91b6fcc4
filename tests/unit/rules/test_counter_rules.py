"""Where the rates of counters turn, and whose half-open connections are whose."""

from __future__ import annotations

import pytest

from nethygiene.probes.counters import Change
from nethygiene.probes.handshakes import Handshake, Handshakes
from nethygiene.probes.listeners import Listener, Listeners
from nethygiene.rules import below_nine_tenths, bounded_rate, bounded_share, syn_queues
from nethygiene.rules.half_open import SynQueue


def rise(delta: int, seconds: float = 2.0) -> Change:
    return Change("TcpAttemptFails", delta, seconds, delta, 100.0)


@pytest.mark.parametrize(
    ("delta", "seconds", "opened", "accepted"),
    [
        # All three have to be exceeded: the rate, ten in all, and 5 % of the connections.
        (10, 9.9, 0, False),
        (10, 10.0, 0, True),
        (9, 2.0, 0, True),
        (10, 2.0, 199, False),
        (10, 2.0, 200, True),
        (0, 2.0, 0, True),
    ],
)
def test_a_rate_is_bounded(delta: int, seconds: float, opened: int, accepted: bool) -> None:
    assert bounded_rate(1.0, opened).accepts(rise(delta, seconds)) is accepted


@pytest.mark.parametrize(("delta", "accepted"), [(50, True), (51, False)])
def test_a_share_is_bounded(delta: int, accepted: bool) -> None:
    assert bounded_share(0.05, rise(1000)).accepts(rise(delta)) is accepted


@pytest.mark.parametrize(("half_open", "accepted"), [(17, True), (18, False)])
def test_nine_tenths_are_too_many(half_open: int, accepted: bool) -> None:
    assert below_nine_tenths(20).accepts(half_open) is accepted


def queues(listening: list[tuple[str, int]], *addresses: str) -> list[SynQueue]:
    sockets = (Listener(address, None, 80, 0, backlog) for address, backlog in listening)
    half_open = (Handshake("SYN-RECV", address, 80, "192.0.2.9:5") for address in addresses)
    return list(syn_queues(Listeners(tuple(sockets)), Handshakes(tuple(half_open))))


def test_the_listener_of_the_address_itself_comes_first() -> None:
    found = queues([("0.0.0.0", 20), ("192.0.2.1", 30)], "192.0.2.1", "192.0.2.1", "192.0.2.2")
    assert found == [SynQueue("0.0.0.0:80", 1, 20), SynQueue("192.0.2.1:80", 2, 30)]


@pytest.mark.parametrize("wildcard", ["*", "::"])
def test_a_listener_of_both_families(wildcard: str) -> None:
    (found,) = queues([(wildcard, 20)], "192.0.2.1", "2001:db8::1")
    assert found.half_open == 2


def test_an_ipv4_listener_has_no_ipv6_connections() -> None:
    assert [one.half_open for one in queues([("0.0.0.0", 20)], "2001:db8::1")] == [0]


def test_sockets_of_one_port_are_judged_together() -> None:
    assert queues([("0.0.0.0", 20), ("0.0.0.0", 20)], "192.0.2.1") == [
        SynQueue("0.0.0.0:80", 1, 40)
    ]


def test_a_listen_0_has_no_limit() -> None:
    assert queues([("0.0.0.0", 0)], "192.0.2.1") == []

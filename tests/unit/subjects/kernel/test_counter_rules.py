"""Where the rates of counters turn, and whose half-open connections are whose."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nethygiene.subjects.kernel.counters import Change
from nethygiene.subjects.kernel.rate_bounds import bounded
from nethygiene.subjects.kernel.rates import INTERFACE_DROPS, OPENED, Bound
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.half_open import (
    SynQueue,
    below_nine_tenths,
    held_without_cookies,
    max_syn_backlog_for,
    syn_queues,
)
from nethygiene.subjects.sockets.handshakes import Handshakes
from nethygiene.subjects.sockets.listeners import Listener, Listeners
from nethygiene.subjects.sockets.unsettled import ServedConnection

FAILURES = Bound("TcpAttemptFails", OPENED, per_second=1.0, share=0.05)


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
    assert bounded(FAILURES, opened).accepts(rise(delta, seconds)) is accepted


@pytest.mark.parametrize(
    ("delta", "packets", "accepted"),
    [(10, 9999, False), (10, 10000, True), (9, 1000, True), (10, 999, True), (11, 10000, False)],
)
def test_a_share_is_bounded(delta: int, packets: int, accepted: bool) -> None:
    assert bounded(INTERFACE_DROPS, packets).accepts(rise(delta)) is accepted


@pytest.mark.parametrize(
    ("delta", "seconds", "opened", "suspect"),
    [
        (4, 2.04, 0, True),  # incident S2: a dial every half second
        (3, 2.0, 0, True),
        (2, 2.0, 0, False),  # 1/s is allowed
        (1, 0.9, 0, False),  # one event is none
        (2, 1.0, 0, True),
        (4, 2.04, 80, False),  # 5 % of what is opened may fail
        (4, 2.04, 79, True),
        (10, 2.0, 0, False),  # enough to tell: a finding
        (9, 10.0, 0, False),  # nothing goes on for longer
    ],
)
def test_what_is_too_little_to_tell(delta: int, seconds: float, opened: int, suspect: bool) -> None:
    assert FAILURES.is_suspect(delta, seconds, opened) is suspect


@pytest.mark.parametrize(
    ("drops", "packets", "suspect"),
    [
        (3, 300, True),
        (3, 199, False),  # a thousand packets are out of reach
        (1, 300, False),
        (3, 3000, False),
        (3, 2999, True),
        (12, 1000, False),
    ],
)
def test_a_share_that_may_come_to_enough(drops: int, packets: int, suspect: bool) -> None:
    assert INTERFACE_DROPS.is_suspect(drops, 2.0, packets) is suspect


@pytest.mark.parametrize(("half_open", "accepted"), [(17, True), (18, False)])
def test_nine_tenths_are_too_many(half_open: int, accepted: bool) -> None:
    assert below_nine_tenths(20).accepts(half_open) is accepted


def cookies(value: int, max_syn_backlog: int = 64) -> Sysctls:
    values = {
        "net/ipv4/tcp_syncookies": f"{value}",
        "net/ipv4/tcp_max_syn_backlog": f"{max_syn_backlog}",
    }
    return Sysctls(values, {}, frozenset({"net/ipv4"}))


@pytest.mark.parametrize(("listening", "limit"), [(1024, 49), (49, 49), (20, 20)])
def test_without_cookies_a_quarter_of_the_queue_is_kept_free(listening: int, limit: int) -> None:
    listeners = Listeners((Listener("0.0.0.0", None, 80, 0, listening),))
    (found,) = syn_queues(listeners, Handshakes(()), cookies(0))
    assert found.limit == limit


@pytest.mark.parametrize("backlog", [1, 2, 3, 49, 50, 64, 511, 4096, 16384])
def test_the_least_setting_that_holds_a_backlog(backlog: int) -> None:
    needed = max_syn_backlog_for(backlog)
    assert held_without_cookies(needed) >= backlog
    assert needed == 1 or held_without_cookies(needed - 1) < backlog


def queues(listening: list[tuple[str, int]], *addresses: str) -> list[SynQueue]:
    sockets = (Listener(address, None, 80, 0, backlog) for address, backlog in listening)
    peer = ip_address("192.0.2.9")
    half_open = (ServedConnection(ip_address(address), 80, peer) for address in addresses)
    return list(syn_queues(Listeners(tuple(sockets)), Handshakes(tuple(half_open)), cookies(1)))


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

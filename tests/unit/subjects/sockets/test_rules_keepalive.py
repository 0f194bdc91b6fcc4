"""What timers and idle times tell of keepalive, and what they do not."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.inventory.policy import Service
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.connections import TcpConnection, Timer
from nethygiene.subjects.sockets.keepalive import (
    probing,
    settled,
    settled_clients,
    stale,
    why_unprobed,
)

AWS = 350


def connection(
    silent: float = 10,
    due: tuple[float, float] | float | None = None,
    *,
    kind: str = "keepalive",
    quiet: float | None = None,
    accepted: bool = True,
    to_itself: bool = False,
    local: str = "192.0.2.1",
    peer: str = "198.51.100.7",
) -> TcpConnection:
    timer = None
    if due is not None:
        least, most = due if isinstance(due, tuple) else (due, due)
        timer = Timer(kind, least, most)
    idle = silent if quiet is None else quiet
    ends = (ip_address(local), 443, ip_address(peer), 50000)
    return TcpConnection(
        *ends, timer=timer, silent=silent, quiet=idle, accepted=accepted, to_itself=to_itself
    )


def sysctl(seconds: int = 200, interval: int = 75) -> Sysctls:
    values = {
        "net/ipv4/tcp_keepalive_time": str(seconds),
        "net/ipv4/tcp_keepalive_intvl": str(interval),
    }
    return Sysctls(values, {}, frozenset({"net/ipv4"}))


def service(**fields: object) -> Service:
    return Service.model_validate({"port": 443, "keepalive": "required", **fields})


def in_time(*connections: TcpConnection, default: int = 200, idle_timeout: float = AWS) -> bool:
    return probing(connections, idle_timeout, sysctl(default)).is_in_time


def test_a_timer_in_time_is_good_and_none_is_not() -> None:
    assert in_time(connection(10, 190))
    assert not in_time(connection(10))
    assert not in_time(connection(10, 190), connection(10))


def test_the_silence_so_far_counts() -> None:
    assert in_time(connection(100, 249))
    assert not in_time(connection(100, 250))


@pytest.mark.parametrize("kind", ["on", "persist"])
def test_data_on_its_way_is_as_good_as_a_probe(kind: str) -> None:
    assert in_time(connection(10, 600, kind=kind))


def test_timers_that_were_armed_before_the_sysctl_are_late() -> None:
    found = probing([connection(10, (7140, 7200))], AWS, sysctl(200))
    assert len(found.late) == 1
    assert "timers that run already" in why_unprobed(found, AWS, sysctl(200))
    assert "lower it" in why_unprobed(found, AWS, sysctl(7200))


def test_no_timer_at_all_is_the_applications_doing() -> None:
    found = probing([connection(10)], AWS, sysctl(60))
    assert "SO_KEEPALIVE" in why_unprobed(found, AWS, sysctl(60))


def test_a_short_timer_under_a_long_default_may_be_one_near_its_end() -> None:
    with pytest.raises(UnreadableFactError, match="whether the application asks for less"):
        in_time(connection(10, 40), default=7200)


def test_connections_that_were_opened_together_prove_no_more_than_one() -> None:
    with pytest.raises(UnreadableFactError):
        in_time(*[connection(10, 40)] * 100, default=7200)


def test_several_short_timers_are_no_chance() -> None:
    assert in_time(*[connection(10, due) for due in (10, 20, 30)], default=7200)
    # Of a patience of an hour, half of the timers of the default would be that short.
    with pytest.raises(UnreadableFactError):
        in_time(*[connection(10, due) for due in (10, 20, 30)], default=7200, idle_timeout=3600)


def test_an_answered_probe_proves_an_own_time() -> None:
    # Data 100 s ago, an acknowledgement 20 s ago: a probe was sent after 80 s at the latest.
    assert in_time(connection(20, 40, quiet=100), default=7200)
    # Idle for days: 20 + 40 is neither the default nor its interval.
    assert in_time(connection(20, 40, quiet=99999), default=7200)
    # ... but 20 + 55 is the interval that follows a probe, whatever came before.
    with pytest.raises(UnreadableFactError):
        in_time(connection(20, 55, quiet=99999), default=7200)


def test_one_late_connection_is_a_failure_whatever_is_in_doubt() -> None:
    assert not in_time(connection(10, 40), connection(10, 7190), default=7200)


def test_a_minute_that_ss_does_not_tell_is_no_verdict_where_it_matters() -> None:
    with pytest.raises(UnreadableFactError, match="within a minute"):
        in_time(connection(10, (7080, 7140)), default=7200, idle_timeout=7120)
    assert in_time(connection(10, (7080, 7140)), default=7100, idle_timeout=7120)


def test_what_is_not_settled_is_not_judged() -> None:
    fresh, queued, good = connection(0.9), connection(10, accepted=False), connection(1.0)
    assert settled([fresh, queued, good]) == (good,)


def test_clients_are_on_other_hosts() -> None:
    local = connection(peer="127.0.0.1"), connection(peer="::1"), connection(to_itself=True)
    other = connection()
    assert settled_clients([*local, other], service()) == (other,)


@pytest.mark.parametrize("address", ["192.0.2.1", "0.0.0.0", "::", "any", "::ffff:192.0.2.1"])
def test_clients_of_the_declared_address(address: str) -> None:
    assert settled_clients([connection()], service(address=address))


def test_clients_of_another_address_are_not_the_services() -> None:
    assert not settled_clients([connection()], service(address="192.0.2.2"))


def test_stale_is_silent_for_longer_without_any_timer() -> None:
    old = connection(351)
    probed, sending = connection(351, 40), connection(351, 40, kind="on")
    assert stale([old, probed, sending, connection(350)], AWS).connections == (old,)
    assert str(stale([probed], AWS)) == "none of 1"
    assert "5 min" in str(stale([old], AWS))

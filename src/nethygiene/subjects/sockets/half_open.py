"""How full the SYN queues are: half-open connections, listener by listener."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass

from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.remedies import command, paragraphs, set_sysctls
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.handshakes import Handshakes
from nethygiene.subjects.sockets.listeners import Listener, Listeners

Place = tuple[str, int]
"""An address and a port."""


@dataclass(frozen=True, slots=True)
class SynQueue:
    """The half-open connections of one address and port.

    Attributes:
        place: address and port, as ``0.0.0.0:80``.
        half_open: connections in SYN_RECV.
        limit: how many it may hold (Send-Q; since Linux 4.4 the accept queue's limit is the SYN
            queue's as well). With SO_REUSEPORT the sum of its sockets: ss does not tell whose
            a half-open connection is.
    """

    place: str
    half_open: int
    limit: int


def held_without_cookies(max_syn_backlog: int) -> int:
    """How many half-open connections a listener holds where SYN cookies are off.

    The kernel drops a SYN as soon as less than a quarter of tcp_max_syn_backlog is left
    (tcp_conn_request() in net/ipv4/tcp_input.c): 49 with 64, tried on Linux 6.18. It counts these
    drops in TcpExtListenDrops alone.
    """
    return max_syn_backlog - (max_syn_backlog >> 2) + 1


def max_syn_backlog_for(backlog: int) -> int:
    """The least tcp_max_syn_backlog that holds `backlog` half-open connections without cookies."""
    guess = max(1, (backlog - 1) * 4 // 3 - 1)
    while held_without_cookies(guess) < backlog:
        guess += 1
    return guess


def syn_queues(
    listeners: Listeners, handshakes: Handshakes, sysctl: Sysctls
) -> tuple[SynQueue, ...]:
    """The SYN queues of all listeners; those of listen(0) have no limit to compare with."""
    most: int | None = None
    # A queue that is full by its backlog is full whatever the sysctls say; the ledger remembers
    # that they were not read, so that nothing passes.
    with suppress(UnreadableFactError):
        if sysctl["net.ipv4.tcp_syncookies"] == 0:
            most = held_without_cookies(sysctl["net.ipv4.tcp_max_syn_backlog"])
    groups: dict[Place, list[Listener]] = {}
    for one in listeners:
        groups.setdefault((one.address, one.port), []).append(one)
    counts: Counter[Place | None] = Counter()
    for place, count in Counter((one.address, one.port) for one in handshakes.half_open()).items():
        counts[_listener_of(place, groups)] += count
    return tuple(
        SynQueue(str(sockets[0]), counts[place], sum(_limit(one, most) for one in sockets))
        for place, sockets in groups.items()
        if sum(one.backlog for one in sockets) > 0
    )


def _limit(listener: Listener, most: int | None) -> int:
    return listener.backlog if most is None else min(listener.backlog, most)


def _listener_of(place: Place, listening: Container[Place]) -> Place | None:
    # As the kernel looks it up: the address itself, then every address of the family, then of
    # both. Before iproute2 4.13, "*" is IPv4 alone and "::" may be both.
    address, port = place
    wildcards = ("::", "*") if ":" in address else (f"::ffff:{address}", "0.0.0.0", "*", "::")  # noqa: S104 - compared, not bound
    return next((one for one in _at(port, address, *wildcards) if one in listening), None)


def _at(port: int, *addresses: str) -> list[Place]:
    return [(address, port) for address in addresses]


def below_nine_tenths(limit: int) -> Matcher[int]:
    """The number is less than 90 % of `limit`."""
    return Matcher(f"less than 90 % of {limit}", lambda actual: actual * 10 < limit * 9)


def widen_syn_queue(sysctl: Sysctls, place: str = "") -> str:
    """The remedy of a SYN queue that is nearly full, or was: of `place`, where it is known."""
    values: dict[str, object] = {"net.ipv4.tcp_syncookies": 1}
    if sysctl["net.core.somaxconn"] < AMPLE:
        values["net.core.somaxconn"] = AMPLE
    port = place.rpartition(":")[2]
    who = f"ss -Htn state syn-recv sport = :{port}" if port else "ss -Htn state syn-recv"
    which = f"the service at {place}" if place else "the services that listen"
    return paragraphs(
        "See who they are; a flood from few networks is stopped in the packet filter.",
        command(who),
        "With SYN cookies others still get in, and the queue is as long as the listener's backlog:",
        set_sysctls(values),
        f"Raise the backlog that {which} asks for, and restart what listens there.",
        command("ss -lntp" + (f" sport = :{port}" if port else "")),
    )


AMPLE = 16384
"""The backlog that helped in incident S3."""

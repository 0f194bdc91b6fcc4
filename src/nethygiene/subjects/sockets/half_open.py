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
        limit: how many it may hold (Send-Q; since Linux 4.4 the accept queue's limit is also the
            SYN queue's). With SO_REUSEPORT it is the sum of the sockets: ss does not show to which
            of them a half-open connection belongs.
    """

    place: str
    half_open: int
    limit: int


def held_without_cookies(max_syn_backlog: int) -> int:
    """How many half-open connections a listener holds without SYN cookies.

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
    """The SYN queues of all listeners except those of listen(0), which have no limit."""
    most: int | None = None
    # A queue that is full by its backlog is full, whatever the sysctls say. The ledger remembers
    # that they were not read, so nothing passes.
    with suppress(UnreadableFactError):
        if sysctl["net.ipv4.tcp_syncookies"] == 0:
            most = held_without_cookies(sysctl["net.ipv4.tcp_max_syn_backlog"])
    groups: dict[Place, list[Listener]] = {}
    for listener in listeners:
        groups.setdefault((listener.address, listener.port), []).append(listener)
    counts: Counter[Place | None] = Counter()
    for handshake in handshakes.half_open():
        counts[_listener_of(str(handshake.address), handshake.port, groups)] += 1
    return tuple(
        SynQueue(str(sockets[0]), counts[place], sum(_limit(socket, most) for socket in sockets))
        for place, sockets in groups.items()
        if sum(socket.backlog for socket in sockets) > 0
    )


def _limit(listener: Listener, most: int | None) -> int:
    return listener.backlog if most is None else min(listener.backlog, most)


def _listener_of(address: str, port: int, listening: Container[Place]) -> Place | None:
    # The kernel looks up the address itself, then every address of the family, then of both.
    # Before iproute2 4.13, "*" is IPv4 alone and "::" may be both.
    wildcards = ("::", "*") if ":" in address else (f"::ffff:{address}", "0.0.0.0", "*", "::")  # noqa: S104 - compared, not bound
    places = ((tried, port) for tried in (address, *wildcards))
    return next((place for place in places if place in listening), None)


def below_nine_tenths(limit: int) -> Matcher[int]:
    """The number is less than 90 % of `limit`."""
    return Matcher(f"less than 90 % of {limit}", lambda actual: actual * 10 < limit * 9)


def widen_syn_queue(sysctl: Sysctls, place: str = "") -> str:
    """The remedy of a SYN queue that is or was nearly full, at `place` if that is known."""
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

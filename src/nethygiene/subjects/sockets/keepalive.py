"""Whether connections are probed before a box on the way forgets them, as far as that shows.

ss(8) shows when the timer fires next, not the time that it was set to. When it fires, the kernel
probes if nothing came for tcp_keepalive_time (or the socket's own TCP_KEEPIDLE). Otherwise it sets
the timer to what is left of that time: tcp_keepalive_timer() in net/ipv4/tcp_timer.c, Linux 6.18.
So the silence so far plus the time until the timer fires is never longer than the time that it was
set to. After some activity it may be shorter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nethygiene.engine.expect import unknown
from nethygiene.engine.matchers import Matcher
from nethygiene.inventory.policy import Service
from nethygiene.subjects.kernel.counters import duration
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.connections import TcpConnection

SETTLED_SECONDS = 1.0
"""A socket that was just accepted may not have its options yet."""

_TIME = "net.ipv4.tcp_keepalive_time"
_INTERVAL = "net.ipv4.tcp_keepalive_intvl"
_CHANCE = 0.001
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Probing:
    """Connections, by how they are kept alive.

    Attributes:
        judged: the number of connections.
        unprobed: connections without any timer.
        late: connections whose first probe comes after the path has forgotten them.
    """

    judged: int
    unprobed: tuple[TcpConnection, ...]
    late: tuple[TcpConnection, ...]

    @property
    def is_in_time(self) -> bool:
        """Whether each is probed in time."""
        return not self.unprobed and not self.late

    def __str__(self) -> str:
        good = self.judged - len(self.unprobed) - len(self.late)
        parts = [f"in time for {good} of {self.judged} connections"]
        if self.unprobed:
            parts.append(f"{len(self.unprobed)} without a timer ({_listed(self.unprobed)})")
        if self.late:
            parts.append(f"{len(self.late)} with a timer due too late ({_listed(self.late)})")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Stale:
    """Connections that the path has forgotten, out of all."""

    connections: tuple[TcpConnection, ...]
    of: int

    def __str__(self) -> str:
        if not self.connections:
            return f"none of {self.of}"
        return f"{len(self.connections)} of {self.of} ({_listed(self.connections)})"


def settled(connections: Iterable[TcpConnection]) -> tuple[TcpConnection, ...]:
    """The connections that a process has taken and that carried no data for a second or more."""
    return tuple(
        connection
        for connection in connections
        if connection.quiet >= SETTLED_SECONDS and connection.accepted
    )


def settled_clients(
    connections: Iterable[TcpConnection], service: Service
) -> tuple[TcpConnection, ...]:
    """The settled connections of a service's clients on other hosts."""
    own = None if isinstance(service.address, str) else service.address
    own = getattr(own, "ipv4_mapped", None) or own
    anywhere = own is None or own.is_unspecified
    return tuple(
        connection
        for connection in settled(connections)
        if (anywhere or connection.local == own)
        and not connection.to_itself
        and not connection.peer.is_loopback
    )


def probing(connections: Sequence[TcpConnection], idle_timeout: float, sysctl: Sysctls) -> Probing:
    """Judge connections that this end has to probe.

    Unacknowledged data is as good as a probe, because TCP soon sends it again.

    Raises:
        UnreadableFactError: no connection is surely too late, and some may be.
    """
    unprobed = tuple(connection for connection in connections if connection.timer is None)
    probed = [
        connection
        for connection in connections
        if connection.timer and connection.timer.kind == "keepalive"
    ]
    late = tuple(connection for connection in probed if _first_probe(connection)[0] >= idle_timeout)
    judged = Probing(len(connections), unprobed, late)
    if judged.is_in_time and probed:
        _refuse_doubt(probed, idle_timeout, sysctl)
    return judged


def probed_before(idle_timeout: float) -> Matcher[Probing]:
    """Each connection is probed before the path forgets it."""
    return Matcher(
        f"a keepalive timer due within {idle_timeout} s of silence",
        lambda probing: probing.is_in_time,
    )


def stale(connections: Sequence[TcpConnection], idle_timeout: float) -> Stale:
    """The connections that the path has forgotten and that no timer here will find dead."""
    forgotten = [
        connection
        for connection in connections
        if connection.timer is None and connection.silent > idle_timeout
    ]
    return Stale(tuple(forgotten), len(connections))


def none_stale(idle_timeout: float) -> Matcher[Stale]:
    """No connection is forgotten."""
    return Matcher(
        f"none silent for more than {idle_timeout} s without a timer",
        lambda stale: not stale.connections,
    )


def why_unprobed(probing: Probing, idle_timeout: float, sysctl: Sysctls) -> str:
    """Why connections are not probed in time, and what to do."""
    if probing.unprobed:
        return "the application never asked for SO_KEEPALIVE: turn its keepalive option on"
    seconds = sysctl[_TIME]
    if seconds < idle_timeout:
        return (
            f"{_TIME} is {seconds} by now, but timers that run already keep their time, and an "
            "application may ask for its own: restart it"
        )
    return f"{_TIME} is {seconds}: lower it, or set the application's own keepalive time"


def _first_probe(connection: TcpConnection) -> tuple[float, float]:
    """Seconds of silence at the next firing of the timer, at least and at most."""
    assert connection.timer is not None
    return connection.silent + connection.timer.due, connection.silent + connection.timer.due_before


def _refuse_doubt(probed: Sequence[TcpConnection], idle_timeout: float, sysctl: Sysctls) -> None:
    default = sysctl[_TIME]
    if default < idle_timeout:
        # The default is in time too, so ss's rounding is no reason for doubt.
        return
    if any(_first_probe(connection)[1] >= idle_timeout for connection in probed):
        unknown(
            f"a keepalive timer is due within a minute of {idle_timeout} s of silence, and ss "
            f"tells no more than that: set {_TIME} below {idle_timeout}"
        )
    if any(_asked_for_its_own(connection, idle_timeout, sysctl) for connection in probed):
        return
    # Otherwise it may be chance: timers of the default may happen to be near their end.
    # Connections that were opened together share one timer's luck.
    moments = {round(connection.timer.due) for connection in probed if connection.timer is not None}
    if (idle_timeout / default) ** len(moments) > _CHANCE:
        unknown(
            f"{_TIME} is {default}; whether the application asks for less on its own cannot be "
            f"told from timers that are due soon on {len(probed)} connections in use: lower it "
            f"below {idle_timeout}, or look again while they are idle"
        )


def _asked_for_its_own(connection: TcpConnection, idle_timeout: float, sysctl: Sysctls) -> bool:
    """Whether its idle time was seen to be shorter than the path's patience.

    An acknowledgement long after the last data answers a probe of this end (a probe of the peer
    does not count as one). From then on, silence and timer together are the idle time itself, or
    for a moment the interval between probes.
    """
    if connection.quiet - connection.silent < 2:
        return False
    return (
        connection.quiet - connection.silent < idle_timeout
        or abs(_first_probe(connection)[0] - sysctl[_INTERVAL]) > 2
    )


def _listed(connections: Sequence[TcpConnection]) -> str:
    longest = sorted(connections, key=lambda connection: -connection.silent)
    shown = [
        f"{connection}, silent for {duration(connection.silent)}" for connection in longest[:_SHOWN]
    ]
    return "; ".join([*shown, "…"] if len(longest) > _SHOWN else shown)

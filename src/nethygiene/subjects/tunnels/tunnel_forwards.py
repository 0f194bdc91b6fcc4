"""Whether the local ends of a tunnel listen, and whose sockets they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address

from nethygiene.engine.expect import unknown
from nethygiene.engine.matchers import Matcher
from nethygiene.inventory.forward import Forward
from nethygiene.inventory.policy import Tunnel
from nethygiene.subjects.sockets.listener_owners import ListenerOwners, Owner
from nethygiene.subjects.sockets.listeners import Listener, Listeners
from nethygiene.subjects.tunnels.tunnel_processes import RunningTunnel


@dataclass(frozen=True, slots=True)
class ForwardState:
    """The listening end of one local forward.

    Attributes:
        address: the address on which it has to listen.
        port: the port on which it has to listen.
        sockets: all sockets that listen on that port.
        serving: the socket that takes connections to the address, None if there is none.
        owners: the processes behind it.
        own: the process ids of the tunnel's ssh.
        stopped: the process ids of the tunnel's stopped ssh.
    """

    address: str
    port: int
    sockets: tuple[Listener, ...]
    serving: Listener | None
    owners: tuple[Owner, ...]
    own: frozenset[int] = frozenset()
    stopped: frozenset[int] = frozenset()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of its owners."""
        return tuple(owner.pid for owner in self.owners)

    @property
    def what(self) -> str:
        """The address and port, in words."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"local end of the tunnel at {host}:{self.port}"

    @property
    def is_own(self) -> bool:
        """Whether the tunnel's own ssh listens there."""
        return self.serving is not None and not self.own.isdisjoint(self.pids)

    @property
    def wanted(self) -> Matcher[ForwardState]:
        """The expectation of it."""
        return Matcher("listened on by the tunnel's ssh", lambda state: state.is_own)

    @property
    def hint(self) -> str:
        """What a failure means."""
        if not self.stopped.isdisjoint(self.pids):
            return "that ssh is stopped (state T): connections to it wait for ever"
        if any(owner.name == "ssh" for owner in self.owners):
            return "that ssh is another one: of another user, destination or forward"
        if self.serving is not None:
            return "another process has the port: the tunnel has no local end"
        if self.sockets:
            elsewhere = ", ".join(map(str, self.sockets))
            return f"only {elsewhere} listens: ssh goes on with the address that was free"
        return "the tunnel is down, or ssh stays connected without its forward"

    def __str__(self) -> str:
        if self.serving is None:
            return "not listened on"
        return f"listened on at {self.serving} by {' and '.join(map(str, self.owners))}"


def forward_states(
    tunnel: Tunnel,
    listeners: Listeners,
    owners: ListenerOwners,
    running: Callable[[], RunningTunnel],
) -> list[ForwardState]:
    """The state of each local forward; ends the rule as unknown for one that ss does not show.

    Args:
        tunnel: the declared tunnel.
        listeners: the listening sockets of the host.
        owners: the processes of these sockets.
        running: finds the tunnel's processes; called only if an ssh listens.
    """
    states = []
    for forward in tunnel.local_forwards:
        address = _listening_address(forward)
        if address is None or forward.port is None:
            unknown(f"{forward}: where it listens is no address and port of this host")
        sockets = listeners.on(forward.port)
        serving = _serving(address, sockets)
        # Look up owners only if something listens: to see that nothing does takes no privilege.
        holders = owners.at(str(serving)) if serving is not None else ()
        state = ForwardState(address, forward.port, sockets, serving, holders)
        if any(owner.name == "ssh" for owner in holders):
            tunnels = running()
            if why := [text for pid, text in tunnels.unclear.items() if pid in state.pids]:
                unknown("; ".join(why))
            stopped = frozenset(ssh.process.pid for ssh in tunnels.stopped)
            state = replace(state, own=tunnels.pids, stopped=stopped)
        states.append(state)
    return states


def _listening_address(forward: Forward) -> str | None:
    """The address on which the forward has to listen; None for a socket file or a name."""
    bind = forward.bind_address
    if forward.listen_socket is not None:
        return None
    if bind is None or bind.lower() == "localhost":
        # ssh listens on ::1 too, but the clients of a tunnel try 127.0.0.1: ssh(1), -L.
        return "127.0.0.1"
    if bind == "*":
        return "0.0.0.0"  # noqa: S104 - compared, not bound
    try:
        return str(ip_address(bind))
    except ValueError:
        return None


def _serving(address: str, sockets: tuple[Listener, ...]) -> Listener | None:
    declared = ip_address(address)
    exact = [socket for socket in sockets if socket.ip == declared]
    four = declared.version == 4
    wide = [socket for socket in sockets if socket.is_wildcard and socket.serves(4 if four else 6)]
    return next(iter([*exact, *wide]), None)

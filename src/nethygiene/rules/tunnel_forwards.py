"""Whether the local ends of a tunnel listen, and whose sockets they are."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from nethygiene.inventory.forward import Forward
from nethygiene.inventory.policy import Tunnel
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.probes.listeners import Listener, Listeners
from nethygiene.rules.expect import unknown
from nethygiene.rules.matchers import Matcher


@dataclass(frozen=True, slots=True)
class ForwardState:
    """The listening end of one local forward.

    Attributes:
        address: where it has to listen.
        port: likewise.
        sockets: all that listen on that port.
        serving: the one that takes connections to the address, None where none does.
        owners: the processes behind it, with their ids.
    """

    address: str
    port: int
    sockets: tuple[Listener, ...]
    serving: Listener | None
    owners: tuple[str, ...]

    @property
    def what(self) -> str:
        """The address and port, in words."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"local end of the tunnel at {host}:{self.port}"

    @property
    def is_ssh(self) -> bool:
        """Whether it listens, and it is ssh that does."""
        return self.serving is not None and any(one.startswith("ssh (") for one in self.owners)

    @property
    def wanted(self) -> Matcher[ForwardState]:
        """What is expected of it."""
        return Matcher("listened on by ssh", lambda state: state.is_ssh)

    @property
    def hint(self) -> str:
        """What it means where it is not so."""
        if self.serving is not None:
            return "another process has the port: the tunnel has no local end"
        if self.sockets:
            elsewhere = ", ".join(map(str, self.sockets))
            return f"only {elsewhere} listens: ssh goes on with the address that was free"
        return "the tunnel is down, or ssh stays connected without its forward"

    def __str__(self) -> str:
        if self.serving is None:
            return "not listened on"
        return f"listened on at {self.serving} by {' and '.join(self.owners)}"


def forward_states(
    tunnel: Tunnel, listeners: Listeners, owners: ListenerOwners
) -> list[ForwardState]:
    """The state of each local forward; ends the rule as unknown for one that ss does not show."""
    states = []
    for forward in tunnel.local_forwards:
        address = _listening_address(forward)
        if address is None or forward.port is None:
            unknown(f"{forward}: where it listens is no address and port of this host")
        sockets = listeners.on(forward.port)
        serving = _serving(address, sockets)
        # Looked up only where something listens: nothing listening needs no privilege to see.
        found = owners.at(str(serving)) if serving is not None else ()
        states.append(ForwardState(address, forward.port, sockets, serving, found))
    return states


def _listening_address(forward: Forward) -> str | None:
    """The address that has to be listened on; None for a socket file or a name."""
    bind = forward.bind_address
    if forward.listen_socket is not None:
        return None
    if bind is None or bind.lower() == "localhost":
        # On ::1 as well, but the clients of a tunnel try 127.0.0.1: ssh(1), -L.
        return "127.0.0.1"
    if bind == "*":
        return "0.0.0.0"  # noqa: S104 - compared, not bound
    try:
        return str(ip_address(bind))
    except ValueError:
        return None


def _serving(address: str, sockets: tuple[Listener, ...]) -> Listener | None:
    wanted = ip_address(address)
    exact = [one for one in sockets if one.ip == wanted]
    four = wanted.version == 4
    wide = [one for one in sockets if one.is_wildcard and one.serves(4 if four else 6)]
    return next(iter([*exact, *wide]), None)

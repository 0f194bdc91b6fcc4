"""How many ssh sessions each peer holds, and which ports are sshd's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nethygiene.outcomes import Reason
from nethygiene.probes.connections import Address, Connections
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.probes.listeners import Listeners
from nethygiene.rules.expect import not_applicable, unknown
from nethygiene.rules.matchers import Matcher

SSH_PORT = 22
_SERVERS = ("sshd", "dropbear", "tinysshd")
# With socket activation these hold the port, whoever answers on it.
_SUPERSERVERS = ("systemd", "init", "xinetd", "inetd", "tcpsvd", "tcpserver", "s6-tcpserver")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SshSessions:
    """Established connections to sshd's ports, by the peer that holds them.

    Attributes:
        ports: sshd's ports, as far as they could be told.
        unseen: ports whose listener could not be told to be sshd or another.
        by_peer: peer addresses and their connections, those with most first.
    """

    ports: tuple[int, ...]
    unseen: tuple[int, ...]
    by_peer: tuple[tuple[Address, int], ...]

    @property
    def most(self) -> int:
        """How many the busiest peer holds."""
        return self.by_peer[0][1] if self.by_peer else 0

    def __str__(self) -> str:
        peers = ", ".join(f"{count} from {peer}" for peer, count in self.by_peer[:_SHOWN])
        peers += f" and more from {len(self.by_peer) - _SHOWN}" * (len(self.by_peer) > _SHOWN)
        said = f"{peers or 'none'}, to port {' and '.join(map(str, self.ports))}"
        if self.unseen:
            said += f" (whose port {', '.join(map(str, self.unseen))} is could not be seen)"
        return said


def ssh_sessions(
    connections: Connections, listeners: Listeners, owners: ListenerOwners
) -> SshSessions:
    """Count the sessions of each peer.

    sshd's are the ports that sshd is seen to listen on, the one at which this login arrived, and
    22, unless something else is seen to listen there; so socket activation is included.

    Raises:
        NotApplicableError: every listener was seen, and none is sshd.
        UnreadableFactError: none was seen to be sshd, but not all were seen.
    """
    listening = {one.port for one in listeners}
    ports = {port for port in listening if _is(owners.of(port), _SERVERS)}
    unseen = {port for port in listening - ports if not owners.of(port)}
    if (arrival := connections.arrival()) is not None:
        ports.add(arrival)
    owner = owners.of(SSH_PORT)
    in_use = SSH_PORT in listening or bool(connections.at(SSH_PORT))
    if in_use and (not owner or _is(owner, _SUPERSERVERS)):
        ports.add(SSH_PORT)
    if not ports and unseen:
        unknown(
            f"whose port {', '.join(map(str, sorted(unseen)))} is could not be seen: allow "
            "`ss -lntp` as root",
            Reason.PERMISSION,
        )
    if not ports:
        not_applicable("no sshd listens")
    counts = Counter(one.peer for port in ports for one in connections.at(port))
    return SshSessions(
        tuple(sorted(ports)), tuple(sorted(unseen - ports)), tuple(counts.most_common())
    )


def sessions_bounded(limit: int) -> Matcher[SshSessions]:
    """No peer holds more."""
    return Matcher(f"at most {limit} from one peer", lambda found: found.most <= limit)


def _is(owners: tuple[str, ...], names: tuple[str, ...]) -> bool:
    return any(owner.split(" ", 1)[0].startswith(names) for owner in owners)

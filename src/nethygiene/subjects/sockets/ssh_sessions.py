"""How many ssh sessions each peer holds, and which ports are sshd's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from nethygiene.engine.expect import not_applicable, unknown
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.outcomes import Reason
from nethygiene.engine.remedies import command, content, paragraphs, word
from nethygiene.subjects.links.ip.families import Address
from nethygiene.subjects.sockets.connections import Connections, TcpConnection
from nethygiene.subjects.sockets.half_closed import HalfClosed
from nethygiene.subjects.sockets.listener_owners import ListenerOwners, Owner
from nethygiene.subjects.sockets.listeners import Listeners

SSH_PORT = 22
_SERVERS = ("sshd", "dropbear", "tinysshd")
# With socket activation these hold the port, whichever server answers on it.
_SUPERSERVERS = ("systemd", "init", "xinetd", "inetd", "tcpsvd", "tcpserver", "s6-tcpserver")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SshSessions:
    """Connections to sshd's ports, by the peer that holds them.

    Attributes:
        ports: sshd's ports, as far as they could be seen.
        unseen: ports whose listener could not be seen.
        by_peer: peer addresses and their connections, the peer with most first.
        half_closed: how many of them the peer has closed and sshd has not, by peer.
        own: how many connections come from this host itself.
        fronted: the most connections that one peer holds to all listeners here. No client of a
            proxy that passes them on to sshd has more.
    """

    ports: tuple[int, ...]
    unseen: tuple[int, ...]
    by_peer: tuple[tuple[Address, int], ...]
    half_closed: Mapping[Address, int]
    own: int = 0
    fronted: int = 0

    @property
    def most(self) -> int:
        """How many the busiest peer holds."""
        return self.by_peer[0][1] if self.by_peer else 0

    def __str__(self) -> str:
        peers = ", ".join(f"{count} from {peer}" for peer, count in self.by_peer[:_SHOWN])
        peers += f" and more from {len(self.by_peer) - _SHOWN}" * (len(self.by_peer) > _SHOWN)
        text = f"{peers or 'none'}, to port {' and '.join(map(str, self.ports))}"
        if half_closed := sum(self.half_closed.values()):
            text += f" ({half_closed} in CLOSE-WAIT: the peer has closed them, and sshd has not)"
        if self.own:
            text += f", besides {self.own} from this host itself"
        if self.unseen:
            text += f" (whose port {', '.join(map(str, self.unseen))} is could not be seen)"
        return text


def ssh_sessions(
    connections: Connections,
    half_closed: HalfClosed,
    listeners: Listeners,
    owners: ListenerOwners,
) -> SshSessions:
    """Count the sessions of each peer.

    sshd's ports are those that sshd is seen to listen on, the one at which this login arrived, and
    22, unless something else is seen to listen there. This includes socket activation. Connections
    from this host itself are counted apart: they come through a proxy or a tunnel, for an unknown
    client.

    Raises:
        NotApplicableError: every listener was seen, and none is sshd.
        UnreadableFactError: no listener was seen to be sshd, but not all were seen.
    """
    listening = {listener.port for listener in listeners}
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
    sessions = [connection for port in sorted(ports) for connection in connections.at(port)]
    closing = [connection.peer for port in sorted(ports) for connection in half_closed.at(port)]
    outside = [connection.peer for connection in sessions if not _is_own(connection)]
    waiting = [peer for peer in closing if not peer.is_loopback]
    arriving = Counter(
        connection.peer
        for connection in connections
        if connection.local_port in listening and not _is_own(connection)
    )
    return SshSessions(
        tuple(sorted(ports)),
        tuple(sorted(unseen - ports)),
        tuple(Counter([*outside, *waiting]).most_common()),
        Counter(waiting),
        own=len(sessions) + len(closing) - len(outside) - len(waiting),
        fronted=max(arriving.values(), default=0),
    )


def _is_own(connection: TcpConnection) -> bool:
    return connection.to_itself or connection.peer.is_loopback


def why_not_counted(sessions: SshSessions, limit: int) -> str:
    """Why the sessions that come from this host itself may be one client's; empty if not."""
    if sessions.own <= limit or sessions.fronted <= limit:
        return ""
    return (
        f"{sessions.own} sessions come from this host itself, by a proxy before sshd (sslh, "
        "HAProxy) or a tunnel: whose they are cannot be seen"
    )


def end_sessions(sessions: SshSessions, limit: int) -> str:
    """The remedy of peers that hold too many sessions."""
    ports = " or ".join(f"sport = :{port}" for port in sessions.ports)
    parts = []
    for peer, count in sessions.by_peer:
        if count <= limit:
            break
        # A socket of both families has IPv4 peers mapped.
        peers = f"dst {peer}" if peer.version == 6 else f"dst {peer} or dst [::ffff:{peer}]"
        shown = word(f"( {ports} ) and ( {peers} )")
        states = ["established"] + ["close-wait"] * (sessions.half_closed.get(peer, 0) > 0)
        parts.append(
            paragraphs(
                f"On {peer}, stop the job that opens them, and fix what it tests (see "
                "tunnel-host-key-known there). Then end its sessions here:",
                "\n".join(command(f"ss -K state {state} {shown}") for state in states),
            )
        )
    return paragraphs(
        *parts[:_SHOWN],
        "`ExitOnForwardFailure yes` in the job's ssh makes each surplus one end by itself; this, "
        "in sshd_config, ends those whose peer is gone:",
        content("ClientAliveInterval 60"),
    )


def sessions_bounded(limit: int) -> Matcher[SshSessions]:
    """No peer holds more than `limit` sessions."""
    return Matcher(f"at most {limit} from one peer", lambda sessions: sessions.most <= limit)


def _is(owners: tuple[Owner, ...], names: tuple[str, ...]) -> bool:
    return any(owner.name.startswith(names) for owner in owners)

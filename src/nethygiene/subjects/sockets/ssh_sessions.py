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
# With socket activation these hold the port, whoever answers on it.
_SUPERSERVERS = ("systemd", "init", "xinetd", "inetd", "tcpsvd", "tcpserver", "s6-tcpserver")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SshSessions:
    """Connections to sshd's ports, by the peer that holds them.

    Attributes:
        ports: sshd's ports, as far as they could be told.
        unseen: ports whose listener could not be told to be sshd or another.
        by_peer: peer addresses and their connections, those with most first.
        half_closed: how many of those the peer has closed, and sshd has not, by peer.
        own: those that come from this host itself.
        fronted: the most connections that one peer holds to whatever listens here: no client of a
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
        said = f"{peers or 'none'}, to port {' and '.join(map(str, self.ports))}"
        if half_closed := sum(self.half_closed.values()):
            said += f" ({half_closed} in CLOSE-WAIT: the peer has closed them, and sshd has not)"
        if self.own:
            said += f", besides {self.own} from this host itself"
        if self.unseen:
            said += f" (whose port {', '.join(map(str, self.unseen))} is could not be seen)"
        return said


def ssh_sessions(
    connections: Connections,
    half_closed: HalfClosed,
    listeners: Listeners,
    owners: ListenerOwners,
) -> SshSessions:
    """Count the sessions of each peer.

    sshd's are the ports that sshd is seen to listen on, the one at which this login arrived, and
    22, unless something else is seen to listen there; so socket activation is included. What comes
    from this host itself is counted apart: it comes by a proxy or a tunnel, for whomever.

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
    found = [one for port in sorted(ports) for one in connections.at(port)]
    closing = [one.peer for port in sorted(ports) for one in half_closed.at(port)]
    outside = [one.peer for one in found if not _is_own(one)]
    waiting = [peer for peer in closing if not peer.is_loopback]
    arriving = Counter(
        one.peer for one in connections if one.local_port in listening and not _is_own(one)
    )
    return SshSessions(
        tuple(sorted(ports)),
        tuple(sorted(unseen - ports)),
        tuple(Counter([*outside, *waiting]).most_common()),
        Counter(waiting),
        own=len(found) + len(closing) - len(outside) - len(waiting),
        fronted=max(arriving.values(), default=0),
    )


def _is_own(connection: TcpConnection) -> bool:
    return connection.to_itself or connection.peer.is_loopback


def why_not_counted(sessions: SshSessions, limit: int) -> str:
    """Why the sessions that come from this host itself may be one client's; empty where not."""
    if sessions.own <= limit or sessions.fronted <= limit:
        return ""
    return (
        f"{sessions.own} sessions come from this host itself, by a proxy before sshd (sslh, "
        "HAProxy) or a tunnel: whose they are cannot be seen"
    )


def end_sessions(sessions: SshSessions, limit: int) -> str:
    """The remedy of peers that hold too many."""
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
                f"On {peer}, stop the job that opens them, and mend what it tests (see "
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
    """No peer holds more."""
    return Matcher(f"at most {limit} from one peer", lambda found: found.most <= limit)


def _is(owners: tuple[Owner, ...], names: tuple[str, ...]) -> bool:
    return any(owner.name.startswith(names) for owner in owners)

"""ssh sessions: how many one peer holds."""

from nethygiene.rules import Expect, Policy, Reason, not_applicable, rule, unknown
from nethygiene.subjects.sockets.connections import Connections
from nethygiene.subjects.sockets.half_closed import HalfClosed
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners
from nethygiene.subjects.sockets.ssh_sessions import (
    end_sessions,
    sessions_bounded,
    ssh_sessions,
    why_not_counted,
)


@rule(severity="high", kind="state", incidents=["S0"], version=2)
def test_ssh_sessions_per_peer_bounded(
    connections: Connections,
    half_closed: HalfClosed,
    listeners: Listeners,
    listener_owners: ListenerOwners,
    policy: Policy,
    expect: Expect,
) -> None:
    """No single peer holds more connections to sshd than the policy allows.

    The rule counts connections to sshd's ports that are established, or that the peer has closed
    and sshd has not. The audit's own connection counts too. Connections from this host itself come
    through a tunnel, or a proxy before sshd. More of them than the limit are unknown, unless no
    client has as many connections to this host at all.

    sshd's ports are those on which sshd is seen to listen, the one at which the audit logged in,
    and 22, also with socket activation. Without root, the rule cannot recognise sshd on another
    port. The result names the ports whose owner it could not see.

    Why: A job whose check of its tunnel failed opened one more each minute. The connections to the
        cloud server's port 22 grew in a straight line until it threw everybody out (incident S0).
    Remedy: On the peer, stop the job and fix what it tests (see tunnel-host-key-known there). Then
        end its sessions here. With `ExitOnForwardFailure yes` in the job's ssh, each surplus
        session ends by itself. ClientAliveInterval ends those whose peer is gone. A finding prints
        the commands, with `ss -K`, which takes root and Linux 4.5 or later.

    References:
        - sshd_config(5): ClientAliveInterval, ClientAliveCountMax
        - ssh_config(5): ExitOnForwardFailure
    """
    limit = policy.limits.ssh_sessions_per_peer
    if limit is None:
        not_applicable("the policy declares no limits.ssh_sessions_per_peer", Reason.NOT_DECLARED)
    sessions = ssh_sessions(connections, half_closed, listeners, listener_owners)
    expect(
        "number of ssh sessions",
        sessions,
        sessions_bounded(limit),
        remedy=lambda: end_sessions(sessions, limit),
    )
    if why := why_not_counted(sessions, limit):
        unknown(why)

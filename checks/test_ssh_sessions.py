"""ssh sessions: how many one peer holds."""

from nethygiene.rules import (
    Connections,
    Expect,
    ListenerOwners,
    Listeners,
    Policy,
    Reason,
    not_applicable,
    rule,
    sessions_bounded,
    ssh_sessions,
)


@rule(severity="high", kind="state", incidents=["S0"])
def test_ssh_sessions_per_peer_bounded(
    connections: Connections,
    listeners: Listeners,
    listener_owners: ListenerOwners,
    policy: Policy,
    expect: Expect,
) -> None:
    """No single peer holds more connections to sshd than the policy allows.

    Counted are the established connections to sshd's ports, the audit's own included. Those are
    the ports that sshd is seen to listen on, the one at which the audit logged in, and 22, with
    socket activation too. Without root, sshd on a further port cannot be told from others: the
    result names the ports whose owner could not be seen.

    Why: A job whose check of its tunnel failed opened one more each minute; the connections to
        the cloud server's port 22 grew in a straight line until it threw everybody out
        (incident S0).
    Remedy: On the peer, stop the job and mend what it tests (see tunnel-host-key-known there),
        then end its sessions here. `ExitOnForwardFailure yes` in the job's ssh makes each
        surplus one end by itself, and ClientAliveInterval ends those whose peer is gone.
        `ss -tnp state established sport = :22 dst PEER`
        `ss -K state established sport = :22 dst PEER`
        `echo 'ClientAliveInterval 60' > /etc/ssh/sshd_config.d/90-nethygiene.conf`
    References:
        - sshd_config(5): ClientAliveInterval, ClientAliveCountMax
        - ssh_config(5): ExitOnForwardFailure
    """
    limit = policy.limits.ssh_sessions_per_peer
    if limit is None:
        not_applicable("the policy declares no limits.ssh_sessions_per_peer", Reason.NOT_DECLARED)
    sessions = ssh_sessions(connections, listeners, listener_owners)
    expect("number of ssh sessions", sessions, sessions_bounded(limit))

"""SSH tunnels that a job keeps up."""

from functools import partial

from nethygiene.rules import Expect, Policy, Reason, Tunnel, equal_to, not_applicable, rule, unknown
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners
from nethygiene.subjects.tunnels.ssh_processes import SshProcesses
from nethygiene.subjects.tunnels.tunnel_complaints import NO_COMPLAINTS, log_finding
from nethygiene.subjects.tunnels.tunnel_configs import TunnelConfigs
from nethygiene.subjects.tunnels.tunnel_forwards import forward_states
from nethygiene.subjects.tunnels.tunnel_keys import host_key_findings
from nethygiene.subjects.tunnels.tunnel_logs import TunnelLogs
from nethygiene.subjects.tunnels.tunnel_options import options_in_effect
from nethygiene.subjects.tunnels.tunnel_processes import running_tunnel
from nethygiene.subjects.tunnels.tunnel_remedies import (
    listen_again,
    look_and_empty,
    run_one,
    start_anew,
)


@rule(severity="critical", kind="setting", incidents=["S0"], version=2)
def test_tunnel_host_key_known(
    tunnel_configs: TunnelConfigs, tunnel: Tunnel, expect: Expect
) -> None:
    """ssh knows the host key of the tunnel's destination, its jump hosts and its check.

    Why: The check of a tunnel, an ssh to `[localhost]:19922`, ended each minute with "Host key
        verification failed.", because that name was not in the known_hosts of the job's user. So
        the job took its tunnel for down and started one more, until the server went under (S0).
    Remedy: Fetch the key with ssh-keyscan, and compare its fingerprint with the one that the
        server's own console shows (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there). Only
        then add it to known_hosts, as the user whose job it is; a finding prints the commands. If
        the check goes through the tunnel, fetch the key through the tunnel. If HostKeyAlgorithms
        puts another type first, add the key of that type, or put the known type first. Declare the
        fingerprint as `host_keys`, so that the rule finds a wrong key too.
    Kernels: The rule does not depend on the kernel, and logs in nowhere. It reads `ssh -G` and the
        files that it names as the tunnel's user. That takes the user's login, root, or the sudoers
        lines of `nethygiene sudoers --user LOGIN --inventory=FILE`. A key known through
        @cert-authority alone is unknown here. So is a key whose type stands behind others in a
        HostKeyAlgorithms that is a list or begins with ^, because a server that has a key of an
        earlier type shows that. The rule does not see whether the server still has the known key.

    References:
        - ssh_config(5): StrictHostKeyChecking, HostKeyAlias, ProxyJump
        - sshd(8), SSH_KNOWN_HOSTS FILE FORMAT
    """
    findings = host_key_findings(tunnel, tunnel_configs.of(tunnel))
    for finding in findings:
        if not finding.undecided:
            expect(finding.what, finding.keys, finding.wanted, finding.hint, finding.remedy)
    if undecided := [finding.undecided for finding in findings if finding.undecided]:
        unknown("; ".join(undecided))


@rule(severity="high", kind="setting", incidents=["S0"], version=2)
def test_tunnel_fails_fast(
    ssh_processes: SshProcesses, tunnel_configs: TunnelConfigs, tunnel: Tunnel, expect: Expect
) -> None:
    """The tunnel's ssh ends when it cannot do its work: no forward, no server, a question asked.

    Why: The port of the tunnel was taken, but each new ssh stayed connected without it, exited 0
        in the background, and the job reported a tunnel created successfully (incident S0).
    Remedy: Give ssh these options, on its command line or in the user's ~/.ssh/config, and restart
        it; a finding prints the whole command. Name the address to listen on, as in
        `-L 127.0.0.1:19922:localhost:22`. Without it, ssh is content with `::1` if 127.0.0.1 is
        taken. A unit with `Restart=always` and `RestartSec=10` starts it again when it has ended.
    Kernels: The rule does not depend on the kernel. It takes what a running ssh read from its
        configuration from today's configuration: restart ssh after a change. If the server's sshd
        says GatewayPorts yes, a -R forward listens on every address, whatever it names. The rule
        does not see that.

    References:
        - ssh_config(5): ExitOnForwardFailure, ServerAliveInterval, BatchMode
    """
    running = running_tunnel(tunnel, ssh_processes, tunnel_configs)
    for option in options_in_effect(running, tunnel_configs):
        expect(
            option.what,
            option.value,
            option.wanted,
            option.hint,
            remedy=lambda: start_anew(running),
        )


@rule(severity="high", kind="state", incidents=["S0"], version=2)
def test_tunnel_running(
    ssh_processes: SshProcesses, tunnel_configs: TunnelConfigs, tunnel: Tunnel, expect: Expect
) -> None:
    """Exactly one ssh of that user runs to that destination with that forward.

    Why: A job that took its tunnel for down opened one more each minute. Dozens of connections
        stood at the cloud server. Its memory grew in a straight line until it ended them all
        (incident S0).
    Remedy: If several run, end all of them, and find out why the job takes its tunnel for down
        (tunnel-host-key-known, tunnel-forward-listening). If none runs, see the job's log
        (tunnel-logs-clean), and start it. `kill -CONT` resumes one that is stopped. A systemd unit
        keeps one and never two. If cron stays, a lock does the same: begin the line in the crontab
        with `flock -n`. A finding prints the commands.
    Kernels: The rule does not depend on the kernel. Another user's processes are unknown if /proc
        is mounted with hidepid. So is a ControlMaster, which hides its arguments. An ssh in a
        container or in another network namespace does not count; only root and the user itself see
        the namespace. A second name of the server counts if ssh_config knows it.

    References:
        - ssh(1), flock(1)
        - systemd.service(5): Restart=
    """
    running = running_tunnel(tunnel, ssh_processes, tunnel_configs)
    expect(
        running.what,
        running.count(),
        equal_to(1),
        running.hint,
        remedy=lambda: run_one(running),
    )


@rule(severity="high", kind="state", incidents=["S0"], version=2)
def test_tunnel_forward_listening(
    listeners: Listeners,
    listener_owners: ListenerOwners,
    ssh_processes: SshProcesses,
    tunnel_configs: TunnelConfigs,
    tunnel: Tunnel,
    expect: Expect,
) -> None:
    """The local end of the tunnel listens, and it is the tunnel's own ssh that listens there.

    Why: The port was taken. ssh said so once and stayed connected without a forward. The tunnel
        looked alive, and led nowhere or to somebody else's process (incident S0).
    Remedy: See which process holds the port, with `ss -lntp` as root. End it, or give it another
        port, if it is not the tunnel. If nothing listens, restart the tunnel with
        ExitOnForwardFailure=yes and the address written out; ssh then says what is in its way. A
        finding prints the commands.
    Kernels: The rule does not depend on the kernel. Only root and the socket's own user can see
        whose socket it is; to anyone else it is unknown. The rule does not try whether the other
        end answers.

    References:
        - ssh(1): -L
        - ss(8)
    """
    running = partial(running_tunnel, tunnel, ssh_processes, tunnel_configs)
    states = forward_states(tunnel, listeners, listener_owners, running)
    if not states:
        not_applicable(f"tunnel {tunnel.name} declares no local_forwards", Reason.NOT_DECLARED)
    for state in states:
        expect(
            state.what,
            state,
            state.wanted,
            state.hint,
            remedy=lambda state=state: listen_again(state, running()),  # type: ignore[misc]
        )


@rule(severity="medium", kind="state", incidents=["S0"], version=2)
def test_tunnel_logs_clean(
    tunnel_logs: TunnelLogs, policy: Policy, tunnel: Tunnel, expect: Expect
) -> None:
    """The place that holds the tunnel's standard error reports no recent failure.

    Why: All the evidence of months lay in the mailbox of the cron job's user: "Host key
        verification failed.", "bind: Address already in use". ssh writes these lines to standard
        error, which cron mails; they reach no syslog, and nobody read them (incident S0).
    Remedy: The message names what ssh said. For a key that was not verified or has changed, see
        tunnel-host-key-known. For an address in use or no forwarding, see tunnel-running and
        tunnel-forward-listening. Permission denied means that the job's key is not in the server's
        authorized_keys, or that the job cannot read it. Refused, timed out, no route and closed
        point to the server or the way to it. The lines leave the window, `log_window` seconds, in
        time; or move the file away once the fault is mended. If nothing can be read, give the job a
        log: a unit, or in the crontab a line that ends in `2>> FILE`, which `run_by: {log: FILE}`
        declares.
    Kernels: The rule does not depend on the kernel. A mailbox takes its user or root, a journal
        root. If cron has no sendmail, it discards the output: that is unknown. Lines without a
        time, in a file that has been written to since, are unknown too.

    References:
        - cron(8), crontab(5): MAILTO
        - journalctl(1)
    """
    if tunnel.run_by is None:
        not_applicable(f"tunnel {tunnel.name} declares no run_by", Reason.NOT_DECLARED)
    finding = log_finding(tunnel, policy.log_window, tunnel_logs)
    if finding.is_decided:
        expect(
            finding.what,
            finding.recent,
            NO_COMPLAINTS,
            remedy=lambda: look_and_empty(tunnel, finding.log),
        )
    if finding.undecided:
        unknown(finding.undecided)

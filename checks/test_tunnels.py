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
        verification failed.", for that name was not in the known_hosts of the job's user. So the
        job took its tunnel for down and started one more, until the server went under (S0).
    Remedy: Fetch the key with ssh-keyscan, and compare its fingerprint with the one that the
        server's own console shows (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there). Only
        then let ssh know it, as the user whose job it is; a finding prints the commands. A check
        that goes through the tunnel is asked through the tunnel. Where HostKeyAlgorithms puts
        another type first, add the key of that type, or put the known type first. Declare the
        fingerprint as `host_keys`, so that a wrong key is found as well.
    Kernels: It does not depend on the kernel. Nothing logs in anywhere: `ssh -G` and the files
        that it names are read as the tunnel's user, which takes that login, root, or the sudoers
        lines of `nethygiene sudoers --user LOGIN --inventory=FILE`. A key known through
        @cert-authority alone is unknown here; so is one whose type stands behind others in a
        HostKeyAlgorithms that is a list or begins with ^, for a server that has such a key shows
        that one. Whether the server still has a key of the known type is not seen.

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
    Remedy: Give ssh these options, on its command line or in the user's ~/.ssh/config, and start
        it anew; a finding prints the whole command. Name the address to listen on, as in
        `-L 127.0.0.1:19922:localhost:22`: without it, ssh is content with `::1` where 127.0.0.1 is
        taken. A unit with `Restart=always` and `RestartSec=10` starts it again when it has ended.
    Kernels: It does not depend on the kernel. What a running ssh was told by its configuration is
        taken from the configuration of now: restart it after a change. Where the server's sshd
        says GatewayPorts yes, a -R forward listens on every address whatever it names: that is
        not seen from here.

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
        stood at the cloud server, whose memory grew in a straight line until it ended them all
        (incident S0).
    Remedy: More than one: end all of them, and find out why the job takes its tunnel for down
        (tunnel-host-key-known, tunnel-forward-listening). None: see the job's log
        (tunnel-logs-clean), and start it; one that is stopped goes on by `kill -CONT`. A systemd
        unit keeps one and never two; where cron stays, a lock does, by a line in the crontab that
        begins with `flock -n`. A finding prints the commands.
    Kernels: It does not depend on the kernel. Where /proc is mounted with hidepid, another
        user's processes are unknown. So is a ControlMaster, which hides its arguments. An ssh in a
        container, or in another network namespace, is none of this host's; of the latter only root
        and the user itself are told. A second name of the server counts where ssh_config knows it.

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

    Why: Where the port was taken, ssh said so once and stayed connected without a forward:
        the tunnel looked alive, and led nowhere or to somebody else's process (incident S0).
    Remedy: See which process holds the port, with `ss -lntp` as root, and end the one that is not
        the tunnel, or give it another port. Where nothing listens, start the tunnel anew with
        ExitOnForwardFailure=yes and the address written out; ssh then says what is in its way. A
        finding prints the commands.
    Kernels: It does not depend on the kernel. Whose socket it is, only root or its own user can
        see; to anyone else it is unknown. That the other end answers is not tried.

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
    """The place that holds the tunnel's standard error tells of no failure of late.

    Why: All the evidence of months lay in the mailbox of the cron job's user: "Host key
        verification failed.", "bind: Address already in use". ssh writes these lines to standard
        error, which cron mails; they reach no syslog, and nobody read them (incident S0).
    Remedy: The message names what ssh said. Not verified or changed: tunnel-host-key-known.
        Address in use, no forwarding: tunnel-running and tunnel-forward-listening. Permission
        denied: the job's key is not in the server's authorized_keys, or the job cannot read it.
        Refused, timed out, no route, closed: the server or the way to it. The lines themselves
        leave the window, `log_window` seconds, by and by; or keep the file elsewhere once it is
        mended. Where nothing can be read, give the job a log: a unit, or in the crontab a line that
        ends in `2>> FILE`, which `run_by: {log: FILE}` declares.
    Kernels: It does not depend on the kernel. A mailbox takes its user or root, a journal root.
        Where cron has no sendmail the output is discarded: that is unknown, as are lines that do
        not tell when they were written, in a file that has been written to since.

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

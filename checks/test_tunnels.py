"""SSH tunnels that a job keeps up."""

from nethygiene.rules import Expect, Tunnel, TunnelConfigs, host_key_findings, rule, unknown


@rule(severity="critical", kind="setting", incidents=["S0"])
def test_tunnel_host_key_known(
    tunnel_configs: TunnelConfigs, tunnel: Tunnel, expect: Expect
) -> None:
    """ssh knows the host key of the tunnel's destination, its jump hosts and its check.

    Why: The check of a tunnel, an ssh to `[localhost]:19922`, ended each minute with "Host key
        verification failed.", for that name was not in the known_hosts of the job's user. So the
        job took its tunnel for down and started one more, until the server went under (S0).
    Remedy: As the user whose job it is, fetch the key, and compare its fingerprint with the one
        that the server's own console shows. Only then add it; HOST and PORT are those of the
        message, and a check that goes through the tunnel is asked through the tunnel.
        `ssh-keyscan -p PORT HOST > /tmp/host_key`
        `ssh-keygen -lf /tmp/host_key`
        `cat /tmp/host_key >> ~/.ssh/known_hosts`
        On the server: `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`. An old key of that name
        goes away with `ssh-keygen -R '[HOST]:PORT'`. Declare the fingerprint as `host_keys`, so
        that a wrong key is found as well.
    Kernels: It does not depend on the kernel. Nothing logs in anywhere: `ssh -G` and the files
        that it names are read as the tunnel's user, which takes that login, root, or the sudoers
        lines of `python -m nethygiene sudoers --user LOGIN --inventory=FILE`. A key known through
        @cert-authority alone is unknown here.

    References:
        - ssh_config(5): StrictHostKeyChecking, HostKeyAlias, ProxyJump
        - sshd(8), SSH_KNOWN_HOSTS FILE FORMAT
    """
    findings = host_key_findings(tunnel, tunnel_configs.of(tunnel))
    for finding in findings:
        if not finding.undecided:
            expect(finding.what, finding.keys, finding.wanted, finding.hint)
    if undecided := [finding.undecided for finding in findings if finding.undecided]:
        unknown("; ".join(undecided))

"""What OpenSSH's client says of a failed connection, as the same errors as paramiko's.

Source: the messages of ssh.c, sshconnect.c, sshconnect2.c, kex.c and packet.c, 7.x to 10.x.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.dial import place, timed_out
from nethygiene.transport.prepared_shell import Ended
from nethygiene.transport.retry import ClosedEarlyError

_VERIFY = (
    "compare the fingerprint with the host's own (on its console: ssh-keygen -lf"
    " /etc/ssh/ssh_host_ed25519_key.pub), then"
)

# Pattern in the log, code, cure: the first that is found decides.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"Bad configuration option: knownhostscommand",
        "ssh-config",
        "nethygiene_host_keys needs OpenSSH 8.5 with connection ssh: use paramiko, or known_hosts",
    ),
    (
        r"Bad configuration option|Can't open user config file|[Uu]nsupported option",
        "ssh-config",
        "correct ssh_config, --ssh-config or ansible_ssh_common_args",
    ),
    (
        r"Could not resolve hostname|hostname contains invalid",
        "name-resolution",
        "correct ansible_host, or the name service of this machine",
    ),
    (
        r"REVOKED HOST KEY|marked as revoked|host key .* revoked",
        "revoked-host-key",
        "do not connect; give the host a new key, and find out why this one was revoked",
    ),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key for .* has changed",
        "changed-host-key",
        f"{_VERIFY} replace the line; if it is wrong, this is another host or somebody in between",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        "unknown-host-key",
        f"{_VERIFY} add its line to known_hosts, or nethygiene_host_keys to the inventory",
    ),
    (
        r"Too many authentication failures",
        "authentication",
        "name the right key by ansible_ssh_private_key_file, so that it is offered first",
    ),
    (
        r"incorrect passphrase supplied",
        "passphrase",
        "load the key into an agent: ssh-add",
    ),
    (
        r"Permission denied \(|No supported authentication|Permission denied, please",
        "authentication",
        "see that one of the keys is in the user's authorized_keys and that ansible_user is right",
    ),
    (
        r"Unable to negotiate",
        "kex",
        "allow a current algorithm on one side, in ssh_config or in the host's sshd_config",
    ),
    (
        r"banner line contains invalid|Bad remote protocol version|Bad packet length",
        "banner",
        "correct ansible_port, or see what listens there",
    ),
    (
        r"administratively prohibited",
        "refused",
        "allow forwarding on the jump host: AllowTcpForwarding, PermitOpen",
    ),
    (
        r"Connection refused",
        "refused",
        "start sshd there, or correct ansible_host and ansible_port",
    ),
    (
        r"No route to host|Network is unreachable|Host is down",
        "no-route",
        "see to the route to it (ip route get), and that a firewall does not reject",
    ),
    (
        r"timed out|Connection timeout",
        "timeout",
        "see whether the host is up and a firewall drops packets, or raise --connect-timeout",
    ),
)
_CLOSED = re.compile(
    r"kex_exchange_identification|ssh_exchange_identification|Connection (closed|reset) by|"
    r"Connection to .* closed|ssh_dispatch_run_fatal"
)


@dataclass(frozen=True, slots=True)
class ClientLog:
    """What a log at level DEBUG1 tells of one ssh process.

    Attributes:
        host_key: fingerprint of the key that the server showed, None before that.
        address: what was connected to, None behind a proxy.
        authenticated: the login succeeded.
        exited: the remote command's status arrived.
        errors: ssh's own messages, without the debugging ones.
    """

    host_key: str | None
    address: str | None
    authenticated: bool
    exited: bool
    errors: str


def read_log(text: str) -> ClientLog:
    """Take a log apart."""
    key = re.search(r"^debug1: Server host key: \S+ (SHA256:\S+)", text, re.MULTILINE)
    connects = re.findall(r"^debug1: Connecting to \S+ \[([^]]+)\] port (\d+)", text, re.MULTILINE)
    errors = [line.strip() for line in text.splitlines() if not line.startswith("debug1:")]
    return ClientLog(
        host_key=key[1] if key else None,
        address=place(connects[-1][0], int(connects[-1][1])) if connects else None,
        authenticated="\nAuthenticated to " in text,
        exited="rtype exit-s" in text,
        errors="\n".join(line for line in errors if line and not line.startswith("Authenticated")),
    )


def explain(
    where: str, ended: Ended, log: ClientLog, jump_errors: str, deadline: Deadline
) -> ConnectError | ClosedEarlyError:
    """The error for an ssh process that ended before the host's shell was there."""
    if log.authenticated:
        return _after_login(where, ended, log, deadline)
    said = "\n".join(filter(None, (jump_errors, log.errors, ended.stderr.strip())))
    prefix = f"{where} by way of its jump host" if jump_errors else where
    offered = f" (it offers {log.host_key})" if log.host_key else ""
    for pattern, code, cure in _CAUSES:
        found = re.search(pattern, said)
        if found is not None:
            line = _line(said, found.start())
            detail = offered if code.endswith("host-key") else ""
            return ConnectError(code, f"{prefix}: {line}{detail}", cure, log.host_key)
    if ended.timed_out:
        return timed_out(where, "ssh to log in", deadline)
    found = _CLOSED.search(said)
    if found is not None:
        cure = "see the host's sshd log; raise its MaxStartups, or lower --forks"
        return ClosedEarlyError(
            ConnectError("closed", f"{prefix}: {_line(said, found.start())}", cure)
        )
    words = said.splitlines()[-1] if said else f"ssh ended with status {ended.status}"
    return ConnectError("closed", f"{prefix}: {words}", f"try: ssh -v {where}")


def _after_login(where: str, ended: Ended, log: ClientLog, deadline: Deadline) -> ConnectError:
    if ended.timed_out:
        return timed_out(where, "a shell after the login", deadline)
    said = (ended.stdout.strip() or ended.stderr.strip() or log.errors).splitlines()
    words = said[-1] if said else f"ended with status {ended.status}"
    return ConnectError(
        "exec-denied",
        f"{where} logged in, but gave no shell: {words}",
        "see the user's login shell, and ForceCommand and MaxSessions in the host's sshd_config",
        log.host_key,
    )


def _line(text: str, position: int) -> str:
    start = text.rfind("\n", 0, position) + 1
    end = text.find("\n", position)
    return text[start : end if end >= 0 else len(text)].strip(" @\r")

"""Turns what OpenSSH's client says of a failed connection into the errors that paramiko gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.dial import timed_out
from nethygiene.transport.handshake_errors import BUSY, closed, not_forwarded, not_ssh
from nethygiene.transport.openssh_log import ClientLog, Phase
from nethygiene.transport.prepared_shell import GREETING_BYTES, Ended
from nethygiene.transport.retry import ClosedEarlyError

_VERIFY = (
    "compare the fingerprint with the host's own (on its console: ssh-keygen -lf"
    " /etc/ssh/ssh_host_ed25519_key.pub), then"
)

# Pattern in what ssh says, code, cure: the first pattern that matches decides.
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
        r"Permission denied \((?!.*publickey)",
        "authentication",
        "let sshd accept a public key alone for this user",
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
        r"banner line (contains invalid|too long)|Bad remote protocol version|Bad packet length",
        "banner",
        "correct ansible_port, or see what listens there",
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
        "",
    ),
)
_WHEN = {
    Phase.BANNER: "before it said that it speaks SSH",
    Phase.KEX: "during the key exchange",
    Phase.AUTHENTICATION: "during authentication",
}
_WORDS = 200


@dataclass(frozen=True, slots=True)
class LoggedHop:
    """One ssh process on the way: a jump host's, or the destination's own.

    Attributes:
        name: the host's name in messages.
        log: the process's log.
    """

    name: str
    log: ClientLog


def explain(
    way: Sequence[LoggedHop], ended: Ended, deadline: Deadline
) -> ConnectError | ClosedEarlyError:
    """The error for an ssh process that ended before the host's shell was there.

    Args:
        way: the jump hosts, the first to pass first, and the destination.
        ended: the end of the destination's process.
        deadline: the shell's.
    """
    for before, hop in zip((None, *way), way, strict=False):
        if not hop.log.authenticated:
            own = ended.stderr.strip() if hop is way[-1] else None
            return _not_logged_in(before, hop, own, ended, deadline)
    return _after_login(way[-1], ended, deadline)


def blamed(way: Sequence[LoggedHop]) -> LoggedHop:
    """The first hop that did not let us in, or the destination."""
    return next((hop for hop in way if not hop.log.authenticated), way[-1])


def _not_logged_in(
    before: LoggedHop | None, hop: LoggedHop, own: str | None, ended: Ended, deadline: Deadline
) -> ConnectError | ClosedEarlyError:
    """The error of the first hop that did not let us in, or of the jump host before it."""
    log = hop.log
    # A jump host's key is not the destination's: only the message shows it.
    seen = log.host_key if own is not None else None
    refusal = re.search(r"open failed: (.+)", before.log.errors) if before else None
    if before is not None and refusal is not None:
        return not_forwarded(before.name, hop.name, refusal[1][:_WORDS])
    if log.phase is Phase.BANNER and log.preamble and not log.preamble.startswith(BUSY):
        return not_ssh(hop.name, log.preamble.encode("utf-8", "replace"))
    said = "\n".join(filter(None, (log.errors, own)))
    offered = f" (it offers {log.host_key})" if log.host_key else ""
    through = f" through {before.name}" if before else ""
    for pattern, code, cure in _CAUSES:
        match = re.search(pattern, said)
        if match is None:
            continue
        if code == "timeout":
            # ssh has the same deadline, and may notice it first.
            return timed_out(hop.name, f"{log.phase}{through}", deadline)
        line = _line(said, match.start())
        if code == "authentication" and log.accepted_key and not re.search("agent|sign", said):
            return ConnectError(
                "passphrase",
                f"{hop.name}: the host accepts {log.accepted_key}, which cannot be used here:"
                " it has a passphrase and no agent holds it",
                f"load it into an agent: ssh-add {log.accepted_key}",
                seen,
            )
        detail = offered if code.endswith("host-key") else ""
        return ConnectError(code, f"{hop.name}: {line}{detail}", cure, seen)
    if ended.timed_out:
        return timed_out(hop.name, f"{log.phase}{through}", deadline)
    last = said.splitlines()[-1][:_WORDS] if said else ""
    if log.phase in _WHEN:
        # Without a jump host before it, a hop without an address has a ProxyCommand.
        proxy = log.phase is Phase.BANNER and log.address is None and before is None
        words = ((own or "").splitlines() or [last])[-1][:_WORDS] if proxy else log.preamble or last
        return ClosedEarlyError(closed(hop.name, _WHEN[log.phase], words, proxy=proxy))
    words = last or f"ssh ended with status {ended.status}"
    return ConnectError("closed", f"{hop.name}: {words}", "try the same with: ssh -v")


def _after_login(hop: LoggedHop, ended: Ended, deadline: Deadline) -> ConnectError:
    where, log = hop.name, hop.log
    said = (ended.stdout.strip() or ended.stderr.strip() or log.errors).splitlines()
    if ended.flooded:
        return ConnectError(
            "too-much-output",
            f"{where} logged in, but its login shell printed more than"
            f" {GREETING_BYTES // 1024} KiB instead of running a command; it began with"
            f" {repr(said[0] if said else '')[:_WORDS]}",
            "look at what its login shell and commands print",
            log.host_key,
        )
    if ended.timed_out:
        return ConnectError(
            "timeout",
            f"{where} logged in, but gave no shell within {deadline.seconds:g} s",
            "look at what its login shell does before it runs a command, or raise"
            " --connect-timeout",
            log.host_key,
        )
    # ssh's own status without the end of a command: ssh lost the connection.
    if ended.status == 255 and not log.exited and "open failed" not in log.errors:
        return ConnectError(
            "closed",
            f"{where} closed the connection right after the login",
            "see the host's sshd log: the account may be locked, or may not run commands",
            log.host_key,
        )
    words = said[-1][:_WORDS] if said else f"ended with status {ended.status}"
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

"""What OpenSSH's client prints, as errors; the texts were taken from 9.2."""

from __future__ import annotations

import pytest

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.openssh_errors import LoggedHop, explain
from nethygiene.transport.openssh_log import Phase, read_log
from nethygiene.transport.prepared_shell import Ended
from nethygiene.transport.retry import ClosedEarlyError

NOTHING = Ended(255, "", "", timed_out=False)


def told(*logs: str, ended: Ended = NOTHING) -> ConnectError:
    """The error for the logs of the ssh processes of all hops, the destination's last."""
    names = [*(f"jump host {number}" for number in range(1, len(logs))), "web"]
    way = [LoggedHop(name, read_log(log)) for name, log in zip(names, logs, strict=True)]
    error = explain(way, ended, Deadline.after(3))
    if isinstance(error, ClosedEarlyError):
        error = error.error
    assert isinstance(error, ConnectError)
    assert "\n" not in error.message
    assert error.cure
    return error


def code(log: str, ended: Ended = NOTHING) -> str:
    return told(log, ended=ended).code


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ssh: Could not resolve hostname web: Name or service not known", "name-resolution"),
        ("ssh: connect to host web port 22: Connection refused", "refused"),
        ("ssh: connect to host web port 22: No route to host", "no-route"),
        ("ssh: connect to host web port 22: Network is unreachable", "no-route"),
        ("ssh: connect to host web port 22: Connection timed out", "timeout"),
        ("Connection timed out during banner exchange", "timeout"),
        ("Host key verification failed.", "unknown-host-key"),
        ("No ED25519 host key is known for web and you have requested strict", "unknown-host-key"),
        ("@ REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
         "changed-host-key"),
        ("@ WARNING: REVOKED HOST KEY DETECTED! @\nHost key verification failed.",
         "revoked-host-key"),
        ("root@web: Permission denied (publickey).", "authentication"),
        ("Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
         "authentication"),
        ("Unable to negotiate with 10.0.0.1 port 22: no matching host key type found.", "kex"),
        ("kex_exchange_identification: Connection closed by remote host", "closed"),
        ("kex_exchange_identification: read: Connection reset by peer", "closed"),
        ("kex_exchange_identification: banner line contains invalid characters", "banner"),
        ("/x: line 1: Bad configuration option: nonsense", "ssh-config"),
        ("something that no version printed before", "closed"),
        ("", "closed"),
    ],
)  # fmt: skip
def test_codes(said: str, expected: str) -> None:
    assert code(said) == expected
    behind = told(said, "Connection closed by UNKNOWN port 65535")
    assert (behind.code, behind.message.split(":")[0].split(" c")[0]) == (expected, "jump host 1")


IN = 'x\nAuthenticated to jump ([10.0.0.1]:22) using "publickey".\n'


def test_the_hop_that_failed_is_named() -> None:
    lost = "kex_exchange_identification: Connection closed by remote host"
    assert told("", IN, lost).message.startswith("jump host 1")
    assert told(IN, "Host key verification failed.", lost).message.startswith("jump host 2: Host")
    assert told(IN, IN, "Host key verification failed.").message.startswith("web: Host key")
    refused = told(IN, IN + "channel 0: open failed: connect failed: Connection refused", lost)
    assert (refused.code, "jump host 2 cannot connect to web" in refused.message) == (
        "refused", True,
    )  # fmt: skip
    forbidden = told(IN + "channel 0: open failed: administratively prohibited: no", "", lost)
    assert "jump host 1 may not forward to jump host 2" in forbidden.message
    assert "AllowTcpForwarding" in forbidden.cure


@pytest.mark.parametrize(
    ("log", "phase"),
    [
        ("debug1: Reading configuration data /etc/ssh/ssh_config", Phase.RESOLUTION),
        ("debug1: Connecting to web [10.0.0.11] port 22.", Phase.TCP),
        ("debug1: Connection established.", Phase.BANNER),
        ("debug1: Executing proxy command: exec nc web 22", Phase.BANNER),
        ("debug1: Remote protocol version 2.0, remote software version x", Phase.KEX),
        ("debug1: Server host key: ssh-ed25519 SHA256:abc", Phase.AUTHENTICATION),
        (IN, Phase.SHELL),
    ],
)
def test_a_deadline_names_what_was_waited_for(log: str, phase: Phase) -> None:
    assert read_log(log).phase is phase
    error = told(log, ended=Ended(None, "", "", timed_out=True))
    assert error.code == "timeout"
    assert str(phase) in error.message or "gave no shell within 3 s" in error.message


def test_a_key_with_a_passphrase_is_told_from_one_that_is_not_authorized() -> None:
    denied = "root@web: Permission denied (publickey)."
    accepted = "debug1: Server accepts key: /root/my key ED25519 SHA256:abc explicit\n"
    assert told(accepted + denied).cure.endswith("ssh-add /root/my key")
    signing = "sign_and_send_pubkey: signing failed for ED25519 from agent: agent refused\n"
    assert told(accepted + signing + denied).code == "authentication"


def test_a_greeting_without_end_is_told_in_few_words() -> None:
    error = told(IN, ended=Ended(None, "x" * 300_000, "", timed_out=False, flooded=True))
    assert error.code == "too-much-output"
    assert len(error.message) < 400


def test_debugging_lines_are_no_causes() -> None:
    log = "debug1: Connection refused, they say\nPermission denied (publickey)."
    assert code(log) == "authentication"


def test_a_log_is_taken_apart() -> None:
    log = read_log(
        "debug1: Connecting to web [10.0.0.11] port 2222.\r\n"
        "debug1: Server host key: ssh-ed25519 SHA256:abc\r\n"
        'Authenticated to web ([10.0.0.11]:2222) using "publickey".\r\n'
        "debug1: client_input_channel_req: channel 0 rtype exit-status reply 0\r\n"
    )
    assert (log.address, log.host_key) == ("10.0.0.11:2222", "SHA256:abc")
    assert log.authenticated
    assert log.exited
    assert log.errors == ""


def test_a_login_without_a_shell_is_exec_denied() -> None:
    log = 'Authenticated to web ([10.0.0.11]:22) using "publickey".\n'
    assert code("x\n" + log, ended=Ended(1, "not available", "", timed_out=False)) == "exec-denied"
    assert code("x\n" + log, ended=Ended(None, "", "", timed_out=True)) == "timeout"

"""What OpenSSH's client prints, as errors; the texts were taken from 9.2."""

from __future__ import annotations

import pytest

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.openssh_errors import explain, read_log
from nethygiene.transport.prepared_shell import Ended
from nethygiene.transport.retry import ClosedEarlyError

NOTHING = Ended(255, "", "", timed_out=False)


def code(log: str, jump: str = "", ended: Ended = NOTHING) -> str:
    error = explain("web", ended, read_log(log), jump, Deadline.after(3))
    if isinstance(error, ClosedEarlyError):
        error = error.error
    assert isinstance(error, ConnectError)
    assert "\n" not in error.message
    assert error.cure
    return error.code


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
    assert code("Connection closed by UNKNOWN port 65535", jump=said or "x") in {expected, "closed"}


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

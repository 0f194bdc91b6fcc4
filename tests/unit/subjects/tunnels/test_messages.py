"""What ssh says, when it said it, and any bytes instead."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.subjects.tunnels.messages import (
    PATTERN,
    complaints_of_log,
    complaints_of_mailbox,
    is_complaint,
    line_time,
    oldest_mail,
    zone_of,
)

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC).timestamp()
BERLIN = timezone(timedelta(hours=1))


# By OpenSSH's source; those of tests/lab/test_ssh_messages.py are said by the ssh that is here.
SAID = """\
Host key verification failed.
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@       WARNING: REVOKED HOST KEY DETECTED!               @
@       WARNING: POSSIBLE DNS SPOOFING DETECTED!          @
Host key for cloud.example has changed and you have requested strict checking.
ED25519 host key for cloud.example was revoked and you have requested strict checking.
No ED25519 host key is known for cloud.example and you have requested strict checking.
Exiting, you have requested strict checking.
Port forwarding is disabled to avoid man-in-the-middle attacks.
Error: forwarding disabled due to host key check failure
Server host key ssh-rsa not in HostKeyAlgorithms
Bad server host key: Invalid key length
bind: Address already in use
bind [127.0.0.1]:19922: Address already in use
bind [::1]:19922: Address already in use
bind [203.0.113.5]:19922: Cannot assign requested address
bind [127.0.0.1]:22: Permission denied
channel_setup_fwd_listener_tcpip: cannot listen to port: 19922
channel_setup_fwd_listener: cannot listen to port: 19922
Could not request local forwarding.
Could not request remote forwarding.
Warning: remote port forwarding failed for listen port 19922
Error: remote port forwarding failed for listen port 19922
Privileged ports can only be forwarded by root.
Bad local forwarding specification '1:2'
channel 2: open failed: connect failed: Connection refused
channel 3: open failed: administratively prohibited: open failed
connect_to localhost port 8080: failed.
connect to localhost port 8080 failed: Connection refused
mux_client_forward: forwarding request failed: Port forwarding failed
Master refused forwarding request: Permission denied
ssh: connect to host cloud.example port 22: Connection refused
ssh: connect to host cloud.example port 22: Connection timed out
ssh: connect to host 2001:db8::7 port 22: No route to host
ssh: connect to host 203.0.113.7 port 22: Network is unreachable
ssh: connect to address 203.0.113.7 port 22: Connection refused
ssh: Could not resolve hostname cloud.example: Name or service not known
ssh: Could not resolve hostname cloud.example: Temporary failure in name resolution
ssh_exchange_identification: Connection closed by remote host
kex_exchange_identification: read: Connection reset by peer
kex_exchange_identification: Connection closed by remote host
Connection timed out during banner exchange
banner exchange: Connection to 203.0.113.7 port 22: Broken pipe
ssh_dispatch_run_fatal: Connection to 203.0.113.7 port 22: incorrect signature
Connection to 203.0.113.7 port 22 timed out
Connection to UNKNOWN port 65535 timed out
Connection closed by 203.0.113.7 port 22
Connection closed by 203.0.113.7
Connection closed by UNKNOWN port 65535
Connection reset by 2001:db8::7 port 22
Connection to cloud.example closed by remote host.
Disconnected from 203.0.113.7 port 22
Disconnecting 203.0.113.7 port 22: Too many authentication failures
Received disconnect from 203.0.113.7 port 22:2: Too many authentication failures
Received disconnect from 203.0.113.7: 2: Too many authentication failures for plant
Timeout, server cloud.example not responding.
client_loop: send disconnect: Broken pipe
packet_write_wait: Connection to 203.0.113.7 port 22: Broken pipe
Write failed: Broken pipe
Read from remote host cloud.example: Connection timed out
Unable to negotiate with 203.0.113.7 port 22: no matching host key type found. Their offer: ssh-rsa
Bad packet length 1231976033.
plant@cloud.example: Permission denied (publickey,password).
Permission denied (publickey).
Permission denied, please try again.
Bad owner or permissions on /home/plant/.ssh/config
/home/plant/.ssh/config: line 3: Bad configuration option: hots
/home/plant/.ssh/config: terminating, 1 bad configuration options
/home/plant/.ssh/config line 2: Bad number 'x': invalid format
command-line line 0: Bad yes/no argument: maybe
Can't open user config file /home/plant/none: No such file or directory
No user exists for uid 4242
/home/plant/tunnel.sh: 2: ssh: not found
bash: line 1: ssh: command not found
""".splitlines()


@pytest.mark.parametrize("line", SAID)
def test_old_and_new_messages(line: str) -> None:
    assert is_complaint(line)
    assert is_complaint(f"Nov 21 11:40:01 home ssh[1]: {line}\r")


def test_grep_finds_what_we_find() -> None:
    text = "\n".join(SAID)
    done = subprocess.run(
        ["grep", "-cE", PATTERN], input=text, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{len(SAID)}\n"
    # It stands in double quotes within single ones, and in a sudoers file.
    assert not set(PATTERN) & set("\"'$`\\\n")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nginx: bind() to 0.0.0.0:80 failed",
        "Tunnel created",
        "Connection closed by foreign host.",
        "curl: (56) Recv failure: Connection reset by peer",
        "Warning: Permanently added 'cloud.example' (ED25519) to the list of known hosts.",
        "Pseudo-terminal will not be allocated because stdin is not a terminal.",
        'Load key "/home/plant/.ssh/other": bad permissions',
        "Allocated port 40000 for remote forward to localhost:22",
        "Connection to cloud.example closed.",
        "cp: cannot open 'x': Permission denied",
    ],
)
def test_others(line: str) -> None:
    assert not is_complaint(line)


@pytest.mark.parametrize(
    ("line", "iso"),
    [
        ("2026-01-02T11:00:00+01:00 x", "2026-01-02T10:00:00+00:00"),
        ("2026-01-02 11:00:00,123 x", "2026-01-02T10:00:00+00:00"),
        ("[2026-01-02T10:00:00Z] x", "2026-01-02T10:00:00+00:00"),
        ("Jan  2 11:00:00 home x", "2026-01-02T10:00:00+00:00"),
        ("Dec 31 11:00:00 home x", "2025-12-31T10:00:00+00:00"),
        ("1767348000.123456 home x", "2026-01-02T10:00:00+00:00"),
    ],
)
def test_times_of_lines(line: str, iso: str) -> None:
    assert line_time(line, BERLIN, NOW) == datetime.fromisoformat(iso).timestamp()


@pytest.mark.parametrize("line", ["x", "2026-13-45 99:99:99 x", "Feb 30 11:00:00 x", ""])
def test_no_time(line: str) -> None:
    assert line_time(line, BERLIN, NOW) is None


def test_a_mail_is_dated_by_its_header_or_else_by_its_envelope() -> None:
    lines = [
        "From plant@home Fri Jan  2 11:00:00 2026",
        "Host key verification failed.",
        "From plant@home Fri Jan  2 11:00:00 2026",
        "Date: Fri, 02 Jan 2026 09:30:00 +0000",
        "Date: Thu, 01 Jan 1970 00:00:00 +0000",
        "Host key verification failed.",
        "From nobody knows when",
        "Host key verification failed.",
    ]
    ten = datetime(2026, 1, 2, 10, 0, tzinfo=UTC).timestamp()
    times = [one.time for one in complaints_of_mailbox(lines, BERLIN)]
    assert times == [ten, ten - 1800, None]
    assert oldest_mail(lines, BERLIN) == ten


def test_zones() -> None:
    assert zone_of("+0100") == BERLIN
    assert zone_of("-0930") == timezone(-timedelta(hours=9, minutes=30))
    assert zone_of("CET") is zone_of("+9999") is None


LINES = st.lists(
    st.text(max_size=60)
    | st.builds("Date: {}".format, st.text(max_size=40))
    | st.builds("From x {}".format, st.text(max_size=30))
    | st.builds("{} Host key verification failed.".format, st.text(max_size=30))
)


@given(LINES)
def test_any_lines_give_something(lines: list[str]) -> None:
    complaints_of_mailbox(lines, BERLIN)
    complaints_of_log(lines, BERLIN, NOW)
    oldest_mail(lines, BERLIN)

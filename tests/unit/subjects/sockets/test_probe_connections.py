"""Established connections, as several versions of ss print them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.sockets.connections import Connections, TcpConnection, Timer, parse_due
from tests.cpu import within_cpu_seconds
from tests.unit.sections import fact, section

HEADER = "Recv-Q Send-Q      Local Address:Port        Peer Address:Port Process      \n"
MODERN = f"""198.51.100.7 50000 192.0.2.1 2222
{HEADER}0      0               192.0.2.1:443       198.51.100.7:33044 ino:12 sk:13fa cgroup:/ <->
\t ts sack cubic rto:204 mss:1448 cwnd:10 lastsnd:5000 lastrcv:4000 lastack:1400 minrtt:0.2   
0      0      [::ffff:192.0.2.1]:443  [::ffff:198.51.100.8]:5 timer:(keepalive,119min,0) ino:13
\t ts sack cubic mss:1448 cwnd:10 lastsnd:1 lastrcv:2000 lastack:2000
0      6    [fe80::1]%eth0.100:443            [fe80::9]:1234  timer:(on,9.123ms,2) ino:14 sk:1
\t ts mss:1448 cwnd:10
0      0                 [::1]:40000             [::1]:443  ino:15 sk:1
\t mss:1448 lastsnd:1400 lastrcv:1400 lastack:1400
0      0                 [::1]:443               [::1]:40000  ino:0 sk:1
\t mss:1448 lastsnd:1400 lastrcv:1400 lastack:1400
"""  # noqa: W291 - as ss pads its columns
# Before iproute2 4.13: no brackets, and no column for the process.
OLD = """
Recv-Q Send-Q Local Address:Port                 Peer Address:Port
0      0      ::ffff:192.0.2.1:443               ::ffff:198.51.100.8:33044               timer:\
(keepalive,1min30sec,0) ino:9 sk:ffff8800
\t cubic wscale:7,7 rto:204 mss:1448 cwnd:10 lastsnd:90 lastrcv:90 lastack:90
0      0      ::1:443                            ::1:33044
\t cubic mss:1448 cwnd:10 lastsnd:90 lastrcv:90 lastack:90
"""


def connections(text: str | bytes) -> Connections | Unreadable:
    found = fact("connections", {"connections": text})
    assert isinstance(found, Connections | Unreadable)
    return found


def read(text: str) -> list[TcpConnection]:
    found = connections(text)
    assert isinstance(found, Connections), found
    return list(found)


def test_a_modern_ss() -> None:
    found = connections(MODERN)
    assert isinstance(found, Connections)
    assert found.arrival() == 2222
    plain, mapped, sending, back, out = found
    assert str(plain) == "192.0.2.1:443 with 198.51.100.7:33044"
    assert (plain.timer, plain.silent, plain.quiet, plain.accepted) == (None, 1.4, 4.0, True)
    assert (mapped.local, mapped.peer) == (ip_address("192.0.2.1"), ip_address("198.51.100.8"))
    assert mapped.timer == Timer("keepalive", 7140, 7200)
    assert (mapped.silent, mapped.quiet) == (0.001, 0.001)
    assert str(sending) == "[fe80::1]:443 with [fe80::9]:1234"
    # What ss leaves out was 0 ms ago.
    assert (sending.timer, sending.silent) == (Timer("on", 9.123, 9.123), 0.0)
    assert out.to_itself
    assert back.to_itself
    assert not plain.to_itself
    assert (back.accepted, out.accepted) == (False, True)


def test_an_ss_of_before_2017() -> None:
    mapped, six = read(OLD)
    assert str(mapped) == "192.0.2.1:443 with 198.51.100.8:33044"
    assert mapped.timer == Timer("keepalive", 90, 91)
    assert str(six) == "[::1]:443 with [::1]:33044"
    # Without `ino:` it is not known to be in the accept queue.
    assert six.accepted


def test_finding_them_by_either_end() -> None:
    found = connections(MODERN)
    assert isinstance(found, Connections)
    assert len(found.at(443)) == 4
    assert found.at(444) == ()
    assert [one.peer_port for one in found.to(ip_address("198.51.100.8"), 5)] == [5]
    assert found.to(ip_address("198.51.100.8"), 6) == ()


def test_a_host_without_connections_or_ssh() -> None:
    found = connections("\n" + HEADER)
    assert isinstance(found, Connections)
    assert list(found) == []
    assert found.arrival() is None


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("119min", (7140, 7200)),
        ("9min59sec", (599, 600)),
        ("2min", (120, 121)),
        ("59sec", (59, 60)),
        ("9sec", (9, 9)),
        ("9.123ms", (9.123, 9.123)),
        ("200ms", (0.2, 0.2)),
        ("", (0, 0)),
        # Overdue, in versions that print a negative number of milliseconds as unsigned.
        ("71582min", (0, 0)),
        ("2h", None),
        ("9.12ms", None),
        ("sec", None),
        ("1sec1sec", None),
        ("\u0663sec", None),
    ],
)
def test_every_form_in_which_ss_prints_a_timer(text: str, due: tuple[float, float] | None) -> None:
    assert parse_due(text) == due


@given(st.integers(0, 2**31))
def test_a_timer_lies_between_what_its_text_allows(ms: int) -> None:
    due = parse_due(_print_ms_timer(ms))
    assert due is not None
    least, most = due
    assert least <= ms / 1000 <= most


def _print_ms_timer(timeout: int) -> str:
    """As misc/ss.c of iproute2 does."""
    minutes, seconds, ms = timeout // 60_000, timeout // 1000 % 60, timeout % 1000
    text = ""
    if minutes:
        ms = 0
        text = f"{minutes}min"
        seconds = 0 if minutes > 9 else seconds
    if seconds:
        ms = 0 if seconds > 9 else ms
        text += f"{seconds}{'.' if ms else 'sec'}"
    return text + (f"{ms:03}ms" if ms else "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.UNPARSABLE),
        ("\n", Reason.UNPARSABLE),
        (MODERN.replace(HEADER, ""), Reason.UNPARSABLE),
        (MODERN.replace(":443 ", ":https "), Reason.UNPARSABLE),
        (MODERN.replace(":443 ", ":70443 "), Reason.UNPARSABLE),
        (MODERN.replace("192.0.2.1:443", "localhost:443"), Reason.UNPARSABLE),
        (MODERN.replace("192.0.2.1:443", "1.2.3:443"), Reason.UNPARSABLE),
        (MODERN.replace("119min", "119h"), Reason.UNPARSABLE),
        (MODERN + "garbage\0\n", Reason.UNPARSABLE),
        (MODERN.encode() + b"\xff\xfe\n", Reason.UNPARSABLE),
        # Cut off within a row, and ss's fall-back to /proc/net/tcp.
        (MODERN[: MODERN.rindex("\t")], Reason.TOOL_MISSING),
        (MODERN.replace("mss:1448 cwnd:10", "cwnd:10"), Reason.TOOL_MISSING),
    ],
)
def test_what_is_not_the_whole_of_it_is_no_fact(text: str | bytes, reason: Reason) -> None:
    found = connections(text)
    assert isinstance(found, Unreadable)
    assert found.reason is reason


def test_an_ss_that_fails_is_not_believed() -> None:
    failed = fact("connections", {"connections": section(MODERN, "ss: oh", 1)})
    assert isinstance(failed, Unreadable)


def test_twenty_thousand_connections_are_read_in_under_a_second() -> None:
    rows = [
        f"0 0 192.0.2.1:443 198.51.{n // 200 % 200}.{n % 200}:{1024 + n} "
        f"timer:(keepalive,{n % 60}sec,0) uid:33 ino:{n + 1} sk:{n:x} cgroup:/a.slice <->\n"
        f"\t ts sack cubic wscale:7,7 rto:204 rtt:3.2/1.5 ato:40 mss:1448 pmtu:1500 rcvmss:536 "
        f"advmss:1448 cwnd:10 bytes_sent:100 bytes_acked:101 segs_out:5 segs_in:6 send 36Mbps "
        f"lastsnd:{n} lastrcv:{n} lastack:{n} pacing_rate 72Mbps delivered:2 minrtt:3.2\n"
        for n in range(20_000)
    ]
    text = ("\n" + HEADER + "".join(rows)).encode()
    found = within_cpu_seconds(1.0, lambda: connections(text))
    assert isinstance(found, Connections)
    assert len(found.at(443)) == 20_000

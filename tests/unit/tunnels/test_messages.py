"""What ssh says, when it said it, and any bytes instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.tunnels.messages import (
    complaints_of_log,
    complaints_of_mailbox,
    is_complaint,
    line_time,
    oldest_mail,
    zone_of,
)

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=UTC).timestamp()
BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    "line",
    [
        "Host key verification failed.",
        "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
        "bind: Address already in use",
        "bind [127.0.0.1]:19922: Address already in use",
        "bind [::1]:19922: Address already in use",
        "channel_setup_fwd_listener_tcpip: cannot listen to port: 19922",
        "channel_setup_fwd_listener: cannot listen to port: 19922",
        "Could not request local forwarding.",
        "Warning: remote port forwarding failed for listen port 19922",
        "Error: remote port forwarding failed for listen port 19922",
    ],
)
def test_old_and_new_messages(line: str) -> None:
    assert is_complaint(line)
    assert is_complaint(f"Nov 21 11:40:01 home ssh[1]: {line}\r")


@pytest.mark.parametrize("line", ["", "nginx: bind() to 0.0.0.0:80 failed", "Tunnel created"])
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

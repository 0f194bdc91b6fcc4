"""Connections in CLOSE-WAIT: rows of ss as they come, and what is none."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nethygiene.engine.outcomes import Unreadable
from nethygiene.subjects.sockets.half_closed import HalfClosed
from nethygiene.subjects.sockets.unsettled import ServedConnection
from tests.unit.sections import fact

HEADER = "State Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n"


def half_closed(text: str) -> HalfClosed | Unreadable:
    found = fact("half_closed", {"unsettled@last": text})
    assert isinstance(found, HalfClosed | Unreadable)
    return found


def test_rows_of_both_families() -> None:
    found = half_closed(
        HEADER
        + "CLOSE-WAIT 1      0          192.0.2.1:22       192.0.2.9:42000\n"
        + "SYN-RECV 0      0          192.0.2.1:22       192.0.2.7:42000\n"
        + "CLOSE-WAIT 1      0      [2001:db8::1]:22   [2001:db8::9]:42000\n"
        + "CLOSE-WAIT 1      0      [::ffff:192.0.2.1]:22   [::ffff:192.0.2.8]:42000\n"
        + "CLOSE-WAIT 1      0      fe80::1%eth0:2222   fe80::2:42000\n"
    )
    ends = [
        ("192.0.2.1", 22, "192.0.2.9"),
        ("2001:db8::1", 22, "2001:db8::9"),
        ("192.0.2.1", 22, "192.0.2.8"),
        ("fe80::1", 2222, "fe80::2"),
    ]
    assert found == HalfClosed(
        tuple(ServedConnection(ip_address(at), port, ip_address(peer)) for at, port, peer in ends)
    )


def test_none() -> None:
    assert half_closed(HEADER) == HalfClosed(())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "CLOSE-WAIT 1 0 192.0.2.1:22 192.0.2.9:42000\n",
        HEADER + "what\n",
        HEADER + "CLOSE-WAIT 1 0 1:2 3:4\n",
        HEADER + "1 0 192.0.2.1:22 192.0.2.9:42000\n",
    ],
)
def test_what_is_no_answer_of_ss(text: str) -> None:
    assert isinstance(half_closed(text), Unreadable)

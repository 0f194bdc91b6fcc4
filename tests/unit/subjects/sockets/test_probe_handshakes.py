"""Handshakes under way, as several versions of ss print them."""

from __future__ import annotations

import pytest

from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.sockets.handshakes import Handshakes
from tests.unit.sections import fact, section

HEADER = "State    Recv-Q Send-Q      Local Address:Port        Peer Address:Port Process\n"
ROWS = """SYN-SENT 0      1               127.0.0.1:58768          127.0.0.1:81          
SYN-SENT 0      1      192.0.2.1%eth0:58780        198.51.100.9:443         
SYN-RECV 0      0      [::ffff:127.0.0.1]:80    [::ffff:127.0.0.1]:51678       
SYN-RECV 0      0           [2001:db8::1]:80         [2001:db8::9]:51680       
SYN-RECV 0      0      ::ffff:192.0.2.1:80    ::ffff:192.0.2.9:51682
"""  # noqa: W291 - as ss pads its columns


def handshakes(text: str | bytes) -> Handshakes | Unreadable:
    found = fact("handshakes", {"unsettled@last": text})
    assert isinstance(found, Handshakes | Unreadable)
    return found


def test_both_states() -> None:
    found = handshakes(HEADER + ROWS)
    assert isinstance(found, Handshakes)
    ledger = Ledger()
    bound = found.bound_to(ledger)
    assert [(str(one.address), one.port) for one in bound.half_open()] == [
        ("127.0.0.1", 80),
        ("2001:db8::1", 80),
        ("192.0.2.1", 80),
    ]
    ledger.close()
    assert [(one.what, one.actual) for one in ledger.observations] == [
        ("half-open connections", "3"),
    ]


def test_no_handshake_under_way() -> None:
    assert handshakes(HEADER) == Handshakes(())


@pytest.mark.parametrize(
    "text",
    [
        "",
        ROWS,
        HEADER + ROWS.replace("SYN-RECV", "ESTAB"),
        HEADER + ROWS.replace("[2001:db8::1]:80", "localhost:http"),
        HEADER + ROWS.replace("[2001:db8::1]:80", "[2001:db8::1]:99999"),
        HEADER + ROWS + "garbage\n",
        HEADER.encode() + b"\xff\n",
    ],
)
def test_what_is_not_understood_is_no_fact(text: str | bytes) -> None:
    found = handshakes(text)
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.UNPARSABLE


def test_an_ss_that_fails_is_not_believed() -> None:
    assert isinstance(
        fact("handshakes", {"unsettled@last": section(HEADER, "ss: oh", 1)}), Unreadable
    )

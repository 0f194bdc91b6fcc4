"""Dials without an answer: how many there are at least, by timeouts and by sockets that wait."""

from __future__ import annotations

import pytest

from nethygiene.subjects.kernel.counters import Counters, Sample
from nethygiene.subjects.sockets.dials import Dial, Dials
from nethygiene.subjects.sockets.local_ports import LocalPorts
from nethygiene.subjects.sockets.unanswered import unanswered
from tests.unit.sections import fact, section

_ZERO = dict.fromkeys(
    ("TcpAttemptFails", "TcpExtTCPTimeouts", "TcpRetransSegs", "TcpExtTCPSynRetrans"), 0
)


def counters(**moved: int) -> Counters:
    after = {name: str(moved.get(name, 0)) for name in _ZERO}
    before = {name: str(value) for name, value in _ZERO.items()}
    return Counters(Sample(100.0, "boot", "net", before), Sample(102.0, "boot", "net", after))


def waiting(count: int, again: int = 0, due: float = 0.5, *, port: int = 40000) -> list[Dial]:
    return [
        Dial(f"192.0.2.1:{port + number}", "192.0.2.99:80", again, due) for number in range(count)
    ]


def dials(first: list[Dial], last: list[Dial]) -> Dials:
    return Dials(tuple(first), tuple(last))


@pytest.mark.parametrize(
    ("moved", "again", "dialled"),
    [
        # Each of forty timed out once, or twenty twice: the most patient one that is seen tells.
        ({"TcpExtTCPTimeouts": 40, "TcpRetransSegs": 40, "TcpExtTCPSynRetrans": 40}, 1, 20),
        ({"TcpExtTCPTimeouts": 40, "TcpRetransSegs": 40, "TcpExtTCPSynRetrans": 40}, 3, 10),
        # Queued for want of a neighbour: no segment is sent again.
        ({"TcpExtTCPTimeouts": 40}, 1, 20),
        # Data that timed out, on a lossy path.
        ({"TcpExtTCPTimeouts": 40, "TcpRetransSegs": 45}, 1, 0),
        ({"TcpExtTCPTimeouts": 40, "TcpRetransSegs": 30, "TcpExtTCPSynRetrans": 0}, 1, 5),
        # Answers to SYNs that nobody acknowledges are sent again without a timeout.
        ({"TcpRetransSegs": 30, "TcpExtTCPSynRetrans": 30}, 1, 0),
    ],
)
def test_dials_by_their_timeouts(moved: dict[str, int], again: int, dialled: int) -> None:
    found = unanswered(counters(**moved), dials([], waiting(1, again)))
    assert found.dials == dialled


def test_timeouts_where_nothing_is_seen_to_wait_are_of_data() -> None:
    found = unanswered(counters(TcpExtTCPTimeouts=40), dials(waiting(2), waiting(2)))
    assert found.dials == 4, "two in each second"
    assert unanswered(counters(TcpExtTCPTimeouts=40), dials([], [])).dials == 0


@pytest.mark.parametrize(
    ("first", "last", "dialled"),
    [
        (waiting(10), waiting(12), 20),
        # Answers are on their way: none has waited for long.
        (waiting(10, due=0.7), waiting(10, due=0.7), 0),
        (waiting(10), waiting(10, due=0.7), 0),
        (waiting(10), [], 0),
        (waiting(10), [Dial("192.0.2.1:4", "192.0.2.98:80", 0, 0.1)], 0),
        # One has waited for long, and so do the others that were begun since.
        (waiting(1) + waiting(9, due=0.9), waiting(1) + waiting(7, due=0.9), 16),
    ],
)
def test_dials_that_are_given_up_soon(first: list[Dial], last: list[Dial], dialled: int) -> None:
    assert unanswered(counters(), dials(first, last)).dials == dialled


HEADER = "State Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess\n"


def test_how_ss_prints_them() -> None:
    text = HEADER + (
        "SYN-SENT 0      1          192.0.2.1:56164   192.0.2.99:80   timer:(on,064ms,1)\n"
        "SYN-SENT 0      1      [2001:db8::1]:56172   [2001:db8::9]:443   timer:(on,1.424ms,0)\n"
        "SYN-RECV 0      0          192.0.2.1:22   192.0.2.9:443   timer:(on,1sec,0)\n"
        "CLOSE-WAIT 1      0          192.0.2.1:22   192.0.2.9:444   timer:(keepalive,109min,0)\n"
        "SYN-SENT 0      1      192.0.2.1%eth0:56180   192.0.2.99:80\n"
    )
    found = fact("dials", {"unsettled@first": HEADER, "unsettled@last": text})
    assert isinstance(found, Dials)
    assert found.waiting() == (
        (),
        (
            Dial("192.0.2.1:56164", "192.0.2.99:80", 1, 0.064),
            Dial("[2001:db8::1]:56172", "[2001:db8::9]:443", 0, 1.424),
            Dial("192.0.2.1%eth0:56180", "192.0.2.99:80", 0, 1.0),
        ),
    )


@pytest.mark.parametrize(
    ("text", "choice", "peers"),
    [
        ("", 0, []),
        ("32768 60999\nend\n", 28232, []),
        ("32768 60999 40000-40009,50000,70\n20000 3 10.0.0.1 10.0.0.9:443\nend\n", 28221, [20000]),
    ],
)
def test_local_ports(text: str, choice: int, peers: list[int]) -> None:
    found = fact("local_ports", {"local_ports": text})
    assert isinstance(found, LocalPorts)
    assert found.choice == choice
    assert [one.used for one in found.scarce()] == peers


@pytest.mark.parametrize(
    "text", ["32768 60999\n", "end\n", "x y\nend\n", "32768 60999\n1 2 3\nend\n", "32768 60999 end"]
)
def test_local_ports_that_are_not_told(text: str) -> None:
    assert not isinstance(fact("local_ports", {"local_ports": text}), LocalPorts)
    assert not isinstance(fact("local_ports", {"local_ports": section("", "no", 1)}), LocalPorts)

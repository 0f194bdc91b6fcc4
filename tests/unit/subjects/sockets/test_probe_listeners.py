"""Listening sockets, as several versions of ss print them."""

from __future__ import annotations

import pytest

from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.sockets.listener_owners import ListenerOwners, Owner
from nethygiene.subjects.sockets.listeners import Listener, Listeners
from tests.unit.sections import fact, section

MEMORY = "\t skmem:(r0,rb131072,t0,tb16384,f0,w0,o0,bl0,d0)"
MODERN = f"""State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
LISTEN 0      4096   127.0.0.53%lo:53         0.0.0.0:*   
{MEMORY}
LISTEN 3      2            0.0.0.0:80         0.0.0.0:*   
{MEMORY}
LISTEN 0      511                *:443              *:*   
{MEMORY}
LISTEN 0      128             [::]:22            [::]:*   
{MEMORY}
LISTEN 0      10 [fe80::5054:ff:fe12:3456]%eth0.100:53 [::]:*   
{MEMORY}
"""  # noqa: W291 - as ss pads its columns
# The layout before iproute2 4.13: everything on all addresses is "*", and IPv6 has no brackets.
OLD = """State       Recv-Q Send-Q        Local Address:Port          Peer Address:Port 
LISTEN      0      128                       *:22                       *:*     
\t skmem:(r0,rb87380,t0,tb16384,f0,w0,o0,bl0)
LISTEN      0      128                      :::22                      :::*     
\t skmem:(r0,rb87380,t0,tb16384,f0,w0,o0,bl0)
LISTEN      0      100                     ::1:25                      :::*     
\t skmem:(r0,rb87380,t0,tb16384,f0,w0,o0,bl0)
LISTEN      0      100               127.0.0.1:25                       *:*     
\t skmem:(r0,rb87380,t0,tb16384,f0,w0,o0,bl0)
"""  # noqa: W291 - as ss pads its columns


def listeners(text: str | bytes) -> Listeners | Unreadable:
    found = fact("listeners", {"listeners": text})
    assert isinstance(found, Listeners | Unreadable)
    return found


def test_a_modern_ss() -> None:
    found = listeners(MODERN)
    assert isinstance(found, Listeners)
    assert found._sockets == (
        Listener("127.0.0.53", "lo", 53, 0, 4096),
        Listener("0.0.0.0", None, 80, 3, 2),
        Listener("*", None, 443, 0, 511),
        Listener("::", None, 22, 0, 128),
        Listener("fe80::5054:ff:fe12:3456", "eth0.100", 53, 0, 10),
    )
    assert [str(one) for one in found._sockets] == [
        "127.0.0.53%lo:53",
        "0.0.0.0:80",
        "*:443",
        "[::]:22",
        "[fe80::5054:ff:fe12:3456]%eth0.100:53",
    ]


def test_an_ss_of_before_2017() -> None:
    found = listeners(OLD)
    assert isinstance(found, Listeners)
    assert [str(one) for one in found._sockets] == ["*:22", "[::]:22", "[::1]:25", "127.0.0.1:25"]
    assert {one.backlog for one in found._sockets} == {128, 100}


def test_memory_on_the_same_line() -> None:
    found = listeners(MODERN.replace("\n\t", " "))
    assert isinstance(found, Listeners)
    assert len(found._sockets) == 5


def test_a_host_on_which_nothing_listens() -> None:
    found = listeners(MODERN.split("\n", 1)[0] + "\n")
    assert isinstance(found, Listeners)
    assert found._sockets == ()


def test_reading_is_recorded() -> None:
    found = listeners(MODERN)
    assert isinstance(found, Listeners)
    ledger = Ledger()
    bound = found.bound_to(ledger)
    assert len(list(bound)) == 5
    assert [one.port for one in bound.on(443)] == [443]
    assert bound.on(444) == ()
    ledger.close()
    assert [(one.what, one.actual) for one in ledger.observations] == [
        ("listening sockets", "5"),
        ("listeners on port 443", "*:443"),
        ("listeners on port 444", "none"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.UNPARSABLE),
        ("\n", Reason.UNPARSABLE),
        ("LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n", Reason.UNPARSABLE),
        (MODERN.replace("80 ", "http "), Reason.UNPARSABLE),
        (MODERN.replace(":443 ", ":70000 "), Reason.UNPARSABLE),
        (MODERN.replace("LISTEN 3", "UNCONN 3"), Reason.UNPARSABLE),
        (MODERN.replace("LISTEN 3", "LISTEN -3"), Reason.UNPARSABLE),
        (MODERN.replace("LISTEN 3", "LISTEN \u0663"), Reason.UNPARSABLE),
        (MODERN.replace("LISTEN 3", "LISTEN 99999999999"), Reason.UNPARSABLE),
        (MODERN.replace("0.0.0.0:80", "localhost:80"), Reason.UNPARSABLE),
        (MODERN + "garbage\0\n", Reason.UNPARSABLE),
        (MODERN.encode() + b"\xff\xfe\n", Reason.UNPARSABLE),
        (MODERN[: MODERN.rindex("\t")], Reason.TOOL_MISSING),
        (MODERN.replace("skmem:", "mem:"), Reason.TOOL_MISSING),
    ],
)
def test_what_is_not_the_whole_of_it_is_no_fact(text: str | bytes, reason: Reason) -> None:
    found = listeners(text)
    assert isinstance(found, Unreadable)
    assert found.reason is reason


def test_an_ss_that_fails_is_not_believed() -> None:
    found = fact("listeners", {"listeners": section(MODERN, "ss: oh", 1)})
    assert isinstance(found, Unreadable)


@pytest.mark.parametrize(
    ("address", "v6only", "four", "six"),
    [
        ("0.0.0.0", None, True, False),
        ("192.0.2.1", None, True, False),
        ("::ffff:192.0.2.1", False, True, False),
        ("::ffff:0.0.0.0", False, True, False),
        ("2001:db8::1", False, False, True),
        ("::", True, False, True),
        ("::", False, True, True),
        # Before Linux 4.3 nothing tells.
        ("::", None, None, True),
        ("*", False, True, True),
        # iproute2 4.13 and 4.14 print every wildcard as "*".
        ("*", True, False, True),
        # IPv4 before iproute2 4.13, both families since 4.15.
        ("*", None, True, None),
    ],
)
def test_which_families_a_socket_serves(
    address: str, v6only: bool | None, four: bool | None, six: bool | None
) -> None:
    one = Listener(address, None, 80, 0, 5, v6only)
    assert (one.serves(4), one.serves(6)) == (four, six)


def test_v6only_is_read_where_ss_tells() -> None:
    row = "LISTEN 0 5 {} *:* uid:33 ino:1 sk:2 cgroup:/a {}<->\n" + MEMORY + "\n"
    text = "State\n" + row.format("[::]:80", "v6only:1 ") + row.format("*:81", "v6only:0 ")
    found = listeners(text + row.format("0.0.0.0:82", ""))
    assert isinstance(found, Listeners)
    assert [one.v6only for one in found] == [True, False, None]
    assert [one.is_wildcard for one in found] == [True, True, True]


def test_an_address_that_is_none_is_no_fact() -> None:
    assert isinstance(listeners(MODERN.replace("0.0.0.0:80", "1.2.3:80")), Unreadable)


def test_owners_of_sockets() -> None:
    row = 'LISTEN 0 511 *:{port} *:* users:(("nginx",pid=812,fd=6),("nginx",pid=811,fd=6))\n'
    text = "State\n" + row.format(port=80) + row.format(port=443) + "LISTEN 0 5 *:99 *:*\n"
    found = fact("listener_owners", {"listener_owners": text})
    assert isinstance(found, ListenerOwners)
    assert found.of(80) == (Owner("nginx", 812), Owner("nginx", 811))
    assert [str(owner) for owner in found.of(80)] == ["nginx (pid 812)", "nginx (pid 811)"]
    assert found.of(99) == found.of(1) == ()


@pytest.mark.parametrize("text", ["", "x", b"\xff\0", 'LISTEN 0 0 *:99999 *:* users:(("x"'])
def test_owners_that_cannot_be_seen_are_none(text: str | bytes) -> None:
    assert fact("listener_owners", {"listener_owners": text}) == ListenerOwners({})
    assert fact("listener_owners", {}) == ListenerOwners({})

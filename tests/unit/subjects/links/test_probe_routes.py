"""Routes and policy rules, as iproute2 and busybox print them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.engine.fact import Fact
from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.subjects.links.ip.routes import NextHop, parse_route
from nethygiene.subjects.links.ip.rules import parse_rule
from nethygiene.subjects.links.route_answers import addresses_inside
from nethygiene.subjects.links.routes import PROBE, Routes
from nethygiene.transcript import Section, Transcript

POLICY = policy_from_plain(
    {"routes": {"intranet": {"destination": "172.16.0.0/16", "via": "192.0.2.1"}}}
)
SECTION = "route_get:172.16.0.0/16"


def routes(get: Section, tcp: bytes = b"") -> Routes:
    by_tcp = Section(tcp, b"", 0)
    sections = {SECTION: get, "route_get_tcp:172.16.0.0/16": by_tcp}
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections)
    found = Subject("host", POLICY, transcript).fact("routes")
    assert isinstance(found, Routes)
    return found


@pytest.mark.parametrize(
    ("line", "shown", "table", "metric"),
    [
        ("default via 192.0.2.1 dev eth0 ", "default via 192.0.2.1 dev eth0", "main", 0),
        (
            "default via 192.0.2.1 dev eth0 proto dhcp src 192.0.2.9 metric 100 linkdown",
            "default via 192.0.2.1 dev eth0",
            "main",
            100,
        ),
        (
            (
                "default table 100 metric 5 \\\tnexthop via 192.0.2.1 dev eth0 weight 1 "
                "\\\tnexthop dev ppp0 weight 2 "
            ),
            "default via 192.0.2.1 dev eth0, dev ppp0",
            "100",
            5,
        ),
        ("blackhole default table 7 metric 9 ", "blackhole default", "7", 9),
        (
            "default via inet6 fe80::1 dev eth0 table 9 ",
            "default via fe80::1 dev eth0",
            "9",
            0,
        ),
        (
            "9.9.9.9 from 192.0.2.1 via 10.0.0.1 dev via src 192.0.2.1 uid 0 \\    cache ",
            "9.9.9.9/32 via 10.0.0.1 dev via",
            "main",
            0,
        ),
    ],
)
def test_a_route(line: str, shown: str, table: str, metric: int) -> None:
    route = parse_route(line, "ipv4")
    assert (str(route), route.table, route.metric) == (shown, table, metric)


def test_an_ipv6_route() -> None:
    line = "default via fe80::1 dev eth0 proto ra metric 1024 expires 1790sec hoplimit 64 pref high"
    route = parse_route(line, "ipv6")
    assert (route.protocol, route.metric, route.preference) == ("ra", 1024, "high")
    assert route.hops == (NextHop(ip_address("fe80::1"), "eth0"),)


@pytest.mark.parametrize(
    "line", ["", "unicast", "default metric x", "fe80::/64 dev eth0", "nexthop"]
)
def test_no_route(line: str) -> None:
    with pytest.raises(ValueError):
        parse_route(line, "ipv4")


@pytest.mark.parametrize(
    ("line", "for_all", "table"),
    [
        ("0:\tfrom all lookup local ", True, "local"),
        ("32766:\tfrom all lookup main proto kernel", True, "main"),
        ("32764:\tnot from all fwmark 0xca6c lookup 51820", False, "51820"),
        ("5:\tfrom all lookup main suppress_prefixlength 0", False, "main"),
        ("5:\tfrom 192.0.2.10 lookup 100", False, "100"),
        ("5:\tfrom all oif eth1 [detached] lookup 7", False, "7"),
        ("5:\tfrom all to 10.0.0.0/8 lookup 7", False, "7"),
        ("5:\tfrom all uidrange 0-99 lookup 7", False, "7"),
        ("200:\tfrom all goto 32766", False, ""),
        ("9:\tfrom all unreachable", True, ""),
        ("1000:\tfrom all lookup [l3mdev-table]", True, "[l3mdev-table]"),
    ],
)
def test_a_rule(line: str, for_all: bool, table: str) -> None:
    rule = parse_rule(line, "ipv4")
    assert (rule.is_for_all, rule.table) == (for_all, table)


def test_answers_and_refusals_keep_their_addresses() -> None:
    # The second of four addresses is refused, and so is the question for its route.
    errors = b"RTNETLINK answers: No route to host\nCommand failed -:2\nx\nCommand failed -:6\n"
    lines = [f"172.16.{n} via 192.0.2.1 dev eth0" for n in ("0.1", "170.170", "255.254")]
    lines += ["172.16.0.0/16 via 192.0.2.1 dev eth0"] * 3
    found = routes(Section("\n".join(lines).encode() + b"\n", errors, 1))
    ways = found.ways_to(POLICY.routes["intranet"])
    assert [way.route is None for way in ways] == [False, True, False, False]
    assert [way.address for way in ways] == list(addresses_inside(ip_network("172.16.0.0/16")))
    assert ways[0].prefix_length == 16


def test_a_tool_that_does_not_know_the_second_question() -> None:
    lines = [
        f"{one} via 192.0.2.1 dev eth0" for one in addresses_inside(ip_network("172.16.0.0/16"))
    ]
    stderr = b'Error: an inet address is expected rather than "fibmatch".\n'
    ways = routes(Section("\n".join(lines).encode(), stderr, 255)).ways_to(
        POLICY.routes["intranet"]
    )
    assert [way.matched for way in ways] == [None] * 4
    assert all(way.route is not None for way in ways)


@pytest.mark.parametrize(
    ("stdout", "status", "reason"),
    [
        (b"", 0, Reason.COMMAND_FAILED),
        (b"172.16.0.1 dev eth0\n", 1, Reason.COMMAND_FAILED),
        (b"172.16.0.1 dev eth0\n" * 9, 0, Reason.UNPARSABLE),
        (b"172.16.0.1 dev eth0\n" * 6, 0, Reason.UNPARSABLE),
        (b"usage: ip\n" * 8, 0, Reason.UNPARSABLE),
    ],
)
def test_answers_that_are_none(stdout: bytes, status: int, reason: Reason) -> None:
    with pytest.raises(UnreadableFactError) as caught:
        routes(Section(stdout, b"", status)).ways_to(POLICY.routes["intranet"])
    assert caught.value.unreadable.reason is reason


def test_the_answers_for_tcp_belong_to_their_addresses() -> None:
    addresses = addresses_inside(ip_network("172.16.0.0/16"))
    plain = "".join(f"{one} via 192.0.2.1 dev eth0 src 192.0.2.9 uid 0\n" for one in addresses)
    tcp = "".join(
        f"{one} from 192.0.2.9 via 192.0.2.7 dev eth1 table 100 uid 0\n" for one in addresses[2:]
    )
    ways = routes(Section(plain.encode(), b"", 0), tcp.encode()).ways_to(POLICY.routes["intranet"])
    told = [way.tcp.interfaces if way.tcp else None for way in ways]
    assert told == [None, None, {"eth1"}, {"eth1"}]


def test_evidence_without_the_question_for_tcp_is_not_judged() -> None:
    plain = "".join(
        f"{one} via 192.0.2.1 dev eth0\n" for one in addresses_inside(ip_network("172.16.0.0/16"))
    )
    sections = {SECTION: Section(plain.encode(), b"", 0)}
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections)
    found = Subject("host", POLICY, transcript).fact("routes")
    assert isinstance(found, Routes)
    with pytest.raises(UnreadableFactError) as caught:
        found.ways_to(POLICY.routes["intranet"])
    assert caught.value.unreadable.reason is Reason.NOT_COLLECTED


WORDS = st.sampled_from(
    [
        "default",
        "via",
        "dev",
        "eth0",
        "nexthop",
        "metric",
        "table",
        "from",
        "all",
        "lookup",
        "not",
        "192.0.2.1",
        "fe80::1",
        "10.0.0.0/8",
        "\\",
        "\n",
        "0:",
        "blackhole",
        "5",
        "oif",
        "²",
    ]
)


@given(
    st.binary() | st.lists(WORDS).map(" ".join).map(str.encode), st.binary(), st.integers(0, 255)
)
def test_any_bytes(stdout: bytes, stderr: bytes, status: int) -> None:
    section = Section(stdout, stderr, status)
    sections: dict[str, Section | Unreadable] = {
        name: section for one in PROBE.commands_for(POLICY) for name in one.sections
    }
    assert isinstance(PROBE.parse(sections), Fact)

"""Routing rules that refuse a client's packets, or the answer by the mark that a filter gives it.

What they do was tried on Linux 6.18; ``tests.lab.firewall routing-rules`` compares more of them.
"""

from __future__ import annotations

import pytest

from nethygiene.subjects.filter.model.addresses import parse_address
from nethygiene.subjects.filter.model.own import own_addresses
from nethygiene.subjects.filter.model.packet import new_connection
from nethygiene.subjects.filter.model.paths import Approach
from nethygiene.subjects.filter.model.verdict import HostFilter
from tests.unit.subjects.filter.hosts import ROUTING, host, judge

LOCAL = "0:\tfrom all lookup local\n"
LAST = "# routing_rules_ipv6\n0:\tfrom all lookup local\n"
MARKED = "*mangle\n:{0} ACCEPT [0:0]\n-A {0} -p tcp -m tcp --{1} 443 -j MARK --set-xmark 0x1/{2}\n"
OUT = MARKED.format("OUTPUT", "sport", "0xffffffff") + "COMMIT\n"


def four(*rules: str) -> str:
    """The host's routing, with rules of IPv4 in place of those that look up local addresses."""
    assert ROUTING.count(LOCAL) == 2
    return ROUTING.replace(LOCAL, "".join(f"{one}\n" for one in rules), 1)


def six(*rules: str) -> str:
    given = "".join(f"{one}\n" for one in rules)
    return ROUTING.replace(LAST, f"# routing_rules_ipv6\n{given}")


def judge_inner(filtered: HostFilter) -> str:
    """What becomes of a connection by eth0, and its router, to the address on eth1."""
    classes = filtered.ground("ipv4").classes
    (source, _), (to, _) = (parse_address(one) or (0, "") for one in ("198.51.100.7", "10.0.0.1"))
    mask = classes.mask(((source, source),))
    judged = filtered.judge(new_connection("ipv4", "eth0", to, 443), mask)
    return "in" if judged.surely_in else "unknown" if judged.undecided else "out"


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        ("from 198.51.100.0/24 prohibit", True),
        ("from 198.51.100.7 blackhole", True),
        ("from 198.51.100.0/24 iif eth0 unreachable", True),
        ("from 198.51.100.0/24 to 192.0.2.10 prohibit", True),
        ("not from 203.0.113.0/24 prohibit", True),
        # To an address of the host's own another route leads out again.
        ("from 198.51.100.0/24 lookup main", True),
        ("from 203.0.113.0/24 prohibit", False),
        ("from 198.51.100.0/24 iif eth1 prohibit", False),
        ("from 198.51.100.0/24 to 192.0.2.11 prohibit", False),
        ("from 198.51.100.0/24 lookup local", False),
        ("from 198.51.100.0/24 fwmark 0x1 prohibit", False),
        ("not from 198.51.100.0/24 fwmark 0/0x1 nop", False),
    ],
)
def test_rules_before_the_hosts_own_addresses(rule: str, refused: bool) -> None:
    before = four(f"5:\t{rule}", "10:\tfrom all lookup local")
    assert judge(host(routing=before), "198.51.100.7", 443) == ("out" if refused else "in")
    # A rule after it sees no packet to the host, and no answer by the client's address.
    after = four("0:\tfrom all lookup local", f"5:\t{rule}")
    if not rule.startswith("not"):
        assert judge(host(routing=after), "198.51.100.7", 443) == "in"


def test_the_mark_that_a_filter_gives_a_packet_is_its_own() -> None:
    text = MARKED.format("PREROUTING", "dport", "0xffffffff") + "COMMIT\n"
    routing = four("5:\tfrom all fwmark 0x1 prohibit", "10:\tfrom all lookup local")
    marked = host(routing=routing, iptables_legacy=text)
    assert judge(marked, "198.51.100.7", 443) == "out"
    assert judge(marked, "198.51.100.7", 80) == "in"


def test_neighbours_are_refused_with_their_questions() -> None:
    """The router of a client asks from fe80::/10 for the host's entry."""
    rules = ("5:\tfrom fe80::/10 blackhole", "10:\tfrom all lookup local")
    assert judge(host(routing=six(*rules)), "2001:db8:9::7", 443) == "out"
    assert judge(host(routing=six(*rules[1:])), "2001:db8:9::7", 443) == "in"


@pytest.mark.parametrize(
    ("route", "verdict"),
    [
        ("default via 2001:db8::9 dev eth0 table 100 metric 1024 pref medium", "out"),
        ("default via fd98::9 dev eth1 table 100 metric 1024 pref medium", "in"),
        ("unreachable default dev lo table 100 metric 1024 pref medium", "in"),
        # The next longest by the same interface counts.
        (
            """\
ff02::/16 via fd98::9 dev eth1 table 100 metric 1024 pref medium
default via 2001:db8::9 dev eth0 table 100 metric 1024 pref medium""",
            "out",
        ),
    ],
)
def test_questions_to_all_of_a_link_meet_only_routes_by_that_link(route: str, verdict: str) -> None:
    routing = six("5:\tfrom all to ff00::/8 lookup 100", "10:\tfrom all lookup local")
    own = "multicast ff00::/8 dev eth0 table local proto kernel metric 256 pref medium"
    routing = routing.replace("# addresses", f"{route}\n{own}\n# addresses")
    assert judge(host(routing=routing), "2001:db8:9::7", 443) == verdict


def test_each_address_that_a_router_may_ask_for_counts() -> None:
    """It goes by one of the addresses on its link; which one cannot be told."""
    rule = "5:\tfrom 192.0.2.1 to 192.0.2.10 prohibit"
    routing = four(rule, "10:\tfrom all lookup local")
    assert judge_inner(host(routing=routing)) == "out"
    another = "local 192.0.2.99 dev eth0 table local proto kernel scope host src 192.0.2.10\n"
    both = routing.replace("local 192.0.2.10 dev eth0", f"{another}local 192.0.2.10 dev eth0")
    assert judge_inner(host(routing=both)) == "unknown"


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ("from all fwmark 0x1 blackhole", "out"),
        ("from all fwmark 0x1/0x3 prohibit", "out"),
        ("not from all fwmark 0/0x1 prohibit", "out"),
        ("from all fwmark 0x1 lookup 100", "in"),  # a table without routes
        ("from all fwmark 0x2 blackhole", "in"),
        ("from all fwmark 0x2/0x2 blackhole", "in"),
        # Whether an answer of that port is meant cannot be told.
        ("from all fwmark 0x1 sport 443 blackhole", "unknown"),
        ("from all fwmark 0x2 sport 443 blackhole", "in"),
    ],
)
def test_an_answer_that_is_marked_is_routed_anew(rule: str, verdict: str) -> None:
    routing = four("0:\tfrom all lookup local", f"5:\t{rule}")
    marked = host(routing=routing, iptables_legacy=OUT)
    assert judge(marked, "198.51.100.7", 443) == verdict
    assert judge(marked, "198.51.100.7", 80) == "in"


def test_a_mark_of_which_no_rule_asks_for_all_bits() -> None:
    routing = four("0:\tfrom all lookup local", "5:\tfrom all fwmark 0x1/0x1 blackhole")
    text = OUT.replace("0x1/0xffffffff", "0x2/0x2")
    assert judge(host(routing=routing, iptables_legacy=text), "198.51.100.7", 443) == "in"


def test_a_mark_of_a_chain_that_does_not_route_anew() -> None:
    routing = four("0:\tfrom all lookup local", "5:\tfrom all fwmark 0x1 blackhole")
    text = OUT.replace("*mangle", "*filter")
    assert judge(host(routing=routing, iptables_legacy=text), "198.51.100.7", 443) == "in"


def test_the_sockets_mark_may_be_that_of_the_first_packet() -> None:
    """By net.ipv4.tcp_fwmark_accept, which is not read."""
    text = MARKED.format("PREROUTING", "dport", "0xffffffff") + "COMMIT\n"
    routing = four("0:\tfrom all lookup local", "5:\tfrom all fwmark 0x1 prohibit")
    marked = host(routing=routing, iptables_legacy=text)
    assert judge(marked, "198.51.100.7", 443) == "unknown"
    assert judge(marked, "198.51.100.7", 80) == "in"


def test_clients_come_to_an_address_whose_answers_alone_are_refused() -> None:
    """Linux 6.18: the SYN comes in, and no answer leaves."""
    routing = four(
        "0:\tfrom all lookup local", "20:\tfrom 10.0.0.1 blackhole", "30:\tfrom all lookup main"
    )
    filtered = host(routing=routing)
    own = own_addresses(filtered.routes, filtered.links, "ipv4")
    number, _ = parse_address("198.51.100.7") or (0, "")
    approach = Approach(filtered.routes, filtered.links, "ipv4")
    ways = {path.address for path in approach.paths(((number, number),), own)}
    refused, _ = parse_address("10.0.0.1") or (0, "")
    assert refused in ways
    assert judge_inner(filtered) == "out"
    # Without an answer from any address, nobody says by which interface they would come.
    nowhere = host(routing=four("0:\tfrom all lookup local", "20:\tfrom all blackhole"))
    own = own_addresses(nowhere.routes, nowhere.links, "ipv4")
    lost = Approach(nowhere.routes, nowhere.links, "ipv4", weak=False)
    assert list(lost.paths(((number, number),), own)) == []

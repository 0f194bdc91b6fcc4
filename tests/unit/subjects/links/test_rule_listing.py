"""Routing rules as ``ip -o rule`` prints them (iproute2 6.1 on Linux 6.18), and their readers."""

from __future__ import annotations

import pytest

from nethygiene.subjects.filter.model.routing_rules import RoutingRule, rules_of
from nethygiene.subjects.links.ip.rules import PolicyRule, parse_rule, parse_rules

ALL = (
    "32765:\tnot from 10.0.0.0/8 to 10.1.0.0/16 tos 0x08 fwmark 0x1/0xff iif eth0 uidrange 5-6"
    " ipproto tcp sport 5-6 dport 7 lookup 100 suppress_prefixlength 0"
)
ONE_NET = (0x0A010000, 0x0A01FFFF)


def _asked(line: str) -> RoutingRule:
    (rule,) = rules_of([parse_rule(line, "ipv4")])
    return rule


def test_all_that_a_rule_may_hold() -> None:
    rule = parse_rule(ALL, "ipv4")
    assert (str(rule.source), str(rule.destination)) == ("10.0.0.0/8", "10.1.0.0/16")
    assert (rule.priority, rule.inverted, rule.incoming, rule.outgoing) == (32765, True, "eth0", "")
    assert (rule.table, rule.protocol, rule.suppress) == ("100", "tcp", 0)
    assert rule.others == {"tos", "fwmark", "uidrange", "ipproto", "sport", "dport"}
    assert rule.unasked == rule.others - {"ipproto"}
    assert not rule.is_for_all
    assert rule.mark == (1, 0xFF)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0:\tfrom all lookup local", RoutingRule("local")),
        ("0:\tfrom 0.0.0.0/0 iif lo lookup 7 proto static", RoutingRule("7", incoming="lo")),
        ("6:\tfrom all blackhole", RoutingRule(None)),
        ("6:\tfrom all to 10.1.0.0/16 prohibit", RoutingRule(None, destination=ONE_NET)),
        ("6:\tnot from 10.1.0.0/16 lookup 7", RoutingRule("7", source=ONE_NET, inverted=True)),
        ("5:\tfrom all goto 32766", RoutingRule(None, perhaps=True)),
        (
            "6:\tfrom all iif eth0 fwmark 0x1/0xff prohibit",
            RoutingRule(None, mark=(1, 0xFF), incoming="eth0"),
        ),
        ("7:\tfrom all oif eth0 [detached] lookup 7", RoutingRule("7", perhaps=True)),
        ("8:\tfrom all lookup main realms 5", RoutingRule("main", perhaps=True)),
        ("8:\tfrom all tun_id 5 lookup 7", RoutingRule("7", perhaps=True)),
        (
            "8:\tfrom all fwmark 0x1 dport 7 lookup 7",
            RoutingRule("7", perhaps=True, by_port=True, mark=(1, 0xFFFFFFFF)),
        ),
        ("8:\tfrom all ipproto udp dport 7 lookup 7", RoutingRule("7", perhaps=True)),
        ("8:\tfrom all dport 7 lookup 7", RoutingRule("7", perhaps=True, by_port=True)),
        ("8:\tfrom all ipproto tcp lookup 7", RoutingRule("7", perhaps=True, by_port=True)),
        (
            "9:\tfrom all lookup main suppress_prefixlength 0",
            RoutingRule("main", suppress=0),
        ),
        (
            "9:\tfrom all lookup main suppress_ifgroup default",
            RoutingRule("main", perhaps=True),
        ),
    ],
)
def test_what_the_filter_asks_of_a_rule(line: str, expected: RoutingRule) -> None:
    assert _asked(line) == expected


def test_a_default_network_of_the_source_is_all() -> None:
    assert _asked("9:\tfrom default lookup 7") == RoutingRule("7")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "from all lookup 7",
        "x:\tfrom all",
        "7:\tlookup 7",
        "7:\tfrom",
        "7:\tfrom fe80::/64",
        "7:\tfrom all to everywhere lookup 7",
    ],
)
def test_no_rule(line: str) -> None:
    with pytest.raises(ValueError):
        parse_rule(line, "ipv4")


def test_the_line_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="no source: '7:"):
        parse_rules("0:\tfrom all lookup local\n7:\tlookup 7\n", "ipv4")


def test_an_empty_listing_has_no_rules() -> None:
    empty: tuple[PolicyRule, ...] = ()
    assert parse_rules("\n", "ipv6") == empty

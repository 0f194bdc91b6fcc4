"""Each packet of a connection may be the one that is lost: which, and by which rule."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nethygiene.subjects.filter.model import kinds
from nethygiene.subjects.filter.model.conntrack import CtState, Entry
from nethygiene.subjects.filter.model.fields import CLIENT
from nethygiene.subjects.filter.model.kinds import PacketKind
from nethygiene.subjects.filter.model.packet import new_connection
from tests.unit.subjects.filter.hosts import (
    ACCEPT,
    DPORT,
    DROP,
    ROUTING,
    fate,
    host,
    judge,
    listing,
    match,
    rule,
)

SPORT = {"payload": {"protocol": "tcp", "field": "sport"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}
ESTABLISHED = match({"ct": {"key": "state"}}, ["established", "related"], "in")
NEW = match({"ct": {"key": "state"}}, "new", "in")
DISCOVERY = rule(match({"meta": {"key": "l4proto"}}, "ipv6-icmp"), ACCEPT)
OPEN = rule(match(DPORT, 443), ACCEPT)
FOUR, SIX, ROUTED = "192.0.2.77", "2001:db8::77", "2001:db8:9::7"


def also(hook: str, *rules: dict[str, Any], policy: str = "accept", prio: int = 0) -> list[Any]:
    """One more base chain of the table, with its rules."""
    chain = {"family": "inet", "table": "f", "name": f"{hook}{prio}", "type": "filter"}
    head = {"chain": {**chain, "hook": hook, "prio": prio, "policy": policy}}
    return [head, *({"rule": dict(one["rule"], chain=f"{hook}{prio}")} for one in rules)]


def lost(nft: str, source: str, port: int = 443) -> tuple[str, str]:
    """The packet that is lost for sure, and where; both empty where the connection works."""
    found = fate(host(nft=nft), source, port)
    assert not found.undecided
    event = found.loss(found.surely_out)
    return ("", "") if event is None else (str(event.packet.kind), str(event.rule))


STATELESS = rule(match(FLAGS, "syn"), match(DPORT, 443), ACCEPT)


@pytest.mark.parametrize(
    ("nft", "kind", "where"),
    [
        (listing(DISCOVERY, OPEN, policy="drop"), None, ""),
        (listing(*also("output", policy="drop")), kinds.SYN_ACK_OUT, "f output0: policy drop"),
        (listing(*also("output", rule(ESTABLISHED, ACCEPT), policy="drop")), None, ""),
        (listing(*also("output", rule(match(SPORT, 443), DROP))), kinds.SYN_ACK_OUT, "sport 443"),
        (listing(*also("postrouting", policy="drop")), kinds.SYN_ACK_OUT, "postrouting0"),
        (listing(DISCOVERY, STATELESS, policy="drop"), kinds.ACK_IN, "input: policy drop"),
        (
            listing(DISCOVERY, rule(NEW, ACCEPT), policy="drop"),
            kinds.ACK_IN,
            "input: policy drop",
        ),
        (
            listing(*also("output", rule(match(FLAGS, ["psh"], "in"), DROP))),
            kinds.DATA_OUT,
            "output0",
        ),
        (listing(rule(match(FLAGS, ["psh"], "in"), DROP)), kinds.DATA_IN, "input"),
    ],
)
def test_the_packet_that_is_lost_is_told(nft: str, kind: PacketKind | None, where: str) -> None:
    told = lost(nft, FOUR)
    assert told[0] == (str(kind) if kind else "")
    assert where in told[1]


@pytest.mark.parametrize(
    ("hook", "left", "kind"),
    [("egress", SPORT, kinds.SYN_ACK_OUT), ("ingress", DPORT, kinds.SYN_IN)],
)
def test_chains_of_a_device_are_asked_where_it_is_the_way(
    hook: str, left: dict[str, Any], kind: PacketKind
) -> None:
    """nft 1.0.6 does not list the device of an egress chain: the chain is doubt then."""
    table = {"family": "netdev", "name": "o"}
    of = {"family": "netdev", "table": "o", "chain": "c"}
    chain = {"family": "netdev", "table": "o", "name": "c", "type": "filter", "hook": hook}
    entries: list[dict[str, Any]] = []
    for device, told in (("eth0", str(kind)), ("eth1", ""), (["eth1", "eth0"], str(kind))):
        entries = [
            {"table": table},
            {"chain": {**chain, "prio": 0, "policy": "accept", "dev": device}},
            {"rule": {**of, "expr": [match(left, 443), DROP]}},
        ]
        assert lost(json.dumps({"nftables": entries}), FOUR)[0] == told
    entries[1]["chain"].pop("dev")
    assert judge(host(nft=json.dumps({"nftables": entries})), FOUR, 443) == "unknown"


NOTRACK_IN = also("prerouting", rule(match(DPORT, 443), {"notrack": None}), prio=-300)
NOTRACK_OUT = also("output", rule(match(SPORT, 443), {"notrack": None}), prio=-300)


@pytest.mark.parametrize(
    ("states", "more", "works"),
    [
        (["established"], [], True),
        (["established"], NOTRACK_IN, False),
        (["established", "invalid"], NOTRACK_IN, False),
        (["established", "invalid", "new"], NOTRACK_IN, True),
        (["established"], NOTRACK_IN + NOTRACK_OUT, False),
        (["untracked"], NOTRACK_IN + NOTRACK_OUT, True),
        (["untracked"], NOTRACK_OUT, True),
    ],
)
def test_what_conntrack_says_of_answers(states: list[str], more: list[Any], works: bool) -> None:
    """As counters on Linux 6.18 showed it: see _SEEN."""
    answers = also(
        "output", rule(match({"ct": {"key": "state"}}, states, "in"), ACCEPT), policy="drop"
    )
    assert (lost(listing(*more, *answers), FOUR) == ("", "")) is works


def test_a_handshake_whose_answer_is_hidden_stays_invalid() -> None:
    """NOTRACK of the answers alone: conntrack takes the client's next packet for invalid."""
    accepts = [rule(ESTABLISHED, ACCEPT), rule(NEW, ACCEPT), DISCOVERY]
    nft = listing(*accepts, *NOTRACK_OUT, policy="drop")
    assert lost(nft, FOUR) == (str(kinds.ACK_IN), "nft inet f input: policy drop")
    invalid = rule(match({"ct": {"key": "state"}}, "invalid", "in"), ACCEPT)
    assert lost(listing(*accepts, invalid, *NOTRACK_OUT, policy="drop"), FOUR) == ("", "")


NS, NA = "nd-neighbor-solicit", "nd-neighbor-advert"


def discovery(kind: str, verdict: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    left = {"payload": {"protocol": "icmpv6", "field": "type"}}
    return rule(*more, match(left, kind), verdict)


LOCAL = match(
    {"payload": {"protocol": "ip6", "field": "saddr"}}, {"prefix": {"addr": "fe80::", "len": 10}}
)


@pytest.mark.parametrize(
    ("nft", "on_link", "routed"),
    [
        (listing(OPEN, policy="drop"), kinds.NS_IN, kinds.NS_IN),
        (listing(OPEN, discovery(NS, ACCEPT), policy="drop"), None, kinds.NA_IN),
        (
            listing(OPEN, discovery(NS, ACCEPT, LOCAL), policy="drop"),
            kinds.NS_IN,
            kinds.NA_IN,
        ),
        (listing(discovery(NA, DROP)), None, kinds.NA_IN),
        (listing(*also("output", discovery(NA, DROP))), kinds.NA_OUT, kinds.NA_OUT),
        (listing(*also("output", discovery(NS, DROP))), None, kinds.NS_OUT),
    ],
)
def test_new_clients_of_ipv6_need_their_neighbours(
    nft: str, on_link: PacketKind | None, routed: PacketKind | None
) -> None:
    """On the link they ask from their own address; else the router does, from its link-local."""
    assert lost(nft, SIX)[0] == (str(on_link) if on_link else "")
    assert lost(nft, ROUTED)[0] == (str(routed) if routed else "")


def test_a_router_that_is_known_by_its_link_local_address_need_not_be_asked() -> None:
    routing = ROUTING.replace("via 2001:db8::1 ", "via fe80::1 ")
    nft = listing(discovery(NA, DROP), discovery(NS, ACCEPT, LOCAL))
    assert fate(host(nft=nft, routing=routing), ROUTED, 443).surely_in


def test_arp_is_asked_for_by_clients_on_the_link_and_by_routers() -> None:
    table = {"family": "arp", "name": "a"}
    base = {"family": "arp", "table": "a", "name": "in", "type": "filter", "hook": "input"}
    asker = {"payload": {"protocol": "arp", "field": "saddr ip"}}
    expr = [match(asker, FOUR), DROP]
    entries = [
        {"table": table},
        {"chain": {**base, "prio": 0, "policy": "accept"}},
        {"rule": {"family": "arp", "table": "a", "chain": "in", "expr": expr}},
    ]
    nft = json.dumps({"nftables": entries})
    assert lost(nft, FOUR)[0] == str(kinds.ARP_IN)
    assert lost(nft, "192.0.2.78") == ("", "")
    assert lost(nft, "203.0.113.9") == ("", "")
    assert lost(nft.replace(FOUR, "192.0.2.1"), "203.0.113.9")[0] == str(kinds.ARP_IN)


def test_answers_need_a_way_back() -> None:
    for kind in ("blackhole", "unreachable", "prohibit"):
        text = f"{kind} 203.0.113.0/24\ndefault via 192.0.2.1"
        filtered = host(routing=ROUTING.replace("default via 192.0.2.1", text))
        assert judge(filtered, "203.0.113.9", 443) == "out"
        event = fate(filtered, "203.0.113.9", 443).loss(-1)
        assert event is not None
        assert str(event.rule) == "routing: no route back to the client"
        assert event.packet.kind is kinds.SYN_ACK_OUT
        assert judge(filtered, "203.0.114.9", 443) == "in"


def redirect(to: int, port: int = 443) -> list[Any]:
    chain = {"family": "inet", "table": "f", "name": "to", "type": "nat", "hook": "prerouting"}
    expr = [match(DPORT, port), {"redirect": {"port": to}}]
    return [
        {"chain": {**chain, "prio": -100, "policy": "accept"}},
        {"rule": {"family": "inet", "table": "f", "chain": "to", "expr": expr}},
    ]


def test_a_redirect_to_where_the_packet_goes_anyway_is_none() -> None:
    translated = rule(match({"ct": {"key": "status"}}, "dnat", "in"), ACCEPT)
    accepting = [rule(ESTABLISHED, ACCEPT), translated]
    assert lost(listing(*redirect(443), *accepting, policy="drop"), FOUR)[0] == "the SYN"
    assert lost(listing(*redirect(8443), *accepting, policy="drop"), FOUR) == ("", "")


def test_answers_of_a_redirect_leave_from_the_port_that_was_asked() -> None:
    """Output sees the port behind NAT, postrouting from srcnat on the one before it."""
    to = redirect(8443)
    for hook, prio, port, works in (
        ("output", 0, 8443, False),
        ("output", 0, 443, True),
        ("postrouting", 0, 8443, False),
        ("postrouting", 150, 443, False),
        ("postrouting", 150, 8443, True),
    ):
        drops = also(hook, rule(match(SPORT, port), DROP), prio=prio)
        assert (lost(listing(*to, *drops), FOUR) == ("", "")) is works, (hook, prio, port)


def test_a_transparent_proxy_is_doubt() -> None:
    expr = [match(DPORT, 443), {"tproxy": {"port": 9090}}]
    taking = {"rule": {"family": "inet", "table": "f", "chain": "input", "expr": expr}}
    nft = listing(taking, hook="prerouting")
    assert judge(host(nft=nft), FOUR, 443) == "unknown"
    assert judge(host(nft=nft), FOUR, 444) == "in"


def test_who_lets_in_is_told_of_chains_that_filter() -> None:
    """Not of nat's or security's, which come later and keep nobody out."""
    text = "*filter\n:INPUT DROP [0:0]\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n"
    text += "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"
    for table in ("nat", "security", "mangle"):
        text += f"*{table}\n:INPUT ACCEPT [0:0]\nCOMMIT\n"
    found = fate(host(iptables_legacy=text), FOUR, 443)
    event = found.pass_by(found.surely_in)
    assert event is not None
    assert str(event.rule).endswith("filter INPUT: -A INPUT -p tcp -m tcp --dport 443 -j ACCEPT")


def test_nat_keeps_who_the_client_is() -> None:
    """Classes stay the client's through both directions, whatever its packets' addresses are."""
    first = new_connection("ipv4", "eth0", 1, 443).tracked()
    assert (first.state, first.entry) == (CtState.NEW, Entry.SYN_SENT)
    there = first.to(((2, 2),), ((8443, 8443),))
    answer = there.next(kinds.SYN_ACK_OUT).tracked()
    assert answer.daddr is CLIENT
    assert answer.saddr == ((2, 2),)
    assert answer.source_translated().saddr == ((1, 1),)
    assert answer.source_translated().sport == ((443, 443),)
    assert there.to(((2, 2),), ((8443, 8443),)) is there

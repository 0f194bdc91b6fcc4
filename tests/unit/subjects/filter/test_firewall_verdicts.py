"""What the model says, where the kernel's word is not at hand: doubts, bans, ties and routes."""

from __future__ import annotations

import json

import pytest

from nethygiene.subjects.filter.model.addresses import classes_of, inverted, merged, without
from nethygiene.subjects.filter.model.assemble import assemble
from tests.unit.subjects.filter.hosts import (
    ACCEPT,
    DPORT,
    DROP,
    NFT,
    ROUTING,
    SADDR,
    SAVED,
    answers,
    fate,
    host,
    judge,
    listing,
    match,
    rule,
)

MARK = match({"meta": {"key": "mark"}}, 7)
CPU = match({"meta": {"key": "cpu"}}, 7)
LISTED = {"table": {"family": "ip", "name": "filter"}}


def test_an_accept_ends_only_its_own_chain() -> None:
    """Trap 15."""
    second = json.loads(listing(policy="drop"))["nftables"][1]
    second["chain"].update(table="g", prio=10)
    more = [{"table": {"family": "inet", "name": "g"}}, second]
    filtered = host(nft=listing(rule(ACCEPT), *more))
    assert judge(filtered, "203.0.113.9", 443) == "out"


def test_iptables_accepts_what_nft_drops() -> None:
    """Trap 13."""
    accepting = SAVED.replace(
        "-A INPUT -s 10.0.0.0/8", "-A INPUT -j ACCEPT\n-A INPUT -s 10.0.0.0/8"
    )
    sets = "create bad hash:net family inet\n"
    assert judge(host(iptables_legacy=accepting, ipset=sets), "203.0.113.9", 9) == "in"
    both = host(iptables_legacy=accepting, ipset=sets, nft=listing(policy="drop"))
    assert judge(both, "203.0.113.9", 9) == "out"


def test_what_nft_cannot_show_of_iptables_is_no_match_for_all() -> None:
    """Trap 14: multiport is opaque in nft's JSON."""
    expressions = [{"xt": {"type": "match", "name": "multiport"}}, ACCEPT]
    filtered = host(nft=listing(rule(*expressions), policy="drop"))
    assert judge(filtered, "203.0.113.9", 443) == "unknown"
    assert 'xt match "multiport"' in str(fate(filtered, "203.0.113.9", 443).doubt(-1))


@pytest.mark.parametrize(
    ("policy", "verdict"), [("accept", "out"), ("drop", "out")], ids=["accept", "drop"]
)
def test_a_perhaps_that_changes_nothing_is_ignored(policy: str, verdict: str) -> None:
    filtered = host(nft=listing(rule(CPU, DROP), rule(DROP), policy=policy))
    assert judge(filtered, "203.0.113.9", 443) == verdict


def test_a_perhaps_that_changes_the_verdict_is_unknown() -> None:
    assert judge(host(nft=listing(rule(CPU, DROP))), "203.0.113.9", 443) == "unknown"


def test_a_mark_is_nothing_until_a_rule_sets_it() -> None:
    assert judge(host(nft=listing(rule(MARK, DROP))), "203.0.113.9", 443) == "in"
    set_before = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 7}}
    known = host(nft=listing(rule(set_before), rule(MARK, DROP)))
    assert judge(known, "203.0.113.9", 443) == "out"


def test_a_ban_is_told_from_a_rule() -> None:
    banned = [{"elem": {"val": "203.0.113.9", "expires": 9}}]
    named = {"family": "inet", "table": "f", "name": "b"}
    bans = {"set": {**named, "flags": ["timeout"], "elem": banned}}
    found = fate(host(nft=listing(bans, rule(match(SADDR, "@b"), DROP))), "203.0.113.9", 443)
    assert found.banned
    assert not found.lost


def test_a_fail2ban_chain_is_a_ban() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n:f2b-sshd - [0:0]\n-A INPUT -j f2b-sshd\n"
    text += "-A f2b-sshd -s 203.0.113.9/32 -j REJECT\n-A f2b-sshd -j RETURN\nCOMMIT\n"
    found = fate(host(iptables_legacy=text), "203.0.113.9", 443)
    assert found.banned
    assert not found.lost
    assert judge(host(iptables_legacy=text), "203.0.113.8", 443) == "in"


def test_sets_maps_and_chains_of_the_example() -> None:
    filtered = host(nft=NFT)
    assert judge(filtered, "10.0.0.9", 443) == "out"
    assert judge(filtered, "10.1.2.3", 443) == "out"
    assert judge(filtered, "10.1.2.3", 22) == "in"
    assert judge(filtered, "10.2.2.3", 80) == "out"
    assert judge(filtered, "10.2.2.3", 443) == "in"


def test_an_ipset_that_could_not_be_read_is_a_doubt() -> None:
    sets = "create bad hash:ip family inet\nadd bad 10.0.0.1\n"
    known = host(iptables_legacy=SAVED, ipset=sets)
    assert judge(known, "10.0.0.1", 443, "eth1") == "out"
    assert judge(known, "10.0.0.6", 443, "eth1") == "out"
    # The policy drops all that the user chain returns: no doubt can change that.
    assert judge(host(iptables_legacy=SAVED, ipset="?"), "10.0.0.1", 443, "eth1") == "out"
    accepting = SAVED.replace(":INPUT DROP", ":INPUT ACCEPT")
    assert judge(host(iptables_legacy=accepting, ipset="?"), "10.0.0.1", 443, "eth1") == "unknown"


@pytest.mark.parametrize(
    ("texts", "section"),
    [
        ({"nft": "{"}, "nft"),
        ({"iptables": "-A INPUT"}, "iptables"),
        ({"ip6tables_legacy": "*filter\n"}, "ip6tables_legacy"),
        ({"links": ""}, "links"),
        ({"routing": ROUTING.replace("default via", "defualt via")}, "routes_ipv4"),
        ({"routing": ROUTING.replace("from", "form")}, "routing_rules_ipv4"),
        ({"routing": ROUTING.replace("inet ", "inte ")}, "addresses"),
        ({"routing": ROUTING.replace(": lo: <", ": lo: (")}, "links"),
    ],
)
def test_what_cannot_be_read_leaves_no_model(texts: dict[str, str], section: str) -> None:
    made = assemble(answers(**texts))
    assert isinstance(made.host, tuple)
    assert made.host[0] == section


def test_tables_that_iptables_owns_are_not_counted_twice() -> None:
    owner = {"family": "ip", "table": "filter"}
    base = {"type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    chain = {**owner, "name": "INPUT", **base}
    shown = [{"xt": {"type": "match", "name": "multiport"}}, ACCEPT]
    opaque = {**owner, "chain": "INPUT", "expr": shown}
    nft = json.dumps({"nftables": [LISTED, {"chain": chain}, {"rule": opaque}]})
    saved = (
        "# Generated by iptables-save v1.8.9 (nf_tables)\n*filter\n:INPUT DROP [0:0]\n"
        "-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT\nCOMMIT\n"
    )
    filtered = host(nft=nft, iptables=saved)
    assert judge(filtered, "203.0.113.9", 443) == "in"
    assert judge(filtered, "203.0.113.9", 22) == "out"
    # A rule more than iptables-save shows was made by nft: then nft's listing counts.
    more = nft.replace('{"rule"', '{"rule": ' + json.dumps(opaque) + '}, {"rule"')
    assert judge(host(nft=more, iptables=saved), "203.0.113.9", 22) == "unknown"


def test_the_way_back_tells_the_incoming_interface() -> None:
    filtered = host()
    found = dict.fromkeys(("10.1.1.1", "203.0.113.9"), "")
    for intervals, ways in filtered.routes.ways("ipv4", 0xC000020A):
        for low, high in intervals:
            if low <= 0x0A010101 <= high:
                found["10.1.1.1"] = ",".join(ways.devices)
            if low <= 0xCB007109 <= high:
                found["203.0.113.9"] = ",".join(ways.devices)
    assert found == {"10.1.1.1": "eth1", "203.0.113.9": "eth0"}


def test_classes_hold_what_the_rules_treat_alike() -> None:
    classes = classes_of("ipv4", [((10, 19),), ((15, 30),), ((10, 19),), ((100, 100), (200, 200))])
    assert len(classes.samples) == 5
    assert classes.mask(((100, 100),)) == classes.mask(((200, 200),))
    assert classes.mask(((10, 14),)) != classes.mask(((15, 19),))
    assert classes.stretches(classes.mask(((100, 100),)), ((0, 150),)) == ((100, 100),)
    assert inverted(merged([(0, 5), (6, 9)]), "ipv4")[0] == (10, (1 << 32) - 1)
    assert without(((0, 9),), ((3, 4),), "ipv4") == ((0, 2), (5, 9))


def test_ports_look_at_their_own_rules_alone() -> None:
    rules = [rule(match(DPORT, port), DROP) for port in range(1000, 3000, 2)]
    filtered = host(nft=listing(*rules))
    assert judge(filtered, "203.0.113.9", 1002) == "out"
    assert judge(filtered, "203.0.113.9", 1003) == "in"
    assert fate(filtered, "203.0.113.9", 1003).trace.steps < 10

"""NAT by maps and shares, and NAT of answers whose questions connection tracking has not seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nethygiene.subjects.filter.model.nft_translation import covers_all
from tests.unit.subjects.filter.hosts import ACCEPT, DPORT, DROP, host, judge, listing, match, rule

Entry = dict[str, Any]
HEAD = {"family": "inet", "table": "f"}


def _chain(name: str, hook: str, priority: int, kind: str = "filter") -> Entry:
    base = {"type": kind, "hook": hook, "prio": priority, "policy": "accept"}
    return {"chain": {**HEAD, "name": name, **base}}


def _share(modulus: int) -> Entry:
    return {"numgen": {"mode": "random", "mod": modulus, "offset": 0}}


def test_a_redirect_by_map_leads_each_port_to_its_own() -> None:
    to = {"map": {"key": DPORT, "data": {"set": [[80, 8080], [81, 8081]]}}}
    nft = listing(
        _chain("nat", "prerouting", -100, "nat"),
        rule({"redirect": {"port": to}}, chain="nat"),
        rule(match(DPORT, 8080), ACCEPT),
        policy="drop",
    )
    filtered = host(nft=nft)
    assert [judge(filtered, "192.0.2.7", port) for port in (80, 81, 8080)] == ["in", "out", "in"]


def test_shares_that_are_all_there_leave_nobody_over() -> None:
    leads = [[0, {"goto": {"target": "other"}}], [1, {"goto": {"target": "other"}}]]
    nft = listing(
        rule({"vmap": {"key": _share(2), "data": {"set": leads}}}),
        rule(ACCEPT, chain="other"),
        policy="drop",
    )
    assert judge(host(nft=nft), "192.0.2.7", 80) == "in"
    some = listing(
        rule({"vmap": {"key": _share(3), "data": {"set": leads}}}),
        rule(ACCEPT, chain="other"),
        policy="drop",
    )
    assert judge(host(nft=some), "192.0.2.7", 80) != "in"


@pytest.mark.parametrize(
    ("entries", "whole"),
    [
        ([0, 1, 2], True),
        ([0, 2], False),
        ([{"range": [0, 1]}, 2], True),
        (["a"], False),
        ([], False),
    ],
)
def test_covering_all_shares(entries: list[object], whole: bool) -> None:
    assert covers_all([_share(3)], json.loads(json.dumps(entries))) is whole
    assert not covers_all([DPORT], json.loads(json.dumps(entries)))


@pytest.mark.parametrize(
    ("statement", "answer"),
    [({"masquerade": None}, "out"), (ACCEPT, "in")],
)
def test_answers_of_untracked_questions_must_keep_their_source(
    statement: Entry, answer: str
) -> None:
    # Linux 6.18: the service's first data is picked up as a new connection, and gets the address
    # of the interface instead of the one that was asked.
    nft = listing(
        _chain("raw", "prerouting", -300),
        rule({"notrack": None}, chain="raw"),
        _chain("post", "postrouting", 100, "nat"),
        rule(statement, chain="post"),
    )
    assert judge(host(nft=nft), "10.0.0.7", 80, "eth1") == answer


@pytest.mark.parametrize("flags", [["saddr", "iif"], ["saddr", "mark", "iif"]])
def test_a_reverse_path_that_asks_for_marks_is_certain_where_no_routing_rule_does(
    flags: list[str],
) -> None:
    # firewalld writes `fib saddr . mark . iif oif missing drop`.
    missing = match({"fib": {"result": "oif", "flags": flags}}, False)
    filtered = host(nft=listing(rule(missing, DROP)))
    assert judge(filtered, "192.0.2.7", 80) == "in"
    assert judge(filtered, "10.0.0.7", 80, "eth0") == "out"


@pytest.mark.parametrize(
    ("statement", "answer"),
    [({"notrack": None}, "out"), (ACCEPT, "in")],
)
def test_untracked_answers_do_not_find_back_to_a_client_whose_source_nat_changes(
    statement: Entry, answer: str
) -> None:
    # Linux 6.18: they go to the address that the client seemed to have.
    nft = listing(
        _chain("in", "input", 100, "nat"),
        rule({"snat": {"family": "ip", "addr": "10.0.0.55"}}, chain="in"),
        _chain("out", "output", -300),
        rule(statement, chain="out"),
    )
    assert judge(host(nft=nft), "10.0.0.7", 80, "eth1") == answer

"""Limits, lists and chance: what they are for clients, and for whoever wants in."""

from __future__ import annotations

import json

import pytest

from nethygiene.subjects.filter.model.attempts import attacked, served
from nethygiene.subjects.filter.model.choices import Choice, Scope
from nethygiene.subjects.filter.model.packet import new_connection
from nethygiene.subjects.filter.model.verdict import Fate, HostFilter
from tests.unit.subjects.filter.hosts import ACCEPT, DPORT, DROP, host, listing, match, rule

PORT = 443


@pytest.mark.parametrize(
    ("choice", "meets"),
    [
        (Choice("25/minute", Scope.SHARED, 25 / 60, 100), True),
        (Choice("3/second", Scope.SHARED, 3, 9), None),
        (Choice("25/second", Scope.SHARED, 25, 50), False),
        (Choice("5 at once", Scope.SHARED, burst=5), True),
        (Choice("50 at once", Scope.SHARED, burst=50), None),
        (Choice("5000 at once", Scope.SHARED, burst=5000), False),
        (Choice("ufw's limit", Scope.CLIENT, 6 / 30, 5), False),
        (Choice("2 of each", Scope.CLIENT, burst=2), None),
        (Choice("1/hour of each", Scope.CLIENT, 1 / 3600, 5), None),
        (Choice("a list", Scope.LIST), False),
        (Choice("chance", Scope.CHANCE), True),
        (Choice("a quota", Scope.QUOTA), None),
    ],
    ids=lambda one: one.name if isinstance(one, Choice) else None,
)
def test_what_ordinary_clients_meet(choice: Choice, meets: bool | None) -> None:
    assert choice.meets_clients is meets


def both(filtered: HostFilter) -> tuple[str, str]:
    """What becomes of clients, and of those who want in."""
    clients = filtered.ground("ipv4").classes.mask(((203 << 24, (204 << 24) - 1),))
    packet = new_connection("ipv4", "eth0", 0xC000020A, PORT)
    return _word(served(filtered, packet, clients)), _word(attacked(filtered, packet, clients))


def _word(judged: Fate) -> str:
    if judged.surely_in == judged.asked:
        return "in"
    return "out" if judged.surely_out == judged.asked else "unknown"


def limit(**more: object) -> dict[str, object]:
    return {"limit": {"rate": 5, "per": "minute", "burst": 5, **more}}


NAMED = {"limit": {"family": "inet", "table": "f", "name": "l", "rate": 90, "per": "second"}}
OVER = {"limit": {**NAMED["limit"], "inv": True, "burst": 90}}
QUOTA = {"quota": {"family": "inet", "table": "f", "name": "q", "bytes": 9, "used": 0}}


@pytest.mark.parametrize(
    ("entries", "policy", "clients", "others"),
    [
        ([rule(limit(), DROP)], "accept", "out", "in"),
        ([rule(limit(inv=True), DROP)], "accept", "out", "in"),
        ([rule(limit(), ACCEPT)], "drop", "out", "in"),
        ([rule(limit(rate=2, per="second"), ACCEPT)], "drop", "unknown", "in"),
        ([rule(limit(rate=20, per="second"), ACCEPT)], "drop", "in", "in"),
        ([rule(limit(rate=100000, per="second", burst=9999), ACCEPT)], "drop", "in", "in"),
        ([rule(limit(), limit(rate=7), ACCEPT)], "drop", "out", "in"),
        ([OVER, rule({"limit": "l"}, DROP)], "accept", "in", "in"),
        ([rule({"limit": "gone"}, DROP)], "accept", "unknown", "unknown"),
        ([QUOTA, rule({"quota": "q"}, ACCEPT)], "drop", "unknown", "in"),
        ([rule({"ct count": {"val": 0, "inv": True}}, DROP)], "accept", "out", "out"),
        ([rule({"ct count": {"val": 0}}, DROP)], "accept", "in", "in"),
        # Neither alone lets anybody in: the one takes what the other leaves.
        ([rule(limit(), {"return": None}), rule(DROP)], "drop", "out", "out"),
    ],
)
def test_limits_of_nft(
    entries: list[dict[str, object]], policy: str, clients: str, others: str
) -> None:
    assert both(host(nft=listing(*entries, policy=policy))) == (clients, others)


def test_beyond_one_limit_and_within_another() -> None:
    """The sixth packet of a minute passes the first rule, and the second one lets it in."""
    rules = [rule(limit(), DROP), rule(limit(rate=9, burst=9), ACCEPT), rule(DROP)]
    assert both(host(nft=listing(*rules))) == ("out", "in")


def test_a_reverse_path_check_of_newer_nft() -> None:
    """nftables 1.1.4 writes `check` for whether there is a route at all."""
    fib = {"fib": {"result": "check", "flags": ["saddr", "iif"]}}
    missing = host(nft=listing(rule(match(fib, False), DROP)))
    assert both(missing) == ("in", "in")
    assert both(host(nft=listing(rule(match(fib, True), DROP)))) == ("out", "out")
    # 10.0.0.0/8 is behind the other interface.
    clients = missing.ground("ipv4").classes.mask(((10 << 24, (11 << 24) - 1),))
    judged = served(missing, new_connection("ipv4", "eth0", 0xC000020A, PORT), clients)
    assert judged.surely_out == judged.asked


SHOREWALL = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
:dynamic - [0:0]
:fw-net - [0:0]
:logdrop - [0:0]
:logflags - [0:0]
:net-fw - [0:0]
:reject - [0:0]
:smurflog - [0:0]
:smurfs - [0:0]
:tcpflags - [0:0]
-A INPUT -i eth0 -j net-fw
-A INPUT -i lo -j ACCEPT
-A INPUT -m addrtype --dst-type BROADCAST -j DROP
-A INPUT -m addrtype --dst-type ANYCAST -j DROP
-A INPUT -m addrtype --dst-type MULTICAST -j DROP
-A INPUT -m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 10 --hashlimit-mode srcip \
--hashlimit-name lograte -j LOG --log-prefix "INPUT REJECT " --log-level 6
-A INPUT -g reject
-A OUTPUT -o eth0 -j fw-net
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -g reject
-A fw-net -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A fw-net -j ACCEPT
-A logdrop -j DROP
-A logflags -j LOG --log-prefix "logflags DROP " --log-level 6 --log-ip-options
-A logflags -j DROP
-A net-fw -m conntrack --ctstate INVALID,NEW,UNTRACKED -j dynamic
-A net-fw -m conntrack --ctstate INVALID,NEW,UNTRACKED -j smurfs
-A net-fw -p tcp -j tcpflags
-A net-fw -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A net-fw -p tcp -m conntrack --ctstate INVALID -j DROP
-A net-fw -p tcp -m multiport --dports 22,443 -m comment --comment "web" -j ACCEPT
-A net-fw -p tcp -m tcp --dport 25 -m limit --limit 30/sec --limit-burst 60 -j ACCEPT
-A net-fw -m addrtype --dst-type BROADCAST -j DROP
-A net-fw -j DROP
-A reject -m addrtype --src-type BROADCAST -j DROP
-A reject -s 224.0.0.0/4 -j DROP
-A reject -p igmp -j DROP
-A reject -p tcp -j REJECT --reject-with tcp-reset
-A reject -p udp -j REJECT --reject-with icmp-port-unreachable
-A reject -j REJECT --reject-with icmp-host-prohibited
-A smurflog -j DROP
-A smurfs -s 0.0.0.0/32 -j RETURN
-A smurfs -m addrtype --src-type BROADCAST -g smurflog
-A smurfs -s 224.0.0.0/4 -g smurflog
-A tcpflags -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG FIN,PSH,URG -g logflags
-A tcpflags -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE -g logflags
-A tcpflags -p tcp -m tcp --tcp-flags SYN,RST SYN,RST -g logflags
-A tcpflags -p tcp -m tcp --tcp-flags FIN,RST FIN,RST -g logflags
-A tcpflags -p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN -g logflags
-A tcpflags -p tcp -m tcp --tcp-flags PSH,FIN,ACK PSH,FIN -g logflags
-A tcpflags -p tcp -m tcp --sport 0 --tcp-flags FIN,SYN,RST,ACK SYN -g logflags
COMMIT
"""


@pytest.mark.parametrize(
    ("port", "verdict"), [(22, "in"), (443, "in"), (25, "in"), (80, "out"), (3306, "out")]
)
def test_nothing_of_shorewall_is_unknown(port: int, verdict: str) -> None:
    filtered = host(iptables_legacy=SHOREWALL)
    clients = filtered.ground("ipv4").classes.mask(((203 << 24, (204 << 24) - 1),))
    packet = new_connection("ipv4", "eth0", 0xC000020A, port)
    for judged in (served(filtered, packet, clients), attacked(filtered, packet, clients)):
        assert _word(judged) == verdict


def test_listings_of_limits_that_are_none() -> None:
    bodies: list[object] = [None, 5, "l", [], {"rate": "5"}, {"rate": True, "per": 5}, {"val": [1]}]
    for body in bodies:
        for kind in ("limit", "quota", "ct count"):
            text = listing(rule({kind: body}, match(DPORT, PORT), DROP))
            assert both(host(nft=json.dumps(json.loads(text))))[0] == "unknown"

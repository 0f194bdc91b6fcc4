"""upstream-reachable against real connections: each component refuses in turn, in both families."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from nethygiene.engine.outcomes import Outcome
from tests.lab.firewall.comparing import THOROUGH
from tests.lab.host import Family
from tests.lab.lab import Lab
from tests.lab.three_networks import PORT, Networks, networks

NFT = "nft add table inet t; nft 'add chain inet t {0} {{ type filter hook {0} priority 0; }}'; "
SYN = f"tcp dport {PORT}"
ANSWER = f"tcp sport {PORT}"


@dataclass(frozen=True)
class Scenario:
    """What is broken, and what the rule says then.

    Attributes:
        name: of the scenario.
        on: shell scripts by host; `{ROUTER_C}` and the like stand for addresses.
        works: whether a connection works; None where that cannot be told, and is not asked.
        host: the host of the finding; empty for none.
        what: words of the message.
        listens: what the server listens at; empty for everywhere.
        upstream: more of the upstream.
        families: in which it is tried.
        mends: whether the printed remedy makes it work.
        blind: the outcome without the router in the inventory.
    """

    name: str
    on: dict[str, str] = field(default_factory=dict)
    works: bool | None = False
    host: str = ""
    what: str = ""
    listens: tuple[str, ...] = ()
    upstream: dict[str, Any] = field(default_factory=dict)
    families: tuple[Family, ...] = ("ipv4", "ipv6")
    mends: bool = False
    blind: Outcome = Outcome.UNKNOWN


FOUR: tuple[Family, ...] = ("ipv4",)
FAILED = Outcome.FAILED
STATEFUL = "nft add rule inet t {0} ct state established,related accept; "
SCENARIOS = [
    Scenario("well", works=True),
    Scenario(
        "client's output",
        {"client": NFT.format("output") + f"nft add rule inet t output {SYN} drop"},
        host="client", what="output filter", mends=True, blind=FAILED,
    ),
    Scenario(
        "client's output, rejected by iptables",
        {"client": f"{{iptables}} -A OUTPUT -p tcp --dport {PORT} -j REJECT"},
        host="client", what="rejected by", mends=True, blind=FAILED,
    ),
    Scenario(
        "client's input",
        {"client": NFT.format("input") + f"nft add rule inet t input {ANSWER} drop"},
        host="client", what="input filter for the answer", mends=True,
    ),
    Scenario(
        "client's input, policy drop, stateful",
        {"client": NFT.format("input") + STATEFUL.format("input")
         + "nft add rule inet t input meta l4proto ipv6-icmp accept;"
         " nft add rule inet t input meta iif lo accept; nft add rule inet t input drop"},
        works=True,
    ),
    Scenario(
        "client without a route", {"client": "ip {option} route del default"},
        host="client", what="route", blind=FAILED,
    ),
    Scenario(
        "client's route refuses", {"client": "ip {option} route add unreachable {SERVER}"},
        host="client", what="route", blind=FAILED,
    ),
    Scenario(
        "client's routing rule refuses", {"client": "ip {option} rule add to {SERVER} prohibit"},
        host="client", what="route", blind=FAILED,
    ),
    Scenario(
        "client's policy routing by the detour",
        {"client": "ip {option} route add default via {DETOUR_C} table 7;"
         " ip {option} rule add to {SERVER} lookup 7"},
        works=True,
    ),
    Scenario(
        "router's forward hook",
        {"router": NFT.format("forward") + f"nft add rule inet t forward {SYN} drop"},
        host="router", what="forward filter", mends=True,
    ),
    Scenario(
        "router's forward chain of iptables",
        {"router": "{iptables} -P FORWARD DROP"},
        host="router", what="FORWARD",
    ),
    Scenario(
        "router's forward hook drops answers",
        {"router": NFT.format("forward") + f"nft add rule inet t forward {ANSWER} drop"},
        host="router", what="forward filter for the answer", mends=True,
    ),
    Scenario(
        "router does not forward",
        {"router": "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0"},
        host="router", what="forwarding from eth0", mends=True,
    ),
    Scenario(
        "router has no route", {"router": "ip {option} route del {NET_S} dev eth1"},
        host="router", what="route",
    ),
    Scenario(
        "router blackholes", {"router": "ip {option} route add blackhole {SERVER}"},
        host="router", what="route",
    ),
    Scenario(
        "router translates the source",
        {"router": "nft add table inet n; nft 'add chain inet n p { type nat hook postrouting"
         " priority 100; }'; nft add rule inet n p oifname eth1 masquerade"},
        works=True,
    ),
    Scenario(
        "router's prerouting drops",
        {"router": "nft add table inet t; nft 'add chain inet t p { type filter hook prerouting"
         f" priority raw; }}'; nft add rule inet t p {SYN} drop"},
        host="router", what="forward filter",
    ),
    Scenario(
        "server's input",
        {"server": NFT.format("input") + f"nft add rule inet t input {SYN} drop"},
        host="server", what="input filter", mends=True,
    ),
    Scenario(
        "server's input admits another network",
        {"server": NFT.format("input") + "nft add rule inet t input meta l4proto ipv6-icmp accept;"
         f" nft add rule inet t input {{ip}} saddr {{NET_S}} {SYN} accept;"
         f" nft add rule inet t input {SYN} reject"},
        host="server", what="rejected by", mends=True,
    ),
    Scenario(
        "server admits the router, which translates",
        {"server": NFT.format("input") + "nft add rule inet t input meta l4proto ipv6-icmp accept;"
         f" nft add rule inet t input {{ip}} saddr {{ROUTER_S}} {SYN} accept;"
         f" nft add rule inet t input {SYN} reject",
         "router": "nft add table inet n; nft 'add chain inet n p { type nat hook postrouting"
         " priority 100; }'; nft add rule inet n p oifname eth1 masquerade"},
        works=True,
    ),
    Scenario(
        "server's output",
        {"server": NFT.format("output") + f"nft add rule inet t output {ANSWER} drop"},
        host="server", what="output filter for the answer", mends=True,
    ),
    Scenario(
        "server has no way back", {"server": "ip {option} route del default"},
        host="server", what="route",
    ),
    Scenario(
        "server's port is not listened on", listens=(f"0.0.0.0|{PORT + 1}",),
        host="server", what="not listened on",
    ),
    Scenario(
        "server listens on loopback alone", listens=(f"127.0.0.1|{PORT}", f"::1|{PORT}"),
        host="server", what="not listened on",
    ),
    Scenario(
        "server redirects an old port",
        {"server": "nft add table inet n; nft 'add chain inet n p { type nat hook prerouting"
         f" priority -100; }}'; nft add rule inet n p {SYN} redirect to :{PORT + 1}"},
        listens=(f"0.0.0.0|{PORT + 1}", f"::|{PORT + 1}"), works=True,
    ),
    Scenario(
        "answers come by the detour",
        {"server": "ip {option} route replace default via {DETOUR_S}"},
        works=True,
    ),
    Scenario(
        "answers come by the detour, and the router asks connection tracking",
        {
            "server": "ip {option} route replace default via {DETOUR_S}",
            "router": NFT.format("forward") + "nft add rule inet t forward ct state invalid drop",
        },
        host="router",
        what="forward filter, which sees no answer",
    ),
    Scenario(
        "detour drops the answers",
        {"server": "ip {option} route replace default via {DETOUR_S}",
         "detour": NFT.format("forward") + f"nft add rule inet t forward {ANSWER} drop"},
        host="detour", what="forward filter for the answer", mends=True,
    ),
    Scenario(
        "detour forwards what it has seen begin",
        {"server": "ip {option} route replace default via {DETOUR_S}",
         "detour": NFT.format("forward")
         + "nft add rule inet t forward ct state invalid drop"},
        host="detour", what="forward filter for the answer",
    ),
    Scenario(
        "detour does not forward answers",
        {"server": "ip {option} route replace default via {DETOUR_S}",
         "detour": "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0"},
        host="detour", what="forwarding from eth1 for the answer", mends=True,
    ),
    Scenario(
        "router's strict reverse path filter",
        {"router": "ip route add {CLIENT}/32 via {DETOUR_S} dev eth1;"
         " sysctl -qw net.ipv4.conf.eth0.rp_filter=1"},
        host="router", what="reverse path filter on eth0", families=FOUR,
    ),
    Scenario(
        "router's loose reverse path filter, answers by the detour",
        {"router": "ip route add {CLIENT}/32 via {DETOUR_S} dev eth1;"
         " sysctl -qw net.ipv4.conf.all.rp_filter=2"},
        works=True, families=FOUR,
    ),
    Scenario(
        "server's strict reverse path filter",
        {"server": "ip link add spare type bridge; ip link set spare up;"
         " ip addr add 10.98.0.1/24 dev spare; ip route add {CLIENT}/32 dev spare;"
         " sysctl -qw net.ipv4.conf.all.rp_filter=1"},
        host="server", what="reverse path filter on eth0", families=FOUR,
    ),
    Scenario(
        "router translates the destination",
        {"router": "nft add table inet n; nft 'add chain inet n p { type nat hook prerouting"
         f" priority -100; }}'; nft add rule inet n p {{ip}} daddr {{ROUTER_C}} {SYN}"
         " dnat {ip} to {SERVER}"},
        works=True, upstream={"address": "{ROUTER_C}"},
    ),
    Scenario(
        "router translates the destination, answers by the detour",
        {"router": "nft add table inet n; nft 'add chain inet n p { type nat hook prerouting"
         f" priority -100; }}'; nft add rule inet n p {{ip}} daddr {{ROUTER_C}} {SYN}"
         " dnat {ip} to {SERVER}",
         "server": "ip {option} route replace default via {DETOUR_S}"},
        host="client", what="address of the answer", upstream={"address": "{ROUTER_C}"},
    ),
    Scenario(
        "client's gateway by its link-local address",
        {"client": "ip -6 route replace default via {ROUTER_L} dev eth0"},
        works=True,
        families=("ipv6",),
    ),
    Scenario(
        "client's gateway is one of two hosts that have its address",
        {"detour": "ip addr add {ROUTER_C}/{bits} dev eth0{nodad}", "router": "true"},
        works=None,
    ),
    Scenario(
        "client's routes share the load",
        {
            "client": "ip {option} route replace default nexthop via {ROUTER_C} dev eth0"
            " nexthop via {DETOUR_C} dev eth0"
        },
        works=None,
    ),
    Scenario(
        "router's routing rule leads to the detour",
        {
            "router": "ip {option} route add default via {DETOUR_C} dev eth0 table 8;"
            " ip {option} rule add from {CLIENT} lookup 8; sysctl -qw"
            " net.ipv4.conf.all.send_redirects=0"
        },
        works=True,
    ),
    Scenario(
        "server's interface is down",
        {"server": "ip link set eth0 down"},
        host="server",
        what="set down",
        families=FOUR,
    ),
    Scenario(
        # The kernel takes the addresses away with it: nobody is known to have this one.
        "server's interface is down, and its address gone",
        {"server": "ip link set eth0 down"},
        works=None,
        families=("ipv6",),
    ),
    Scenario(
        "client's link has no carrier, and its route stays",
        {
            "client": "ip link add spare type veth peer name other; ip link set spare up;"
            " ip addr add 10.97.0.1/24 dev spare; ip route add {SERVER}/32 dev spare"
        },
        host="client",
        what="link of spare is without carrier",
        families=FOUR,
        blind=FAILED,
    ),
    Scenario(
        "server's strict reverse path filter, and routing rules that ask for marks",
        {
            "server": "ip link add spare type bridge; ip link set spare up;"
            " ip addr add 10.98.0.1/24 dev spare; ip route add {CLIENT}/32 dev spare;"
            " ip rule add fwmark 7 lookup main; sysctl -qw net.ipv4.conf.all.rp_filter=1"
        },
        works=None,
        families=FOUR,
    ),
    Scenario(
        "routers send it to each other",
        {
            "router": "ip {option} route add {SERVER} via {DETOUR_S} dev eth1",
            "detour": "ip {option} route add {SERVER} via {ROUTER_S} dev eth1",
        },
        host="detour",
        what="a circle of router and detour",
    ),
    Scenario(
        "router takes it itself, where nothing listens",
        {}, host="router", what="not listened on", upstream={"address": "{ROUTER_C}"},
    ),
]  # fmt: skip
# `make truth` tries each in both families; `make test` has one family for each, in turn.
CASES = [
    pytest.param(scenario, family, id=f"{scenario.name}-{family}")
    for number, scenario in enumerate(SCENARIOS)
    for family in scenario.families
    if THOROUGH or family == scenario.families[number % len(scenario.families)]
]


def words(made: Networks, family: Family) -> dict[str, str]:
    """The words that scripts may use."""
    client, server = made.client_side("client", family), made.server_side("server", family)
    four = family == "ipv4"
    return {
        "CLIENT": client,
        "SERVER": server,
        "ROUTER_C": made.client_side("router", family),
        "ROUTER_S": made.server_side("router", family),
        "DETOUR_C": made.client_side("detour", family),
        "DETOUR_S": made.server_side("detour", family),
        "NET_S": f"{server[:-1]}0/24" if four else f"{server[:-1]}/64",
        "ROUTER_L": link_local(made, "router"),
        "bits": "24" if four else "64",
        "nodad": "" if four else " nodad",
        "option": "-4" if four else "-6",
        "ip": "ip" if four else "ip6",
        "iptables": "iptables" if four else "ip6tables",
    }


def link_local(made: Networks, name: str) -> str:
    """The link-local address of a host's eth0."""
    listed = made.hosts[name].run("ip", "-6", "-o", "addr", "show", "eth0", "scope", "link").stdout
    return listed.split()[3].partition("/")[0]


def filled(text: str, given: dict[str, str]) -> str:
    for name, value in given.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@pytest.mark.parametrize(("scenario", "family"), CASES)
def test_the_verdict_is_what_a_connection_finds(
    lab: Lab, scenario: Scenario, family: Family
) -> None:
    with networks(lab) as made:
        given = words(made, family)
        made.serve(*scenario.listens)
        for name, script in scenario.on.items():
            made.hosts[name].shell("set -e; " + filled(script, given))
        declared = scenario.upstream.get("address", "{SERVER}")
        address = filled(declared, given)
        upstream = {"address": address}
        verdict = made.verdict(upstream)
        if scenario.works is None:
            assert verdict.outcome is Outcome.UNKNOWN, verdict.message
            return
        assert made.connects(address, expected=scenario.works) is scenario.works
        if scenario.works:
            assert verdict.outcome is Outcome.PASSED, verdict.message
        else:
            assert verdict.outcome is Outcome.FAILED, verdict.message
            assert verdict.message.startswith(f"{scenario.host}: "), verdict.message
            assert scenario.what in verdict.message
        without = made.verdict(upstream, outside=("router", "detour"))
        assert without.outcome is scenario.blind, without.message
        if scenario.mends:
            made.mend(verdict, scenario.host)
            assert made.connects(address, expected=True)
            assert made.verdict(upstream).outcome is Outcome.PASSED


PROBES = ("packet_filter", "listeners", "interfaces", "sysctl")
# Of a host that only forwards or dials, no listener is looked at.
NOT_ASKED = {(host, "listeners") for host in ("client", "router")}


def test_what_is_not_read_of_any_host_is_unknown(lab: Lab) -> None:
    with networks(lab) as made:
        made.serve()
        upstream = {"address": made.server_side("server", "ipv4")}
        for host in ("client", "router", "server"):
            for probe in PROBES:
                hidden = (host, probe)
                wanted = Outcome.PASSED if hidden in NOT_ASKED else Outcome.UNKNOWN
                verdict = made.verdict(upstream, hidden=[hidden])
                assert verdict.outcome is wanted, (hidden, verdict.message)


def test_without_an_address_the_most_specific_route_decides(lab: Lab) -> None:
    with networks(lab) as made:
        made.serve()
        four, six = (made.server_side("server", family) for family in ("ipv4", "ipv6"))
        client = made.hosts["client"]

        def taken(service: dict[str, Any] | None = None) -> str:
            verdict = made.verdict({}, service)
            assert verdict.outcome is Outcome.PASSED, verdict.message
            (seen,) = [one for one in verdict.observations if one.what == "address of server"]
            return seen.actual

        assert taken().startswith(f"{four} port {PORT}, of {four}, {six} the one with the most")
        via = made.client_side("router", "ipv6")
        client.shell(f"ip -6 route add {six}/128 via {via}")
        assert taken().startswith(f"{six} port {PORT}, of {four}, {six} the one with the most")
        assert taken({"address": four}) == f"{four} port {PORT}, which the service declares"

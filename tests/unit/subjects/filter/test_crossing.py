"""How a connection or a datagram crosses a host: opened, received, forwarded, and after NAT."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from nethygiene.subjects.filter.crossing import (
    Crossing,
    CrossingConnection,
    Datagram,
    datagram_forwarded,
    datagram_in,
    datagram_out,
    forwarded,
    opened,
    received,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import parse_address
from nethygiene.subjects.filter.model.stack import parse_stack
from tests.unit.subjects.filter.hosts import ROUTING, host

FORWARDS = "/proc/sys/net/ipv4/ip_forward:1\n/proc/sys/net/ipv6/conf/all/forwarding:1\n"


def number(text: str) -> int:
    parsed = parse_address(text)
    assert parsed is not None
    return parsed[0]


def saved(*rules: str, table: str = "filter") -> str:
    """``iptables-save`` of one table, with a policy for each chain unless the rules give it."""
    chains = {
        "filter": ("INPUT", "FORWARD", "OUTPUT"),
        "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
        "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
        "raw": ("PREROUTING", "OUTPUT"),
    }[table]
    policies = {rule.split()[0][1:]: rule for rule in rules if rule.startswith(":")}
    heads = [policies.get(chain, f":{chain} ACCEPT [0:0]") for chain in chains]
    lines = [rule for rule in rules if not rule.startswith(":")]
    return "\n".join([f"*{table}", *heads, *lines, "COMMIT", ""])


def filtered(
    *tables: str, routing: str = ROUTING, six: str = "", stack: str = FORWARDS
) -> PacketFilter:
    made = host(
        routing=routing,
        iptables_legacy="".join(tables),
        ip6tables_legacy=six,
        virtual_servers=stack,
    )
    return PacketFilter(made, parse_stack(stack))


def connection(source: str | None, to: str, port: int = 443) -> CrossingConnection:
    own = None if source is None else number(source)
    return CrossingConnection("ipv6" if ":" in to else "ipv4", own, number(to), port)


STATELESS_ANSWERS = "-A INPUT -p tcp -m tcp --sport 443 -j ACCEPT"
ESTABLISHED = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"


def test_what_the_host_opens_has_the_source_that_its_routes_say() -> None:
    found = opened(filtered(), connection(None, "192.0.2.77"))
    assert found.passes
    assert found.connection.source == number("192.0.2.10")
    assert found.leaves_by == "eth0"
    assert opened(filtered(), connection(None, "10.9.9.9")).leaves_by == "eth1"


def test_a_connection_that_the_host_opens_is_lost_at_the_output_or_with_its_answer() -> None:
    asked = connection(None, "192.0.2.77")
    out = opened(filtered(saved("-A OUTPUT -p tcp -m tcp --dport 443 -j REJECT")), asked)
    assert (out.passes, out.verb, out.packet) == (False, "rejected", "the SYN")
    assert out.chain == "iptables-legacy filter OUTPUT"
    answer = opened(filtered(saved(":INPUT DROP [0:0]")), asked)
    assert (answer.passes, answer.packet) == (False, "the answer to the SYN")
    assert answer.why == "iptables-legacy filter INPUT: policy drop"
    assert opened(filtered(saved(":INPUT DROP [0:0]", ESTABLISHED)), asked).passes
    assert opened(filtered(saved(":INPUT DROP [0:0]", STATELESS_ANSWERS)), asked).passes


def test_no_route_loses_what_the_host_opens() -> None:
    bare = ROUTING.replace("default via 192.0.2.1 dev eth0 proto static\n", "")
    found = opened(filtered(routing=bare), connection(None, "198.51.100.1"))
    assert (found.passes, found.why) == (False, "routing: no route to where it goes")


def test_a_mark_takes_what_the_host_opens_to_another_interface() -> None:
    routing = ROUTING.replace(
        "32766:\tfrom all lookup main\n32767",
        "100:\tfrom all fwmark 0x1 lookup 7\n32766:\tfrom all lookup main\n32767",
    ).replace("# routing_rules_ipv6", "default via 10.0.0.2 dev eth1 table 7\n# routing_rules_ipv6")
    marking = saved("-A OUTPUT -p tcp -m tcp --dport 443 -j MARK --set-xmark 0x1", table="mangle")
    asked = connection(None, "192.0.2.77")
    assert opened(filtered(marking, routing=routing), asked).leaves_by == "eth1"
    masked = saved("-A POSTROUTING -o eth1 -j MASQUERADE", table="nat")
    found = opened(filtered(marking, masked, routing=routing), asked)
    assert found.connection.source == number("10.0.0.1")


def test_destination_nat_of_what_the_host_opens() -> None:
    nat = saved(
        "-A OUTPUT -d 203.0.113.5/32 -p tcp -m tcp --dport 443"
        " -j DNAT --to-destination 10.0.0.9:8443",
        table="nat",
    )
    found = opened(filtered(nat), connection("192.0.2.10", "203.0.113.5"))
    assert found.passes
    assert (found.connection.destination, found.connection.port) == (number("10.0.0.9"), 8443)
    assert found.leaves_by == "eth1"


@pytest.mark.parametrize("to", ["127.0.0.1", "192.0.2.10", "10.0.0.1"])
def test_what_the_host_opens_to_itself_goes_by_lo_and_back(to: str) -> None:
    found = opened(filtered(), connection(None, to))
    assert (found.passes, found.leaves_by, found.answers_leave_by) == (True, "lo", "lo")
    assert found.connection.source == number(to)
    lost = opened(filtered(saved("-A INPUT -i lo -j DROP")), connection(None, to))
    assert (lost.passes, lost.packet) == (False, "the SYN")
    lost = opened(filtered(saved("-A OUTPUT -o eth0 -j DROP")), connection(None, to))
    assert lost.passes


def test_nat_takes_what_the_host_opens_to_the_host_itself() -> None:
    nat = saved(
        "-A OUTPUT -p tcp -m tcp --dport 443 -j REDIRECT --to-ports 15001",
        "-A PREROUTING -p tcp -j DNAT --to-destination 10.9.9.9",
        table="nat",
    )
    found = opened(filtered(nat), connection(None, "203.0.113.5"))
    assert (found.passes, found.leaves_by) == (True, "lo")
    assert (found.connection.destination, found.connection.port) == (number("127.0.0.1"), 15001)
    closed = saved("-A INPUT -p tcp -m tcp --dport 15001 -j DROP")
    assert opened(filtered(nat, closed), connection(None, "203.0.113.5")).passes is False


def test_what_sees_packets_beside_the_filter_makes_it_unknown() -> None:
    servers = FORWARDS + "/proc/net/ip_vs:TCP  C000020A:01BB rr\n"
    asked = connection("203.0.113.5", "192.0.2.10")
    found = received(filtered(stack=servers), asked, "eth0")
    assert (found.passes, found.why) == (None, "virtual server 192.0.2.10:443")
    assert received(filtered(), asked, "eth0").passes
    xdp = ROUTING.replace(
        "mtu 1500 qdisc noqueue state UP", "mtu 1500 xdp qdisc noqueue state UP", 1
    )
    found = received(filtered(routing=xdp), asked, "eth0")
    assert (found.passes, found.why[:26]) == (None, "routing: an XDP program on")


def test_a_router_forwards_with_nat_both_ways() -> None:
    nat = saved(
        "-A PREROUTING -d 192.0.2.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.9",
        "-A POSTROUTING -s 10.0.0.0/8 -o eth0 -j MASQUERADE",
        table="nat",
    )
    rules = saved(
        ":FORWARD DROP [0:0]",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -i eth1 -o eth0 -j ACCEPT",
    )
    out = forwarded(filtered(nat, rules), connection("10.0.0.7", "203.0.113.5"), "eth1")
    assert out.passes, out
    assert out.connection.source == number("192.0.2.10")
    assert (out.leaves_by, out.answers_leave_by) == ("eth0", "eth1")
    inward = received(filtered(nat, rules), connection("203.0.113.5", "192.0.2.10", 80), "eth0")
    assert (inward.passes, inward.packet) == (False, "the SYN")
    opened_up = filtered(nat, rules.replace("-i eth1 -o eth0", "-p tcp"))
    inward = received(opened_up, connection("203.0.113.5", "192.0.2.10", 80), "eth0")
    assert inward.passes
    assert inward.connection.destination == number("10.0.0.9")
    assert inward.leaves_by == "eth1"


def test_source_nat_to_one_address_or_several() -> None:
    nat = saved("-A POSTROUTING -o eth0 -j SNAT --to-source 192.0.2.20", table="nat")
    asked = connection("10.0.0.7", "203.0.113.5")
    one = forwarded(filtered(nat), asked, "eth1").connection
    assert one.source == number("192.0.2.20")
    assert one.source_ports == asked.source_ports
    several = nat.replace("192.0.2.20", "192.0.2.20-192.0.2.23:5000-6000")
    found = forwarded(filtered(several), asked, "eth1")
    assert found.passes
    assert found.connection.source is None
    assert found.connection.source_ports == ((5000, 6000),)


def test_answers_whose_syn_the_host_has_not_seen() -> None:
    asked = connection("10.0.0.7", "203.0.113.5")
    strict = saved("-A FORWARD -m conntrack --ctstate INVALID -j DROP")
    way = partial(forwarded, connection=asked, came_in="eth1", goes_out="eth0")
    found = way(filtered(strict), directions="answer")
    assert (found.passes, found.packet) == (False, "the answer to the SYN")
    assert way(filtered(strict)).passes
    assert way(filtered(), directions="answer").passes
    usual = saved(
        ":FORWARD DROP [0:0]",
        "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -p tcp -m tcp --dport 443 -m conntrack --ctstate NEW -j ACCEPT",
    )
    assert way(filtered(usual)).passes
    assert way(filtered(usual), directions="answer").passes is False


def test_a_syn_whose_answer_goes_another_way() -> None:
    asked = connection("10.0.0.7", "203.0.113.5")
    strict = saved("-A FORWARD -m conntrack --ctstate INVALID -j DROP")
    found = forwarded(filtered(strict), asked, "eth1", directions="syn")
    assert (found.passes, found.packet) == (False, "the packet that ends the handshake")
    stateless = saved("-A FORWARD -p tcp -m tcp --dport 443 -j ACCEPT", ":FORWARD DROP [0:0]")
    assert forwarded(filtered(stateless), asked, "eth1", directions="syn").passes
    nat = saved("-A POSTROUTING -o eth0 -j MASQUERADE", table="nat")
    stateful = saved("-A FORWARD -m conntrack --ctstate NEW -j ACCEPT")
    found = forwarded(filtered(nat, stateful), asked, "eth1", directions="syn")
    assert found.passes is False, "NAT leaves the packets alone that it cannot place"


def test_the_host_may_not_forward() -> None:
    made = host(virtual_servers="/proc/sys/net/ipv4/ip_forward:0\n")
    asked = connection("10.0.0.7", "203.0.113.5")
    assert forwarded(PacketFilter(made), asked, "eth1").passes is False
    unread = PacketFilter(host())
    assert forwarded(unread, asked, "eth1").passes is None


def test_an_undecided_rule_and_a_limit() -> None:
    asked = connection("10.0.0.7", "203.0.113.5")
    queue = forwarded(filtered(saved("-A FORWARD -j NFQUEUE")), asked, "eth1")
    assert (queue.passes, queue.chain) == (None, "iptables-legacy filter FORWARD")
    small = "-A FORWARD -m limit --limit 1/hour --limit-burst 1 -j RETURN"
    found = forwarded(filtered(saved(small, "-A FORWARD -j DROP")), asked, "eth1")
    assert found.passes is False
    large = "-A FORWARD -m limit --limit 9000/sec --limit-burst 9000 -j RETURN"
    assert forwarded(filtered(saved(large, "-A FORWARD -j DROP")), asked, "eth1").passes


VRRP = Datagram("ipv4", 112, number("192.0.2.11"), number("224.0.0.18"))
VRRP6 = Datagram("ipv6", 112, number("fe80::7"), number("ff02::12"))


def test_vrrp_is_let_in_or_out_by_its_protocol() -> None:
    closed = saved(":INPUT DROP [0:0]", ":OUTPUT DROP [0:0]", ESTABLISHED)
    found = datagram_in(filtered(closed), VRRP, "eth0")
    assert (found.passes, found.why) == (False, "iptables-legacy filter INPUT: policy drop")
    assert found.packet == "the VRRP advertisement (protocol 112)"
    let_in = closed.replace("COMMIT", "-A INPUT -p vrrp -j ACCEPT\nCOMMIT")
    assert datagram_in(filtered(let_in), VRRP, "eth0").passes
    to_group = closed.replace("COMMIT", "-A INPUT -d 224.0.0.0/8 -j ACCEPT\nCOMMIT")
    assert datagram_in(filtered(to_group), VRRP, "eth0").passes
    assert datagram_out(filtered(closed), VRRP, "eth0").passes is False
    assert datagram_out(filtered(), VRRP, "eth0").leaves_by == "eth0"
    six = saved(":INPUT DROP [0:0]", "-A INPUT -p 112 -d ff02::12/128 -j ACCEPT")
    assert datagram_in(filtered(six=six), VRRP6, "eth0").passes


def test_a_peer_that_answers_is_established_and_a_group_never_is() -> None:
    only = filtered(saved(":INPUT DROP [0:0]", ESTABLISHED))
    peer = replace(VRRP, destination=number("192.0.2.10"))
    assert datagram_in(only, peer, "eth0").passes is None
    assert datagram_in(only, replace(peer, earlier=False), "eth0").passes is False
    assert datagram_in(only, replace(peer, earlier=True), "eth0").passes
    assert datagram_in(only, VRRP, "eth0").passes is False


@pytest.mark.parametrize(
    ("family", "icmp_type", "rule", "passes"),
    [
        ("ipv4", 3, "-p icmp -m icmp --icmp-type 3/4", True),
        ("ipv4", 3, "-p icmp -m icmp --icmp-type 3/1", False),
        ("ipv4", 3, "-p icmp -m icmp --icmp-type 3", True),
        ("ipv4", 8, "-p icmp -m icmp --icmp-type any", True),
        ("ipv4", 8, "-p icmp -m icmp ! --icmp-type 8", False),
        ("ipv4", 3, "-m conntrack --ctstate RELATED", None),
        ("ipv4", 8, "-m conntrack --ctstate NEW", None),
        ("ipv4", 0, "-m conntrack --ctstate NEW", False),
        ("ipv6", 2, "-p ipv6-icmp -m icmp6 --icmpv6-type 2", True),
        ("ipv6", 135, "-m conntrack --ctstate UNTRACKED", True),
        ("ipv6", 134, "-p ipv6-icmp -m icmp6 --icmpv6-type 134", True),
        ("ipv6", 128, "-p ipv6-icmp -m icmp6 --icmpv6-type 129", False),
    ],
)
def test_types_of_icmp(family: str, icmp_type: int, rule: str, passes: bool | None) -> None:
    rules = saved(":INPUT DROP [0:0]", f"-A INPUT {rule} -j ACCEPT")
    six = family == "ipv6"
    source, to = ("2001:db8::9", "2001:db8::10") if six else ("192.0.2.9", "192.0.2.10")
    datagram = Datagram(
        "ipv6" if six else "ipv4",
        *(58 if six else 1, number(source), number(to)),
        icmp_type=icmp_type,
        icmp_code=4 if icmp_type == 3 else 0,
    )
    found = datagram_in(filtered(six=rules) if six else filtered(rules), datagram, "eth0")
    assert found.passes is passes, found


def test_an_icmp_error_is_forwarded() -> None:
    error = Datagram("ipv4", 1, number("203.0.113.5"), number("10.0.0.7"), 3, 4)
    rules = saved(":FORWARD DROP [0:0]", "-A FORWARD -m conntrack --ctstate RELATED -j ACCEPT")
    assert datagram_forwarded(filtered(rules), error, "eth0", None).passes is None
    known = replace(error, earlier=True)
    found = datagram_forwarded(filtered(rules), known, "eth0", None)
    assert (found.passes, found.leaves_by) == (True, "eth1")


def test_a_datagram_for_another_host_does_not_come_to_this_one() -> None:
    other = replace(VRRP, destination=number("198.51.100.9"))
    found = datagram_in(filtered(), other, "eth0")
    assert (found.passes, found.why) == (
        False,
        "routing: it is not for an address of this host",
    )


def test_a_crossing_says_which_packet_it_is_about() -> None:
    asked = connection(None, "192.0.2.77")
    lost = opened(filtered(saved(":INPUT DROP [0:0]")), asked)
    assert (lost.is_answer, lost.is_discovery) == (True, False)
    six = saved("-A OUTPUT -p ipv6-icmp -j DROP", "-A INPUT -p ipv6-icmp -j DROP")
    unknown = opened(filtered(six=six), connection("2001:db8::10", "2001:db8::77"))
    assert (unknown.passes, unknown.is_answer, unknown.is_discovery) == (False, False, True)


def test_protocols_with_ports_are_no_datagrams() -> None:
    with pytest.raises(ValueError, match="protocol 17"):
        datagram_in(filtered(), replace(VRRP, protocol=17), "eth0")


def test_a_crossing_says_in_words_what_becomes_of_it() -> None:
    found: Crossing = datagram_in(filtered(saved(":INPUT DROP [0:0]")), VRRP, "eth0")
    assert found.told == (
        "the VRRP advertisement (protocol 112) is dropped by iptables-legacy filter INPUT: "
        "policy drop"
    )

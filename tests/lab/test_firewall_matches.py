"""What single rules match: what a connection meets, and what the rules say of the port.

Each state is tried with real connections, as often as it takes a limit to be passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from nethygiene.engine.outcomes import Outcome
from tests.lab.firewall.stage import ALLOWS, BLOCKS, Stage, stage
from tests.lab.lab import Lab

PORT, PORT6 = 3306, 3307
PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN
FLUSH = "nft flush ruleset; ipset flush; ipset destroy; ip link set eth0 group default"
TABLE = """
table ip f {{
{sets}
chain in {{
type filter hook input priority 0;
{rules}
}}
}}
"""


@dataclass(frozen=True)
class State:
    """A ruleset.

    Attributes:
        setup: the shell commands that make it; the port is 3306.
        opens: whether one of the connections gets through; None where chance decides.
        blocks: what firewall-blocks-port says then.
        allows: what firewall-allows-service says.
        tries: how many connections are made.
        before: what the neighbour does first.
        port: 3307 is served over IPv6.
    """

    setup: str
    opens: bool | None
    blocks: Outcome
    allows: Outcome
    tries: int = 1
    before: str = ""
    port: int = PORT


def ipt(*rules: str) -> str:
    """Rules of the port in INPUT."""
    return "\n".join(f"iptables -A INPUT -p tcp --dport 3306 {one}" for one in rules)


def nft(rules: str, sets: str = "") -> str:
    """Rules of a chain at input, separated by semicolons."""
    text = TABLE.format(sets=sets, rules=rules)
    return f"nft -f - <<'END'{text}END"


def open_(setup: str, allows: Outcome = PASSED, **more: object) -> State:
    return State(setup, True, FAILED, allows, **more)  # type: ignore[arg-type]


def shut(setup: str, **more: object) -> State:
    return State(setup, False, PASSED, FAILED, **more)  # type: ignore[arg-type]


DYNAMIC = "set s { type ipv4_addr; flags dynamic, timeout; timeout 1m; size 100; }"
LIMITS = {
    "limit on a drop": open_(ipt("-m limit --limit 5/min -j DROP"), FAILED, tries=7),
    "nft limit on a drop": open_(nft("tcp dport 3306 limit rate 5/minute drop"), FAILED, tries=7),
    "small limit on an accept": open_(
        ipt("-m limit --limit 25/min --limit-burst 100 -j ACCEPT", "-j DROP"), FAILED
    ),
    "middling limit on an accept": open_(
        ipt("-m limit --limit 3/sec --limit-burst 9 -j ACCEPT", "-j DROP"), UNKNOWN
    ),
    "large limit on an accept": open_(
        nft("tcp dport 3306 limit rate 500/second accept; tcp dport 3306 drop")
    ),
    "limit of each client": open_(
        ipt(
            "-m hashlimit --hashlimit-above 10/sec --hashlimit-burst 20 --hashlimit-mode srcip"
            " --hashlimit-name h -j DROP"
        )
    ),
    "named limit": open_(
        nft(
            "tcp dport 3306 limit name l drop",
            "limit l { rate over 90/second burst 90 packets; }",
        )
    ),
    "no connection at all": shut(ipt("-m connlimit --connlimit-above 0 -j DROP")),
    "no connection at all in nft": shut(nft("tcp dport 3306 ct count over 0 drop")),
    "some connections of each": open_(ipt("-m connlimit --connlimit-above 9 -j DROP")),
    "on the list by the same packet": shut(
        ipt("-m recent --name r --set", "-m recent --name r --rcheck --seconds 60 -j DROP")
    ),
    "ufw's limit": open_(
        ipt(
            "-m conntrack --ctstate NEW -m recent --set",
            "-m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 -j DROP",
        )
    ),
    "in the set by the same packet": shut(
        nft("tcp dport 3306 update @s { ip saddr }; ip saddr @s drop", DYNAMIC)
    ),
    "each client's rate in a set": open_(
        nft("tcp dport 3306 update @s { ip saddr limit rate over 20/minute } drop", DYNAMIC)
    ),
    "a share at random": State(
        ipt("-m statistic --mode random --probability 0.5 -j DROP"), None, FAILED, FAILED
    ),
    "knocked before": open_(
        "iptables -A INPUT -p tcp --dport 7000 -m recent --name k --set -j DROP\n"
        + ipt("-m recent --name k --rcheck --seconds 60 -j ACCEPT", "-j DROP"),
        FAILED,
        before="7000",
    ),
    "knocked at a set before": open_(
        nft(
            "tcp dport 7000 add @s { ip saddr } drop; tcp dport 3306 ip saddr @s accept;"
            " tcp dport 3306 drop",
            DYNAMIC,
        ),
        FAILED,
        before="7000",
    ),
    "knocked at an ipset before": open_(
        "ipset create k hash:ip timeout 60\n"
        "iptables -A INPUT -p tcp --dport 7000 -j SET --add-set k src\n"
        + ipt("-m set --match-set k src -j ACCEPT", "-j DROP"),
        FAILED,
        before="7000",
    ),
}
MATCHES = {
    "a SYN that asks for ECN": open_(
        nft("tcp dport 3306 tcp flags == syn drop"), FAILED, before="ecn"
    ),
    "local at this interface": shut(nft("tcp dport 3306 fib daddr . iif type local drop")),
    "kinds of address": shut(nft("tcp dport 3306 fib daddr type { local, broadcast } drop")),
    "kinds of address by a map": shut(
        nft("tcp dport 3306 fib daddr type vmap { unicast : accept, local : drop }")
    ),
    "local, of iptables": shut(ipt("-m addrtype --dst-type LOCAL --limit-iface-in -j DROP")),
    "no unicast of others": open_(ipt("-m addrtype --dst-type UNICAST -j DROP")),
    "masked source": shut(nft("tcp dport 3306 ip saddr & 255.254.0.0 == 198.18.0.0 drop")),
    "masked source that is no prefix": State(
        nft("tcp dport 3306 ip saddr & 255.0.255.0 == 198.0.1.0 drop"), False, FAILED, FAILED
    ),
    "another masked source": open_(nft("ip saddr & 255.0.255.0 == 198.0.77.0 drop"), FAILED),
    "masked port": shut(nft("tcp dport & 0xff == 0xea drop")),
    "flags by a map": shut(
        nft("tcp dport 3306 tcp flags & (fin|syn|rst|ack) vmap { syn : drop, ack : accept }")
    ),
    "protocols above": shut(nft("ip protocol > 5 drop")),
    "protocols in a range": shut(nft("ip protocol 6-17 drop")),
    "no protocol above": open_(nft("ip protocol > 6 drop")),
    "IP options": open_(nft("ip option lsrr exists drop; ip option rr exists drop")),
    "the port that was asked for": shut(nft("tcp dport 3306 ct original proto-dst 3306 drop")),
    "the port that was asked for, of iptables": shut(
        ipt("-m conntrack --ctorigdstport 3306 -j DROP")
    ),
    "who asked": shut(ipt("-m conntrack --ctorigsrc 198.18.0.0/16 -j DROP")),
    "group of the interface": shut(
        "ip link set eth0 group 7\n" + nft("tcp dport 3306 iifgroup 7 drop")
    ),
    "another group": open_("ip link set eth0 group 8\n" + nft("iifgroup 7 drop")),
    "kind of interface": shut(nft('tcp dport 3306 meta iifkind "veth" drop')),
    "type of interface": shut(nft("tcp dport 3306 meta iiftype ether drop")),
    "no policy of IPsec": shut(ipt("-m policy --dir in --pol none -j DROP")),
    "no port of a bridge": open_(ipt("-m physdev --physdev-in eth7 -j DROP")),
    "not a port of a bridge": shut(ipt("-m physdev ! --physdev-in eth7 -j DROP")),
    "source or destination port": shut(
        "iptables -A INPUT -p tcp -m multiport --ports 3306,8080 -j DROP"
    ),
    "another source or destination port": open_(
        "iptables -A INPUT -p tcp -m multiport --ports 8005,8006 -j DROP"
    ),
    "an exception of a set": open_(
        "ipset create n hash:net\nipset add n 198.18.0.0/15\nipset add n 198.18.0.0/16 nomatch\n"
        + ipt("-m set --match-set n src -j DROP")
    ),
    "an exception of an exception": shut(
        "ipset create n hash:net\nipset add n 198.0.0.0/8\nipset add n 198.18.0.0/15 nomatch\n"
        "ipset add n 198.18.0.0/16\n" + ipt("-m set --match-set n src -j DROP")
    ),
    "a list of sets": shut(
        "ipset create a hash:ip\nipset create n hash:net\nipset add n 198.18.0.0/16\n"
        "ipset create l list:set\nipset add l a\nipset add l n\n"
        + ipt("-m set --match-set l src -j DROP")
    ),
    "a set of networks by netmask": shut(
        "ipset create n hash:ip netmask 16\nipset add n 198.18.7.7\n"
        + ipt("-m set --match-set n src -j DROP")
    ),
    "a set with counters": shut(
        "ipset create n hash:net counters comment\nipset add n 198.18.0.0/16 comment nomatch\n"
        + ipt("-m set --match-set n src ! --update-counters -j DROP")
    ),
    "largest segments of clients": open_(ipt("-m tcpmss --mss 1:535 -j DROP")),
    "largest segments of others": open_(
        ipt("--syn -m tcpmss ! --mss 536:65535 -j DROP")
    ),
    "a chain of bans that drops all": shut(
        "iptables -N f2b-web\niptables -A f2b-web -j DROP\n" + ipt("-j f2b-web")
    ),
    "a set of bans that holds all": shut(
        nft(
            "tcp dport 3306 ip saddr @bans drop",
            "set bans { type ipv4_addr; flags interval, timeout;"
            " elements = { 0.0.0.0/1 timeout 1h, 128.0.0.0/1 timeout 1h } }",
        )
    ),
}  # fmt: skip


def nft6(rules: str) -> str:
    return nft(rules).replace("table ip ", "table ip6 ")


OWN = "ip6 saddr & ::ffff == ::$SUFFIX"
IPV6 = {
    "every address but multicast is unicast": shut(
        "ip6tables -A INPUT -p tcp --dport 3307 -m addrtype --dst-type UNICAST -j DROP", port=PORT6
    ),
    "local at this interface, IPv6": shut(
        nft6("tcp dport 3307 fib daddr . iif type local drop"), port=PORT6
    ),
    "not local at this interface, IPv6": open_(
        nft6("tcp dport 3307 fib daddr . iif type != local drop"), port=PORT6
    ),
    "extension headers": open_(
        nft6("exthdr frag exists drop; rt type 0 drop")
        + "\nip6tables -A INPUT -m rt --rt-type 0 -j DROP\nip6tables -A INPUT -m frag -j DROP",
        port=PORT6,
    ),
    "some addresses of each network": State(
        nft6(f"tcp dport 3307 {OWN} drop"), False, FAILED, UNKNOWN, port=PORT6
    ),
    "but some addresses of each network": open_(
        nft6(f"tcp dport 3307 {OWN} accept; tcp dport 3307 drop"), FAILED, port=PORT6
    ),
    "but some addresses of each network, of iptables": open_(
        "ip6tables -A INPUT -p tcp --dport 3307 -s ::$SUFFIX/::ffff -j ACCEPT\n"
        "ip6tables -A INPUT -p tcp --dport 3307 -j DROP",
        FAILED,
        port=PORT6,
    ),
}
STATES = LIMITS | MATCHES | IPV6


@pytest.fixture(scope="module")
def scene(lab: Lab) -> Iterator[Stage]:
    with stage(lab) as built:
        built.serve(PORT, "0.0.0.0")
        built.serve(PORT6, "::")
        yield built


@pytest.mark.parametrize("name", STATES)
def test_the_rules_say_what_happens(scene: Stage, name: str) -> None:
    state = STATES[name]
    scene.target.shell(FLUSH)
    suffix = scene.client.address6.rpartition(":")[2]
    scene.target.shell(f"set -e\n{state.setup.replace('$SUFFIX', suffix)}")
    to = scene.target.address if state.port == PORT else scene.target.address6
    scene.client.sysctl("net.ipv4.tcp_ecn", 1 if state.before == "ecn" else 2)
    if state.before.isdigit():
        assert scene.is_kept_out(PORT)
        assert scene.is_kept_out(int(state.before))
    if state.opens is False:
        assert scene.is_kept_out(state.port, to)
    elif state.opens:
        assert any(not scene.is_kept_out(state.port, to) for _ in range(state.tries))
    blocks = scene.verdict(BLOCKS, {"blocked_ports": {state.port: {}}})
    assert (blocks.outcome, name) == (state.blocks, name), blocks.message
    allows = scene.verdict(
        ALLOWS, {"services": {"shop": {"port": state.port, "allow_from": ["any"]}}}
    )
    assert (allows.outcome, name) == (state.allows, name), allows.message

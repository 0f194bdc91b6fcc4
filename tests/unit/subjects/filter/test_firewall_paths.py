"""Who comes in by which interface, where this machine's kernel cannot show it: VRFs and IPVS."""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.transcript import Section, Transcript
from tests.cases.case import judge, rules
from tests.unit.subjects.filter.hosts import ROUTING, answers

SOCKET = "LISTEN 0 511 {} *:* \t skmem:(r0)\n"
SERVICE = {"services": {"shop": {"port": 22}}}
FROM = {"services": {"shop": {"port": 22, "allow_from": ["10.0.0.0/8"]}}}
BLOCKED: dict[str, Any] = {"blocked_ports": {22: {}}}
STACK = "/proc/net/sockstat:sockets: used 9\n/proc/sys/net/ipv4/ip_forward:0\n"
# Linux 6.1, iproute2 6.1: `ip link add mgmt type vrf table 10; ip link set eth1 master mgmt`.

VRF = (
    ROUTING.replace("local 10.0.0.1 dev eth1 table local", "local 10.0.0.1 dev eth1 table 10")
    .replace("10.0.0.0/8 dev eth1 proto", "10.0.0.0/8 dev eth1 table 10 proto")
    .replace(
        "0:\tfrom all lookup local\n",
        "0:\tfrom all lookup local\n1000:\tfrom all lookup [l3mdev-table]\n",
        1,
    )
    .replace(
        "3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP",
        "3: eth1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue master mgmt state UP",
    )
    + "4: mgmt: <NOARP,MASTER,UP,LOWER_UP> mtu 65575 qdisc noqueue state UP mode DEFAULT \\"
    "    link/ether 0e:1b:e7:ee:79:d4 brd ff:ff:ff:ff:ff:ff promiscuity 0 \\    vrf table 10 \n"
)


def said(rule: str, policy: dict[str, Any], *sockets: str, **texts: str) -> tuple[str, str]:
    given = {"virtual_servers": STACK, **texts}
    sections = {name: text or "" for name, text in answers(**given).texts.items()}
    rows = "".join(map(SOCKET.format, sockets))
    sections |= {"listeners": "State Recv-Q\n" + rows, "kernel": "Linux 6.1.0\n"}
    sections["listener_owners"] = "State\n"
    transcript = Transcript(
        *("host", "", "", 0.0, 0.0),
        sections={name: Section(text.encode()) for name, text in sections.items()},
    )
    (verdict,) = judge(rules()[rule], transcript, policy)
    return str(verdict.outcome), verdict.message


def test_a_socket_of_a_vrf_is_no_pass() -> None:
    outcome, why = said("firewall-blocks-port", BLOCKED, "0.0.0.0%mgmt:22", routing=VRF)
    assert outcome == "unknown"
    assert "VRF" in why


def test_a_socket_of_no_vrf_answers_in_none() -> None:
    dropping = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -i eth0 -j DROP\nCOMMIT\n"
    texts = {"routing": VRF, "iptables_legacy": dropping, "ip6tables_legacy": dropping}
    assert said("firewall-blocks-port", BLOCKED, "0.0.0.0:22", **texts)[0] == "passed"
    across = STACK + "/proc/sys/net/ipv4/tcp_l3mdev_accept:1\n"
    found = said("firewall-blocks-port", BLOCKED, "0.0.0.0:22", virtual_servers=across, **texts)
    assert found[0] == "unknown"


def test_loopback_on_a_vrf_is_no_address_of_clients() -> None:
    loopback = VRF.replace(
        "local 127.0.0.0/8 dev lo table local",
        "local 127.0.0.0/8 dev mgmt table 10 proto kernel\nlocal 127.0.0.0/8 dev lo table local",
    )
    drop = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -d 127.0.0.0/8 ! -i lo -j DROP\nCOMMIT\n"
    found = said(
        "firewall-allows-service", SERVICE, "0.0.0.0:22", routing=loopback, iptables_legacy=drop
    )
    assert found == ("passed", "")


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        ("TCP  C000020A:0016 wlc", "unknown"),
        ("TCP  C000020B:0016 wlc", "passed"),
        ("TCP  C000020A:0050 wlc", "passed"),
        ("UDP  C000020A:0016 wlc", "passed"),
        ("TCP  [2001:0db8:0000:0000:0000:0000:0000:0010]:0016 wlc", "unknown"),
        ("TCP  [2001:0db8:0000:0000:0000:0000:0000:0011]:0016 wlc", "passed"),
        ("FWM  00000001 wlc", "passed"),
    ],
)
def test_a_virtual_server_concerns_its_own_address(server: str, outcome: str) -> None:
    stack = f"{STACK}/proc/net/ip_vs:{server}\n/proc/net/ip_vs:  -> 0A000002:0016 Masq 1 0 0\n"
    socket = ("*:22",)
    assert said("firewall-allows-service", SERVICE, *socket, virtual_servers=stack)[0] == outcome


def test_a_virtual_server_by_mark_concerns_what_is_marked() -> None:
    stack = f"{STACK}/proc/net/ip_vs:FWM  00000001 wlc\n"
    mark = "-A PREROUTING -p tcp -m tcp --dport {} -j MARK --set-mark 1"
    marks = f"*mangle\n:PREROUTING ACCEPT [0:0]\n{mark}\nCOMMIT\n"
    for port, outcome in ((22, "unknown"), (80, "passed")):
        text = marks.replace("{}", str(port))
        found = said(
            "firewall-allows-service",
            SERVICE,
            "0.0.0.0:22",
            virtual_servers=stack,
            iptables_legacy=text,
        )
        assert found[0] == outcome, found


def test_what_the_filter_drops_is_lost_before_ipvs() -> None:
    stack = f"{STACK}/proc/net/ip_vs:TCP  C000020A:0016 wlc\n"
    drop = "*filter\n:INPUT DROP [0:0]\nCOMMIT\n"
    found = said(
        "firewall-allows-service",
        SERVICE,
        "0.0.0.0:22",
        virtual_servers=stack,
        iptables_legacy=drop,
    )
    assert found[0] == "failed"


def test_a_source_without_a_way_back_fails() -> None:
    lost = ROUTING.replace("10.0.0.0/8 dev eth1 proto", "blackhole 10.0.0.0/8 proto")
    outcome, why = said("firewall-allows-service", FROM, "192.0.2.10:22", routing=lost)
    assert outcome == "failed"
    assert "10.0.0.0/8" in why


def test_a_local_default_route_for_marked_packets_makes_nothing_local() -> None:
    """TPROXY's: ip rule add fwmark 1 lookup 100; ip route add local default dev lo table 100."""
    tproxy = ROUTING.replace(
        "32766:\tfrom all lookup main\n",
        "32765:\tfrom all fwmark 0x1 lookup 100\n32766:\tfrom all lookup main\n",
        1,
    )
    tproxy = tproxy.replace(
        "default via 192.0.2.1 dev eth0 proto static\n",
        "default via 192.0.2.1 dev eth0 proto static\nlocal default dev lo table 100 scope host\n",
    )
    assert said("firewall-blocks-port", BLOCKED, routing=tproxy)[0] == "passed"
    assert said("firewall-blocks-port", BLOCKED, "192.0.2.10:22", routing=tproxy)[0] == "failed"

"""Every address at which a host answers, and every source: what the rules say is what happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nethygiene.engine.outcomes import Outcome
from tests.lab.firewall.stage import ALLOWS, BLOCKS, LEGACY, Stage, stage
from tests.lab.lab import Lab

PORT = 3306
BLOCKED: dict[str, Any] = {"blocked_ports": {PORT: {}}}
FAILED, PASSED, UNKNOWN, NOT = (
    *(Outcome.FAILED, Outcome.PASSED, Outcome.UNKNOWN),
    Outcome.NOT_APPLICABLE,
)
KEEP_OUT = """
nft add table inet keep
nft add chain inet keep out '{ type filter hook input priority 0; }'
nft add rule inet keep out iifname eth0 tcp dport 3306 drop
"""


@pytest.fixture
def scene(lab: Lab) -> Iterator[Stage]:
    with stage(lab) as built:
        yield built


def service(**more: object) -> dict[str, Any]:
    return {"services": {"shop": {"port": PORT, **more}}}


def test_an_address_on_lo(scene: Stage) -> None:
    scene.target.shell("ip addr add 10.0.0.21/32 dev lo")
    scene.client.shell(f"ip route add 10.0.0.21/32 via {scene.target.address}")
    scene.serve(PORT, "10.0.0.21")
    assert scene.reaches(PORT, "10.0.0.21")
    assert scene.verdict(BLOCKS, BLOCKED).outcome is FAILED
    assert scene.verdict(ALLOWS, service()).outcome is PASSED
    scene.target.shell(KEEP_OUT)
    assert scene.is_kept_out(PORT, "10.0.0.21")
    assert scene.verdict(BLOCKS, BLOCKED).outcome is PASSED
    assert scene.verdict(ALLOWS, service()).outcome is FAILED


def test_a_local_network(scene: Stage) -> None:
    scene.target.shell("ip route add local 10.97.0.0/24 dev lo")
    scene.client.shell(f"ip route add 10.97.0.0/24 via {scene.target.address}")
    scene.serve(PORT, "10.97.0.9")
    assert scene.reaches(PORT, "10.97.0.9")
    assert "to 10.97.0.9 port" in scene.verdict(BLOCKS, BLOCKED).message
    scene.target.shell(KEEP_OUT)
    assert scene.verdict(BLOCKS, BLOCKED).outcome is PASSED


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_link_local(scene: Stage, family: str) -> None:
    scene.target.shell("ip addr add 169.254.7.1/16 dev eth0")
    scene.client.shell("ip addr add 169.254.7.2/16 dev eth0")
    scene.serve(PORT)
    # All but link-local addresses are kept out.
    scene.target.shell(
        "iptables -A INPUT ! -s 169.254.0.0/16 -i eth0 -p tcp --dport 3306 -j DROP\n"
        "ip6tables -A INPUT ! -s fe80::/10 -i eth0 -p tcp --dport 3306 -j DROP\n"
    )
    if family == "ipv4":
        scene.target.shell("ip6tables -P INPUT DROP")
        assert scene.reaches(PORT, "169.254.7.1", "169.254.7.2")
    else:
        scene.target.shell("iptables -P INPUT DROP")
        listed = scene.target.run("ip", "-6", "-o", "addr", "show", "eth0", "scope", "link").stdout
        address = listed.split("inet6 ")[1].split("/")[0]
        assert scene.reaches(PORT, f"{address}%eth0")
    verdict = scene.verdict(BLOCKS, BLOCKED)
    assert verdict.outcome is FAILED
    assert ("169.254" if family == "ipv4" else "fe80::") in verdict.message
    scene.target.shell("iptables -P INPUT DROP; iptables -F; ip6tables -P INPUT DROP; ip6tables -F")
    assert scene.verdict(BLOCKS, BLOCKED).outcome is PASSED


@pytest.mark.parametrize("state", ["up", "down"])
def test_an_address_of_another_interface(scene: Stage, state: str) -> None:
    scene.target.shell("ip link add br9 type bridge; ip addr add 10.99.0.1/24 dev br9")
    if state == "up":
        scene.target.shell("ip link set br9 up")
    scene.client.shell(f"ip route add 10.99.0.1/32 via {scene.target.address}")
    scene.serve(PORT, "10.99.0.1")
    assert scene.reaches(PORT, "10.99.0.1")
    verdict = scene.verdict(BLOCKS, BLOCKED)
    assert verdict.outcome is FAILED
    assert "by eth0 to 10.99.0.1" in verdict.message
    scene.target.shell(KEEP_OUT)
    assert scene.is_kept_out(PORT, "10.99.0.1")
    expected = "by eth0 to 10.99.0.1"
    assert expected not in scene.verdict(BLOCKS, BLOCKED).message


def test_loopback_where_it_is_let_in(scene: Stage) -> None:
    scene.serve(PORT, "127.0.0.1")
    assert scene.verdict(BLOCKS, BLOCKED).outcome is PASSED
    scene.client.shell(
        "ip addr flush dev lo; ip route flush table local 127.0.0.0/8;"
        f"ip route add 127.0.0.1 via {scene.target.address} src {scene.client.address};"
        "sysctl -qw net.ipv4.conf.all.route_localnet=1"
    )
    assert scene.is_kept_out(PORT, "127.0.0.1", scene.client.address)
    scene.target.sysctl("net.ipv4.conf.eth0.route_localnet", 1)
    assert scene.reaches(PORT, "127.0.0.1", scene.client.address)
    verdict = scene.verdict(BLOCKS, BLOCKED)
    assert verdict.outcome is FAILED
    assert "to 127.0.0.1 port 3306" in verdict.message


@pytest.mark.parametrize("open_to", ["0", "1"])
def test_another_port_that_nat_takes_to_loopback(scene: Stage, open_to: str) -> None:
    scene.serve(PORT, "127.0.0.1")
    scene.target.shell(
        "iptables -t nat -A PREROUTING -p tcp --dport 13306 -j DNAT --to 127.0.0.1:3306"
    )
    scene.target.sysctl("net.ipv4.conf.eth0.route_localnet", open_to)
    verdict = scene.verdict(BLOCKS, BLOCKED)
    if open_to == "1":
        assert scene.reaches(13306)
        assert verdict.outcome is FAILED
        assert "port 13306" in verdict.message
    else:
        assert scene.is_kept_out(13306)
        assert verdict.outcome is PASSED


def test_another_port_behind_a_raw_drop(scene: Stage) -> None:
    scene.serve(PORT)
    scene.target.shell(
        "for t in iptables ip6tables; do $t -t raw -A PREROUTING -p tcp --dport 3306 -j DROP;"
        " $t -t nat -A PREROUTING -p tcp --dport 3307 -j REDIRECT --to-ports 3306; done"
    )
    assert scene.reaches(3307)
    verdict = scene.verdict(BLOCKS, BLOCKED)
    assert verdict.outcome is FAILED
    assert "port 3307" in verdict.message
    scene.target.shell("for t in iptables ip6tables; do $t -t nat -F; done")
    assert scene.verdict(BLOCKS, BLOCKED).outcome is PASSED


def test_a_source_port_lets_in(scene: Stage) -> None:
    scene.serve(PORT, "0.0.0.0")
    scene.target.shell(
        "iptables -A INPUT -p tcp --sport 53 -j ACCEPT\n"
        "iptables -A INPUT -i eth0 -p tcp --dport 3306 -j DROP\n"
    )
    assert scene.is_kept_out(PORT)
    assert scene.reaches(PORT, sport=53)
    verdict = scene.verdict(BLOCKS, BLOCKED)
    assert verdict.outcome is FAILED
    assert "from source port 53" in verdict.message
    scene.target.shell("iptables -D INPUT 1")
    assert scene.verdict(BLOCKS, BLOCKED).outcome is PASSED


def test_clients_have_no_port_of_a_service(scene: Stage) -> None:
    scene.serve(PORT, "0.0.0.0")
    scene.target.shell(
        "iptables -A INPUT -p tcp --sport 5432 -j ACCEPT\n"
        "iptables -A INPUT -i eth0 -p tcp --dport 3306 -j DROP\n"
    )
    assert scene.is_kept_out(PORT)
    assert scene.verdict(ALLOWS, service()).outcome is FAILED


def test_kept_out_on_purpose_and_gets_in(scene: Stage) -> None:
    scene.client.shell("ip addr add 198.18.9.5/16 dev eth0")
    scene.serve(PORT, "0.0.0.0")
    policy = service(allow_from=["any"], deny_from=["198.18.9.0/24"])
    assert scene.reaches(PORT, source="198.18.9.5")
    verdict = scene.verdict(ALLOWS, policy)
    assert verdict.outcome is FAILED
    assert "declared as kept out, and gets in" in verdict.message
    assert "198.18.9.0/24" in verdict.message
    scene.mend(verdict)
    assert scene.is_kept_out(PORT, source="198.18.9.5")
    assert scene.reaches(PORT)
    assert scene.verdict(ALLOWS, policy).outcome is PASSED


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ("iptables -A INPUT -s 100.64.0.0/10 ! -i tailscale0 -j DROP", PASSED),
        ("iptables -A INPUT -s 127.0.0.0/8 ! -i lo -j DROP", PASSED),
        (
            "iptables -A INPUT -s 224.0.0.0/3 -j DROP; iptables -A INPUT -s 0.0.0.0/8 -j DROP",
            PASSED,
        ),
        (
            "iptables -A INPUT -s 192.0.2.0/24 -j DROP; iptables -A INPUT -s 10.0.0.0/8 -j DROP",
            PASSED,
        ),
        ("iptables -A INPUT -s 8.8.0.0/16 -j DROP", FAILED),
        ("iptables -A INPUT -s 198.18.77.0/24 -j DROP", FAILED),
        ("iptables -P INPUT DROP; iptables -A INPUT -i eth0 -j ACCEPT", PASSED),
    ],
)
def test_any_is_who_can_be_a_client(scene: Stage, rules: str, outcome: Outcome) -> None:
    scene.target.shell(
        "ip route add default via 198.18.255.254\n"
        "ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0;"
        "ip link add c type veth peer name d; ip link set c master docker0;"
        "ip link set c up; ip link set d up; ip link set docker0 up"
    )
    scene.serve(PORT, "0.0.0.0")
    scene.target.shell(rules)
    assert scene.reaches(PORT)
    assert scene.verdict(ALLOWS, service()).outcome is outcome


def test_nobody_has_to_get_in(scene: Stage) -> None:
    scene.serve(PORT)
    scene.target.shell(KEEP_OUT)
    verdict = scene.verdict(ALLOWS, service(allow_from=[]))
    assert verdict.outcome is NOT
    assert "allow_from: []" in verdict.message


@pytest.mark.parametrize(
    "rule",
    [
        "iptables -t nat -A PREROUTING -s 203.0.113.0/24 -p tcp --dport 3306 -j DNAT --to 10.1.1.1",
        "iptables -t nat -A PREROUTING -d 10.9.9.9 -p tcp --dport 3306 -j DNAT --to 10.1.1.1",
        "iptables -t nat -A PREROUTING -i eth7 -p tcp --dport 3306 -j DNAT --to 10.1.1.1",
    ],
)
def test_nat_of_others(scene: Stage, rule: str) -> None:
    scene.serve(PORT, "0.0.0.0")
    scene.target.shell(rule)
    assert scene.reaches(PORT)
    assert scene.verdict(ALLOWS, service()).outcome is PASSED
    assert scene.verdict("service-listening", service()).outcome is PASSED


def test_a_redirect_is_followed(scene: Stage) -> None:
    scene.serve(8306, "0.0.0.0")
    scene.target.shell(
        "iptables -t nat -A PREROUTING -p tcp --dport 3306 -j REDIRECT --to-ports 8306;"
        "ip6tables -t nat -A PREROUTING -p tcp --dport 3306 -j REDIRECT --to-ports 8306"
    )
    assert scene.reaches(PORT)
    assert scene.verdict(ALLOWS, service()).outcome is PASSED
    assert scene.verdict("service-listening", service()).outcome is PASSED
    scene.target.shell("iptables -A INPUT -p tcp --dport 8306 -j DROP")
    assert scene.is_kept_out(PORT)
    assert scene.verdict(ALLOWS, service()).outcome is FAILED


def test_a_former_port(scene: Stage) -> None:
    policy = service(legacy_ports=[60000])
    scene.target.shell(
        "for t in iptables ip6tables; do"
        " $t -t nat -A PREROUTING -p tcp --dport 60000 -j REDIRECT --to-ports 3306; done"
    )
    nothing = scene.verdict(LEGACY, policy)
    assert nothing.outcome is FAILED
    assert "where nothing listens" in nothing.message
    scene.serve(PORT)
    assert scene.reaches(60000)
    assert scene.verdict(LEGACY, policy).outcome is PASSED
    scene.target.shell("iptables -A INPUT -p tcp --dport 3306 -j DROP")
    assert scene.is_kept_out(60000)
    dropped = scene.verdict(LEGACY, policy)
    assert dropped.outcome is FAILED
    assert "dropped for everybody" in dropped.message


def test_a_former_port_that_is_listened_on_and_dropped(scene: Stage) -> None:
    policy = service(legacy_ports=[60000])
    scene.serve(PORT)
    scene.serve(60000)
    assert scene.verdict(LEGACY, policy).outcome is PASSED
    scene.target.shell("iptables -A INPUT -p tcp --dport 60000 -j DROP")
    assert scene.is_kept_out(60000)
    assert scene.verdict(LEGACY, policy).outcome is FAILED


def test_an_alias_is_no_data(scene: Stage) -> None:
    scene.serve(PORT)
    scene.target.shell('ip link set eth0 alias "uplink, xdp off; was master br7"')
    assert scene.verdict(ALLOWS, service()).outcome is PASSED
    assert scene.verdict(BLOCKS, BLOCKED).outcome is FAILED

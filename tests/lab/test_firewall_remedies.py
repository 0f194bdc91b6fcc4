"""Each remedy of the firewall rules, for each cause: its commands are run word for word."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from nethygiene.engine.outcomes import Outcome
from tests.lab.firewall.installed import install
from tests.lab.firewall.stage import ALLOWS, BLOCKS, LEGACY, Stage, stage
from tests.lab.lab import Lab

PORT = 3306
THOROUGH = bool(os.environ.get("NETHYGIENE_TRUTH"))
ESTABLISHED = "ct state established,related accept\n meta l4proto { icmp, ipv6-icmp } accept\n"
NEEDED = (
    "for t in iptables ip6tables; do $t -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED"
    " -j ACCEPT; $t -A INPUT -p tcp --dport 22 -j ACCEPT; done;"
    " ip6tables -A INPUT -p ipv6-icmp -j ACCEPT\n"
)


def chain(family: str, rules: str = "", policy: str = "accept", hook: str = "input") -> str:
    body = f"type filter hook {hook} priority 0; policy {policy};\n {rules}\n"
    return f"nft -f - <<'END'\ntable {family} t_{family} {{\n chain c {{\n {body} }}\n}}\nEND\n"


@dataclass(frozen=True)
class Cause:
    """What is wrong, in sh; who may connect; and how the remedy's first command begins."""

    name: str
    breaks: str
    tool: str
    policy: Any = ()
    packages: tuple[str, ...] = ()


UFW = "sed -i 's/^IPV6=.*/IPV6=yes/' /etc/default/ufw\nufw allow 22/tcp\n"
FIREWALLD = """
mkdir -p /run/dbus
dbus-daemon --system --fork
firewalld --nofork --nopid >/run/firewalld.log 2>&1 </dev/null &
for n in $(seq 120); do firewall-cmd --state 2>/dev/null && break; sleep 0.5; done
firewall-cmd --permanent --zone=public --change-interface=eth0
"""
CLOSED_BY = [
    Cause("policy-of-inet", chain("inet", ESTABLISHED, "drop"), "nft insert rule inet t_inet c"),
    Cause(
        "rules-of-ip-and-ip6",
        chain("ip", "tcp dport 3306 drop") + chain("ip6", "tcp dport 3306 reject"),
        "nft insert rule ip",
    ),
    Cause(
        "rejected-before-it-is-accepted",
        NEEDED + "for t in iptables ip6tables; do $t -A INPUT -j REJECT;"
        " $t -A INPUT -p tcp --dport 3306 -j ACCEPT; done",
        "iptables -I INPUT 1",
    ),
    Cause(
        "a-chain-of-iptables",
        NEEDED + "iptables -N LOGDROP; iptables -A LOGDROP -j DROP; iptables -A INPUT -j LOGDROP",
        "iptables -I",
    ),
    Cause("answers-of-iptables", "iptables -P OUTPUT DROP; ip6tables -P OUTPUT DROP", "iptables"),
    Cause(
        "answers-of-nft",
        chain("inet", "tcp sport 3306 drop", hook="output"),
        "nft insert rule inet",
    ),
    Cause(
        "neighbour-discovery",
        chain("inet", "ct state established accept\n tcp dport 3306 accept\n", "drop"),
        "nft insert rule inet",
    ),
    Cause("mangle", "iptables -t mangle -A PREROUTING -p tcp --dport 3306 -j DROP", "iptables -t"),
    Cause(
        "ufw-denies",
        UFW + "ufw deny 3306/tcp\nufw --force enable",
        "ufw prepend",
        packages=("ufw",),
    ),
    Cause(
        "ufw-rejects-everybody-before",
        UFW + "ufw reject from any\nufw allow 3306/tcp\nufw --force enable",
        "ufw prepend",
        packages=("ufw",),
    ),
    Cause("ufw-by-policy", UFW + "ufw --force enable", "ufw prepend", packages=("ufw",)),
    Cause(
        "firewalld", FIREWALLD + "firewall-cmd --reload", "firewall-cmd", (), ("firewalld", "dbus")
    ),
]
OPENED_BY = [
    Cause("no-table", "", "nft add table"),
    Cause(
        "inet", chain("inet", ESTABLISHED + "tcp dport 3306 accept", "drop"), "nft insert rule inet"
    ),
    Cause(
        "ip-and-ip6",
        chain("ip", "tcp dport 3306 accept") + chain("ip6", "tcp dport 3306 accept"),
        "nft insert rule ip",
    ),
    Cause(
        "iptables",
        NEEDED + "for t in iptables ip6tables; do $t -A INPUT -j ACCEPT; done",
        "iptables -I",
    ),
    Cause(
        "redirected",
        "for t in iptables ip6tables; do $t -t raw -A PREROUTING -p tcp --dport 3306 -j DROP;"
        " $t -t nat -A PREROUTING -p tcp --dport 3307 -j REDIRECT --to-ports 3306; done",
        "iptables -I INPUT",
    ),
    Cause("ufw", UFW + "ufw allow 3306/tcp\nufw --force enable", "ufw prepend", packages=("ufw",)),
    Cause(
        "ufw-limits",
        UFW + "ufw limit 3306/tcp\nufw allow proto tcp from 198.18.77.7 to any port 3306\n"
        "ufw --force enable",
        "ufw prepend",
        packages=("ufw",),
    ),
    Cause(
        "firewalld",
        FIREWALLD + "firewall-cmd --permanent --zone=public --add-port=3306/tcp\n"
        "firewall-cmd --reload",
        "firewall-cmd",
        packages=("firewalld", "dbus"),
    ),
]
EXCEPTIONS: list[list[str]] = [
    [],
    ["198.18.77.7/32", "fd42:198:18::77/128"],
    ["198.18.77.7/32", "198.18.78.0/24", "fd42:198:18::77/128", "fd42:198:18:1::/64"],
]


def at_hand(causes: list[Cause]) -> list[Cause]:
    """Those that take no packages, which `make truth` alone installs."""
    return [one for one in causes if THOROUGH or not one.packages]


@pytest.fixture
def scene(lab: Lab) -> Iterator[Stage]:
    with stage(lab) as built:
        yield built


def prepare(scene: Stage, cause: Cause) -> None:
    if cause.packages:
        install(scene.target, cause.packages)
    scene.target.run("sh", "-s", text=f"exec 2>&1\n{cause.breaks}", timeout=120)


def _both(scene: Stage) -> tuple[str, str]:
    return scene.target.address, scene.target.address6


@pytest.mark.parametrize("cause", at_hand(CLOSED_BY), ids=lambda cause: cause.name)
def test_a_port_is_opened(scene: Stage, cause: Cause) -> None:
    policy = {"services": {"shop": {"port": PORT}}}
    scene.serve(PORT)
    prepare(scene, cause)
    broken = scene.verdict(ALLOWS, policy)
    assert broken.outcome is Outcome.FAILED, broken
    assert f"`{cause.tool}" in broken.remedy.replace("'", "")
    scene.mend(broken)
    mended = scene.verdict(ALLOWS, policy)
    assert mended.outcome is Outcome.PASSED, (broken.remedy, mended)
    for address in _both(scene):
        assert scene.reaches(PORT, address)


@pytest.mark.parametrize("allowed", EXCEPTIONS, ids=len)
@pytest.mark.parametrize("cause", at_hand(OPENED_BY), ids=lambda cause: cause.name)
def test_a_port_is_closed(scene: Stage, cause: Cause, allowed: list[str]) -> None:
    policy = {"blocked_ports": {PORT: {"except": allowed}}}
    scene.serve(PORT)
    prepare(scene, cause)
    broken = scene.verdict(BLOCKS, policy)
    assert broken.outcome is Outcome.FAILED, broken
    assert f"`{cause.tool}" in broken.remedy.replace("'", "")
    scene.mend(broken)
    mended = scene.verdict(BLOCKS, policy)
    assert mended.outcome is Outcome.PASSED, (broken.remedy, mended)
    port = 3307 if cause.name == "redirected" else PORT
    for address in _both(scene):
        assert scene.is_kept_out(port, address)
    if allowed:
        scene.client.shell(
            "ip addr add 198.18.77.7/16 dev eth0; ip addr add fd42:198:18::77/64 dev eth0 nodad"
        )
        assert scene.reaches(port, scene.target.address, "198.18.77.7")
        assert scene.reaches(port, scene.target.address6, "fd42:198:18::77")


def test_a_former_port_is_redirected(scene: Stage) -> None:
    policy = {"services": {"shop": {"port": PORT, "legacy_ports": [60000]}}}
    scene.serve(PORT)
    broken = scene.verdict(LEGACY, policy)
    assert broken.outcome is Outcome.FAILED, broken
    scene.mend(broken)
    assert scene.verdict(LEGACY, policy).outcome is Outcome.PASSED
    for address in _both(scene):
        assert scene.reaches(60000, address)
    # It outlasts a boot on Debian, whose nftables.conf includes nothing.
    scene.target.shell("nft flush ruleset; nft -f /etc/nftables.conf")
    assert scene.verdict(LEGACY, policy).outcome is Outcome.PASSED

"""Kinds of interfaces, as `ip -d link` prints them."""

from __future__ import annotations

import pytest

from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.links.interface_kinds import InterfaceKinds
from tests.unit.sections import fact, section

HEAD = "mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000"
ETHER = f"{HEAD}\\    link/ether 02:fc:00:00:00:01 brd ff:ff:ff:ff:ff:ff promiscuity 0 minmtu 68"
TAIL = "addrgenmode eui64 numtxqueues 1 gso_max_segs 65535 "


def kinds(text: str | bytes) -> InterfaceKinds | Unreadable:
    found = fact("interface_kinds", {"links": text})
    assert isinstance(found, InterfaceKinds | Unreadable)
    return found


@pytest.mark.parametrize(
    ("rest", "kind", "wire"),
    [
        (f"{ETHER} {TAIL}parentbus pci \\    altname enp1s0", "hardware", True),
        (f"{ETHER} \\    bond_slave state ACTIVE {TAIL}", "hardware", True),
        (f"{ETHER} \\    bridge_slave state forwarding {TAIL}", "hardware", True),
        (f"{ETHER} {TAIL}\\    vf 0     link/ether 02:00:00:00:00:02", "hardware", True),
        (f"{ETHER} \\    sparkling_new_kind {TAIL}", "hardware", True),
        (f"{HEAD}\\    link/infiniband 80:00 {TAIL}", "hardware", True),
        (f"{ETHER} \\    bond mode 802.3ad {TAIL}", "bond", True),
        (f"{ETHER} \\    vlan id 100 <REORDER_HDR> {TAIL}", "vlan", True),
        (f"{ETHER} \\    veth {TAIL}", "veth", False),
        (f"{ETHER} \\    veth \\    bridge_slave state forwarding {TAIL}", "veth", False),
        (f"{ETHER} \\    bridge forward_delay 1500 {TAIL}", "bridge", False),
        (f"{ETHER} \\    tun type tap pi off {TAIL}", "tun", False),
        (f"{HEAD}\\    link/none  promiscuity 0 \\    wireguard {TAIL}", "wireguard", False),
        (f"{HEAD}\\    link/ppp  promiscuity 0 {TAIL}", "ppp", False),
        (f"{HEAD}\\    link/none  promiscuity 0 {TAIL}", "none", False),
        (HEAD, "unknown", False),
        # An alias may say anything.
        (f"{ETHER} {TAIL}\\    alias x\\    veth {TAIL}", "hardware", True),
    ],
)
def test_kinds(rest: str, kind: str, wire: bool) -> None:
    found = kinds(f"2: eth0@if3: <BROADCAST,UP> {rest}\n")
    assert isinstance(found, InterfaceKinds)
    assert found._kinds == {"eth0": kind}
    assert found.bound_to(Ledger()).has_wire("eth0") is wire


def test_an_interface_that_came_meanwhile_is_unreadable() -> None:
    found = kinds(f"2: eth0: <UP> {ETHER}\n")
    assert isinstance(found, InterfaceKinds)
    with pytest.raises(UnreadableFactError):
        found.bound_to(Ledger()).has_wire("eth1")


def test_busybox_is_told_what_to_install() -> None:
    found = fact("interface_kinds", {"links": section("", "BusyBox v1.36.1 usage: ip", 1)})
    assert isinstance(found, Unreadable)
    assert found.reason is Reason.TOOL_MISSING
    assert "iproute2" in found.detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage\n",
        f"2: eth0: <UP> {ETHER}\n2: eth0: <UP> {ETHER}\n",
        f"2: eth0: <UP> {ETHER}\n    alias\n",
        b"\xff\n",
    ],
)
def test_what_is_not_understood_is_no_fact(text: str | bytes) -> None:
    assert isinstance(kinds(text), Unreadable)

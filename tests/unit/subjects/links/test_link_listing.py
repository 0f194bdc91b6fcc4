r"""Interfaces as ``ip -o -d link`` prints them (iproute2 6.1); an alias is anybody's words."""

from __future__ import annotations

import pytest

from nethygiene.subjects.links.ip.links import Link, parse_links

HEAD = "4: v0@v1: <BROADCAST,UP> mtu 1500 {}qdisc noqueue {}state UP mode DEFAULT group default"
ETHER = "\\    link/ether 0e:1b:e7:ee:79:d4 brd ff:ff:ff:ff:ff:ff promiscuity 1 "
HOSTILE = (
    "uplink, xdp off; was master br7",
    "x\\    vrf table 10 ",
    " mtu 1500 xdp qdisc noqueue master br7 state UP ",
    "a\\    prog/xdp id 5 ",
    "b\\    bridge forward_delay 1500",
)


def _line(*, xdp: str = "", master: str = "", details: str = "veth ", alias: str = "") -> str:
    line = HEAD.format(xdp, master) + ETHER + f"\\    {details}"
    return line + (f"\\    alias {alias}" if alias else "")


def _read(line: str) -> Link:
    (link,) = parse_links(line)
    assert link.name == "v0"
    return link


@pytest.mark.parametrize("alias", HOSTILE)
def test_an_alias_is_not_read(alias: str) -> None:
    link = _read(_line(alias=alias))
    assert link == _read(_line())
    assert (link.kind, link.master, link.xdp, link.parent) == ("veth", "", False, "v1")


@pytest.mark.parametrize("alias", ["", *HOSTILE])
def test_what_stands_before_it_is_read(alias: str) -> None:
    line = _line(xdp="xdpgeneric/id:7 ", master="master br0 ", details="vlan ", alias=alias)
    link = _read(line)
    assert (link.kind, link.master, link.xdp) == ("vlan", "br0", True)
    assert (link.group, link.type, link.parent) == ("default", "ether", "v1")
    assert (link.up, link.resolves, link.loopback) == (True, True, False)


def test_a_device_named_xdp_is_no_program() -> None:
    link = _read(_line(master="master xdp "))
    assert (link.master, link.xdp) == ("xdp", False)


@pytest.mark.parametrize("kind", ["bridge", "vrf", "dummy", "macvlan", "wireguard", "bond"])
def test_the_kind_is_its_own_and_not_its_masters(kind: str) -> None:
    details = f"{kind} \\    bridge_slave state disabled priority 32 "
    assert _read(_line(details=details)).kind == kind

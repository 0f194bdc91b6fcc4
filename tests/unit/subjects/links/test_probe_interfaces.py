"""Interfaces and addresses, as iproute2 and busybox print them."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Unreadable
from nethygiene.subjects.links.interfaces import Interfaces, InterfaceState
from tests.unit.sections import fact, section

TAIL = "mtu 1500 qdisc noqueue state UP mode DEFAULT group default qlen 1000\\    link/ether 02:fc"
LINKS = f"""1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue\\    link/loopback 00:00
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> {TAIL}
3: eth0.100@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> {TAIL}
4: veth1a2b@if3: <BROADCAST,MULTICAST> {TAIL} link-netnsid 0
5: tun0: <POINTOPOINT,MULTICAST,NOARP,UP,LOWER_UP> mtu 1500\\    link/none 
6: sit0@NONE: <NOARP> mtu 1480\\    link/sit 0.0.0.0
"""  # noqa: W291 - as ip writes it
LIFE = "\\       valid_lft forever preferred_lft forever"
ADDRESSES = f"""1: lo    inet 127.0.0.1/8 scope host lo{LIFE}
1: lo    inet6 ::1/128 scope host {LIFE}
2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global eth0{LIFE}
2: eth0    inet6 2001:db8::2/64 scope global nodad {LIFE}
2: eth0    inet6 fe80::fc:ff:fe00:1/64 scope link {LIFE}
3: eth0.100    inet 198.51.100.1/32 scope global eth0.100{LIFE}
5: tun0    inet 10.8.0.2 peer 10.8.0.1/32 scope global tun0{LIFE}
"""


def interfaces(links: str | bytes = LINKS, addresses: str | bytes = ADDRESSES) -> object:
    return fact("interfaces", {"links": links, "addresses": addresses})


def test_iproute2() -> None:
    found = interfaces()
    assert isinstance(found, Interfaces)
    named = {one.name: one for one in found._interfaces}
    assert list(named) == ["lo", "eth0", "eth0.100", "veth1a2b", "tun0", "sit0"]
    assert named["lo"].is_loopback
    assert named["eth0.100"].is_up
    assert not named["veth1a2b"].is_up
    assert named["eth0"].addresses == (
        ip_interface("192.0.2.2/24"),
        ip_interface("2001:db8::2/64"),
        ip_interface("fe80::fc:ff:fe00:1/64"),
    )
    assert named["tun0"].addresses == (ip_interface("10.8.0.2/32"),)
    assert named["sit0"].addresses == ()


def test_busybox() -> None:
    found = interfaces(
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue qlen 1000\\    link/loopback 00:00\n"
        "4: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 qdisc pfifo_fast qlen 1000\\    x\n",
        f"4: eth0    inet6 fd00::2/64 scope global flags 02 {LIFE}\n",
    )
    assert isinstance(found, Interfaces)
    assert found._interfaces[1].addresses == (ip_interface("fd00::2/64"),)


def test_iterating_is_recorded() -> None:
    found = interfaces()
    assert isinstance(found, Interfaces)
    ledger = Ledger()
    assert all(isinstance(one, InterfaceState) for one in found.bound_to(ledger))
    ledger.close()
    assert [one.actual for one in ledger.observations] == [
        "lo, eth0, eth0.100, veth1a2b, tun0, sit0"
    ]


@pytest.mark.parametrize(
    "links",
    [
        "",
        "\n",
        'Object "link" is unknown\n',
        LINKS.replace("3: ", "three: "),
        LINKS.replace("<", "("),
        LINKS.replace("eth0.100@eth0", "eth0"),
        LINKS + "an alias\n",
        LINKS + "    alias 7: eth9: <UP> x\n",
        LINKS.encode() + b"\xff\n",
        LINKS + "\0\n",
    ],
)
def test_links_that_are_not_understood(links: str | bytes) -> None:
    assert isinstance(interfaces(links, ""), Unreadable)


@pytest.mark.parametrize(
    "addresses",
    [
        ADDRESSES.replace("192.0.2.2/24", "192.0.2.256/24"),
        ADDRESSES.replace("192.0.2.2/24", "192.0.2.2/33"),
        ADDRESSES.replace("2001:db8::2/64", "fe80::1%eth0%x/64"),
        ADDRESSES.replace("inet ", "ipx "),
        ADDRESSES + "9: eth9    inet 192.0.2.9/24 scope global eth9\n",
        ADDRESSES + "garbage\n",
        ADDRESSES.encode() + b"\xff\n",
    ],
)
def test_addresses_that_are_not_understood(addresses: str | bytes) -> None:
    assert isinstance(interfaces(LINKS, addresses), Unreadable)


@pytest.mark.parametrize("name", ["links", "addresses"])
def test_an_ip_that_fails_is_not_believed(name: str) -> None:
    sections = {"links": section(LINKS), "addresses": section(ADDRESSES)}
    failed = section(sections[name].stdout, "RTNETLINK answers: Operation not permitted", 2)
    found = fact("interfaces", {**sections, name: failed})
    assert isinstance(found, Unreadable)
    assert isinstance(fact("interfaces", {name: sections[name]}), Unreadable)


def test_no_address_at_all_is_possible() -> None:
    found = interfaces(addresses="")
    assert isinstance(found, Interfaces)
    assert all(one.addresses == () for one in found._interfaces)

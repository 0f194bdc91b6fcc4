"""How a host stands to a shared address: what the lab cannot show."""

from __future__ import annotations

import pytest

from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.subject import Subject
from nethygiene.inventory.group_policy import VirtualAddress, group_policy_from_plain
from nethygiene.subjects.failover.address_samples import AddressSamples
from nethygiene.subjects.failover.holding import Degree, Member, Stand
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interfaces import Interfaces
from tests.unit.sections import subject

UP = "<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue"
LO = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue\\    link/loopback 00:00:00:00:00:00\n"
ETH0 = f"2: eth0: {UP}\\    link/ether 02:00:00:00:00:01 brd ff:ff:ff:ff:ff:ff\n"
ON_ETH0 = f"3: vrrp.51@eth0: {UP}\\    link/ether 00:00:5e:00:01:33 brd ff:ff:ff:ff:ff:ff"
LIFE = "\\       valid_lft forever preferred_lft forever\n"
OWN = f"2: eth0    inet 10.0.3.11/24 scope global eth0{LIFE}"


def wanted(**fields: str) -> VirtualAddress:
    plain = {"virtual_addresses": {"x": {"address": "10.0.3.100", **fields}}}
    return group_policy_from_plain(plain).virtual_addresses["x"]


def stand(links: str, at: str, declared: VirtualAddress, *, arp_ignore: int = 0) -> Stand:
    address = f"{at}    inet 10.0.3.100/32 scope global x{LIFE}"
    conf = "/proc/sys/net/ipv4/conf"
    settings = "".join(f"{conf}/{name}/arp_ignore:{arp_ignore}\n" for name in ("all", "eth0"))
    host = subject(
        {
            "links": LO + ETH0 + links,
            "addresses": OWN,
            "address_samples@last": OWN + address,
            "sysctl": settings,
        }
    )
    samples, interfaces, sysctl = facts(host)
    return Member.of(declared, interfaces, sysctl).stand(samples.of(declared.address).last)


def facts(host: Subject) -> tuple[AddressSamples, Interfaces, Sysctls]:
    samples, interfaces, sysctl = map(host.fact, ("address_samples", "interfaces", "sysctl"))
    assert isinstance(samples, AddressSamples)
    assert isinstance(interfaces, Interfaces)
    assert isinstance(sysctl, Sysctls)
    return samples, interfaces.bound_to(Ledger()), sysctl


def test_a_macvlan_counts_as_the_interface_under_it() -> None:
    macvlan = f"{ON_ETH0}\\    macvlan mode private\n"
    for declared in (wanted(), wanted(interface="eth0"), wanted(interface="vrrp.51")):
        assert stand(macvlan, "3: vrrp.51", declared).degree is Degree.HOLDS


def test_a_vlan_is_another_link() -> None:
    vlan = f"{ON_ETH0}\\    vlan protocol 802.1Q id 51\n"
    found = stand(vlan, "3: vrrp.51", wanted(interface="eth0"), arp_ignore=1)
    assert found.degree is Degree.NOTHING
    answers = stand(vlan, "3: vrrp.51", wanted(interface="eth0"))
    assert answers.degree is Degree.ANSWERS
    assert answers.how == "vrrp.51, and answers ARP for it on eth0"


def test_busybox_does_not_tell_the_two_apart() -> None:
    assert stand("", "2: eth0", wanted(interface="eth0")).degree is Degree.HOLDS
    assert stand(f"{ON_ETH0}\n", "3: vrrp.51", wanted()).degree is Degree.HOLDS
    with pytest.raises(UnreadableFactError, match=r"whether vrrp\.51 is a macvlan over eth0"):
        stand(f"{ON_ETH0}\n", "3: vrrp.51", wanted(interface="eth0"))


def test_an_interface_that_came_or_went_meanwhile() -> None:
    with pytest.raises(UnreadableFactError, match=r"vrrp\.51 came or went"):
        stand("", "3: vrrp.51", wanted())


@pytest.mark.parametrize(("value", "silent"), [(0, False), (1, True), (2, True), (3, False)])
def test_arp_ignore_as_the_kernel_takes_it(value: int, silent: bool) -> None:
    found = stand("", "1: lo", wanted(), arp_ignore=value)
    assert found.degree is (Degree.NOTHING if silent else Degree.HOLDS)
    assert found.is_real_server is silent

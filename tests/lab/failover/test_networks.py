"""What hosts of a network have to agree on: MTUs, clocks, and MACs that the network admits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest

from tests.lab.audit import AuditRun, audit
from tests.lab.failover.fleet import follow, write_groups
from tests.lab.host import LabHost
from tests.lab.lab import Lab

RULES = "mtu-agrees or clocks-agree or mac-admitted"
NETWORKS = ("198.18.0.0/16", "fd42:198:18::/64")
AHEAD = """
cp /bin/date /usr/local/bin/true-date
printf '%s\\n' '#!/bin/sh' 'exec true-date -d "now + 90 seconds" "$@"' > /usr/local/bin/date
chmod 755 /usr/local/bin/date
"""


@dataclass
class Trio:
    """Three hosts of a network, audited while it is broken, and mended."""

    hosts: Sequence[LabHost]
    broken: AuditRun
    mended: AuditRun


@pytest.fixture(scope="module")
def trio(lab: Lab) -> Iterator[Trio]:
    hosts = lab.hosts("agrees-1", "agrees-2", "agrees-3")
    first, second, third = hosts
    macs = [host.run("cat", "/sys/class/net/eth0/address").stdout.strip() for host in hosts]
    first.shell("ip addr add 198.18.201.1/32 dev eth0")

    def judge(*bound: str) -> AuditRun:
        shared = {"address": "198.18.201.1", "bound_macs": bound}
        # A busy machine lets answers wait, so that they do not tell the time to the second.
        declared = {"virtual_addresses": {"shared": shared}, "limits": {"clock_skew": 30}}
        inventory = write_groups(lab, {"trio": (hosts, declared)})
        return audit(lab, hosts, "-k", RULES, "--window=0.5", inventory=inventory)

    second.shell(AHEAD)
    third.shell("ip link set dev eth0 mtu 1400")
    broken = judge(macs[0])
    follow(broken.of_group("all", "link-mtu-agrees", NETWORKS[0]).remedy, hosts)
    second.shell("rm /usr/local/bin/date")
    yield Trio(hosts, broken, judge(*macs))
    for host in hosts:
        lab.remove(host)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_odd_mtu_is_named(trio: Trio, network: str) -> None:
    finding = trio.broken.of_group("all", "link-mtu-agrees", network)
    assert finding.outcome == "failed"
    assert "1500 (agrees-1 eth0, agrees-2 eth0) and 1400 (agrees-3 eth0)" in finding.message
    assert trio.mended.of_group("all", "link-mtu-agrees", network).outcome == "passed"


def test_the_wrong_clock_is_named(trio: Trio) -> None:
    finding = trio.broken.of_group("all", "clocks-agree")
    assert finding.outcome == "failed"
    found = re.search(r"the clock of agrees-2 is ([0-9.]+) s ahead", finding.message)
    assert found is not None
    assert float(found[1]) == pytest.approx(90, abs=10)
    assert "agrees-1" not in finding.message
    assert trio.mended.of_group("all", "clocks-agree").outcome == "passed"


def test_a_member_that_the_network_would_drop_is_named(trio: Trio) -> None:
    finding = trio.broken.of_group("trio", "virtual-address-mac-admitted")
    assert finding.outcome == "failed"
    for name, named in (("agrees-1", False), ("agrees-2", True), ("agrees-3", True)):
        assert (f"with which {name} answers" in finding.message) is named
    assert trio.mended.of_group("trio", "virtual-address-mac-admitted").outcome == "passed"

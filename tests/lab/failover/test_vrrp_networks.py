"""VRRP across networks that drop it, and members that are configured against each other."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.failover.groups import judge
from tests.lab.failover.keepalived import ADDRESS, Team, follow, wait_for
from tests.lab.failover.team import ADMITTED, outcomes, team, unicast, verdict
from tests.lab.host import LabHost
from tests.lab.lab import Lab


@contextmanager
def bridge_rules(lab: Lab, ruleset: str) -> Iterator[None]:
    """Rules on the bridge between all hosts, as a switch or router has them."""
    lab_run(lab, "nft", f"table bridge net {{ {ruleset} }}")
    try:
        yield
    finally:
        lab_run(lab, "nft", "delete table bridge net")


def lab_run(lab: Lab, *argv: str) -> None:
    subprocess.run(lab.entering(*argv), check=True, capture_output=True, text=True)


def test_the_incident_multicast_is_dropped_on_the_way_and_unicast_mends_it(lab: Lab) -> None:
    drop = "chain f { type filter hook forward priority 0; ip daddr 224.0.0.18 drop; };"
    with team(lab, "router") as one, bridge_rules(lab, drop):
        one.start()
        one.settles(*one.hosts)
        # No host shows what the network between them drops; that two hold the address is seen.
        assert outcomes(lab, one) == ("failed", "passed")
        broken = verdict(lab, one, {"vrrp": "unicast"})
        assert broken.outcome == "failed"
        assert "by multicast to 224.0.0.18, expected by unicast" in broken.message
        follow(broken.remedy, one.hosts)
        one.settles(one.hosts[0])
        assert outcomes(lab, one, {"vrrp": "unicast"}) == ("passed", "passed")
        wrong = verdict(lab, one, {"vrrp": "multicast"})
        assert "by unicast, expected by multicast" in wrong.message


def test_a_peer_that_is_not_named_hears_nothing(lab: Lab) -> None:
    with team(lab, "peers", 3) as one:
        first, second, third = one.hosts
        lines = unicast(one.hosts)
        lines[first.name] = unicast([first, second])[first.name]
        one.start(lines)
        one.settles(first, third)
        broken = verdict(lab, one, {"vrrp": "unicast"})
        assert broken.outcome == "failed"
        assert f"expected to name {third.address} ({third.name})" in broken.message
        follow(broken.remedy, one.hosts)
        one.settles(first)
        assert verdict(lab, one, {"vrrp": "unicast"}).outcome == "passed"


def test_a_source_address_of_another_host(lab: Lab) -> None:
    with team(lab, "source") as one:
        first, second = one.hosts
        lines = unicast(one.hosts)
        lines[second.name] = lines[second.name].replace(second.address, "198.18.77.77")
        one.start(lines)
        one.settles(first)
        broken = verdict(lab, one)
        assert broken.outcome == "failed"
        assert f"unicast_src_ip of {second.name} is 198.18.77.77" in broken.message
        follow(broken.remedy, one.hosts)
        wait_for(lambda: verdict(lab, one).outcome == "passed", "the remedy mends it")


def test_members_that_differ_hear_each_other_and_do_not_listen(lab: Lab) -> None:
    with team(lab, "differ") as one:
        one.start(vrids=[51, 52])
        one.settles(*one.hosts)
        broken = verdict(lab, one)
        assert broken.outcome == "failed"
        assert f"virtual_router_id of {ADDRESS} is 51 (differ-0); 52 (differ-1)" in broken.message
        follow(broken.remedy, one.hosts)
        one.settles(one.hosts[0])
        assert outcomes(lab, one) == ("passed", "passed")


def test_a_member_with_one_address_more_is_not_listened_to(lab: Lab) -> None:
    with team(lab, "more") as one:
        one.start({"more-0": "    virtual_ipaddress {\n        198.18.250.101/32\n    }"})
        one.settles(*one.hosts)
        broken = verdict(lab, one)
        assert broken.outcome == "failed"
        assert f"virtual_ipaddress of {ADDRESS} is {ADDRESS} 198.18.250.101 (more-0)" in (
            broken.message
        )
        follow(broken.remedy, one.hosts)
        one.settles(one.hosts[0])
        assert outcomes(lab, one) == ("passed", "passed")


def test_a_member_by_unicast_and_one_by_multicast(lab: Lab) -> None:
    with team(lab, "mixed") as one:
        one.start({"mixed-0": unicast(one.hosts)["mixed-0"]})
        one.settles(*one.hosts)
        broken = verdict(lab, one)
        assert broken.outcome == "failed"
        assert f"destination of {ADDRESS} is peers (mixed-0); 224.0.0.18" in broken.message
        follow(broken.remedy, one.hosts)
        one.settles(one.hosts[0])
        assert outcomes(lab, one) == ("passed", "passed")


def test_a_member_that_is_down_makes_it_unknown(lab: Lab) -> None:
    with team(lab, "down", 3) as one:
        one.start()
        one.settles(one.hosts[0])
        one.hosts[2].shell("kill $(cat /run/sshd.pid)")
        assert "down-2" in verdict(lab, one).message
        assert outcomes(lab, one) == ("unknown", "unknown")
        # Two that hold it, and one that cannot hear, are certain whatever the third does.
        one.hosts[1].shell("iptables -A INPUT -p 112 -j DROP")
        one.settles(*one.hosts[:2])
        broken = verdict(lab, one)
        assert outcomes(lab, one) == ("failed", "failed")
        follow(broken.remedy, one.hosts)
        one.settles(one.hosts[0])
        assert outcomes(lab, one) == ("unknown", "unknown")


def test_real_servers_of_lvs_dr_announce_nothing(lab: Lab) -> None:
    with team(lab, "lvs", 3) as one:
        directors, server = Team(one.hosts[:2]), one.hosts[2]
        server.shell(
            "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2;"
            f" ip addr add {ADDRESS}/32 dev lo"
        )
        directors.start()
        directors.settles(one.hosts[0])
        assert outcomes(lab, one, {"vrrp": "multicast"}) == ("passed", "passed")
        server.sysctl("net.ipv4.conf.all.arp_ignore", 0)
        assert outcomes(lab, one, {"vrrp": "multicast"}) == ("failed", "passed")


def mac_of(host: LabHost) -> str:
    return host.run("cat", "/sys/class/net/eth0/address").stdout.strip()


def reaches(neighbour: LabHost) -> bool:
    """Whether a neighbour that asks who has the address gets an answer."""
    asked = neighbour.run("arping", "-c", "1", "-w", "2", "-I", "eth0", ADDRESS, check=False)
    return asked.returncode == 0


def test_port_security_that_knows_one_mac_stops_the_heir(lab: Lab) -> None:
    """The binding of the incident; `use_vmac` gives all members one MAC."""
    neighbour = lab.host("client")
    with team(lab, "bound") as one:
        first, second = one.hosts
        binding = (
            "chain f {{ type filter hook forward priority 0;"
            " arp saddr ip {} ether saddr != {} drop; }};"
        )
        one.start()
        one.settles(first)
        with bridge_rules(lab, binding.format(ADDRESS, mac_of(first))):
            assert reaches(neighbour)
            known = {"address": ADDRESS, "bound_macs": [mac_of(first)]}
            found = judge(lab, one.hosts, known, ADMITTED)[ADMITTED]
            assert (found.outcome, second.name in found.message) == ("failed", True)
            one.stop(first)
            one.settles(second)
            assert not reaches(neighbour)
            one.stop(second)
        virtual = "00:00:5e:00:01:33"
        one.start("use_vmac")
        one.settles(first)
        bound = {"address": ADDRESS, "bound_macs": [virtual]}
        with bridge_rules(lab, binding.format(ADDRESS, virtual)):
            assert judge(lab, one.hosts, bound, ADMITTED)[ADMITTED].outcome == "passed"
            one.stop(first)
            one.settles(second)
            assert reaches(neighbour)
    lab.remove(neighbour)

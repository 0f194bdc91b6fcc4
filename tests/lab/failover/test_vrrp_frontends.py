"""ufw and firewalld, installed: they drop VRRP by default, and their own remedies let it in."""

from __future__ import annotations

import pytest

from tests.lab.failover.groups import judge
from tests.lab.failover.keepalived import ADDRESS, ADDRESS6, follow
from tests.lab.failover.team import HELD, RULE, outcomes, team
from tests.lab.firewall.installed import install
from tests.lab.lab import Lab

_UFW = "ufw allow 22/tcp; ufw {} ; ufw --force enable"
_FIREWALLD = """
mkdir -p /run/dbus
dbus-daemon --system --fork
firewalld --nofork --nopid >/run/firewalld.log 2>&1 </dev/null &
for n in $(seq 240); do firewall-cmd --state 2>/dev/null && break; sleep 0.5; done
firewall-cmd --zone=internal --change-interface=eth0
firewall-cmd --permanent --zone=internal --change-interface=eth0
"""
FRONT_ENDS = {
    "ufw-in": (("ufw",), _UFW.format("default deny incoming"), 1, "On frontend-1, let VRRP in"),
    "ufw-out": (("ufw",), _UFW.format("default deny outgoing"), 0, "On frontend-0, let VRRP out"),
    "firewalld": (("firewalld", "dbus"), _FIREWALLD, 1, "--zone=internal --add-protocol=vrrp"),
}


@pytest.mark.parametrize("address", [ADDRESS, ADDRESS6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("name", FRONT_ENDS)
def test_the_front_end_lets_vrrp_through_by_its_remedy(lab: Lab, name: str, address: str) -> None:
    packages, script, number, says = FRONT_ENDS[name]
    with team(lab, "frontend", address=address) as one:
        install(one.hosts[number], packages)
        one.start()
        one.settles(one.hosts[0])
        one.hosts[number].shell(script)
        one.settles(*one.hosts)
        broken = judge(lab, one.hosts, {"address": address}, HELD, RULE)
        assert (broken[HELD].outcome, broken[RULE].outcome) == ("failed", "failed")
        assert says in broken[RULE].remedy
        follow(broken[RULE].remedy, one.hosts)
        one.settles(one.hosts[0])
        assert outcomes(lab, one) == ("passed", "passed")

"""S1.8: hosts that ignore their gateway's redirects, and hosts that do not though they should."""

from __future__ import annotations

from tests.lab.cases.case import LabCase, Scene, sysctl

MATCH = "icmp-redirects-match-policy"
REFUSE = {"icmp_redirects": "refuse"}
ACCEPT = {"icmp_redirects": "accept"}

# Only a host that refuses can ignore a redirect: the other rule begins to apply, or ceases to.
IGNORED = frozenset({"icmp-redirects-not-ignored"})

refuse_everywhere = sysctl(
    net__ipv4__conf__all__accept_redirects=0,
    net__ipv4__conf__eth0__accept_redirects=0,
    net__ipv6__conf__eth0__accept_redirects=0,
)


def forward_for_a_while(scene: Scene) -> None:
    """Docker and libvirt do this: from 1 to 0, the kernel sets conf.all.accept_redirects to 1."""
    scene.host.sysctl("net.ipv4.ip_forward", 1)
    scene.host.sysctl("net.ipv4.ip_forward", 0)


def route(scene: Scene) -> None:
    scene.host.sysctl("net.ipv4.ip_forward", 1)
    # Which has set this to 0; a forwarding interface wants both.
    scene.host.sysctl("net.ipv4.conf.all.accept_redirects", 1)


CASES = [
    LabCase(
        name="hardened-ipv4",
        rule=MATCH,
        item="eth0/ipv4",
        breaks=sysctl(
            net__ipv4__conf__all__accept_redirects=0, net__ipv4__conf__eth0__accept_redirects=0
        ),
        also=IGNORED,
        says="icmp_redirects: refuse",
    ),
    LabCase(
        name="hardened-ipv6",
        rule=MATCH,
        item="eth0/ipv6",
        breaks=sysctl(net__ipv6__conf__eth0__accept_redirects=0),
        also=IGNORED,
    ),
    LabCase(
        name="refusing-on-all-alone",
        rule=MATCH,
        item="eth0/ipv4",
        policy=REFUSE,
        prepares=refuse_everywhere,
        breaks=sysctl(net__ipv4__conf__eth0__accept_redirects=1),
    ),
    LabCase(
        name="forwarding-for-a-while",
        rule=MATCH,
        item="eth0/ipv4",
        policy=REFUSE,
        prepares=refuse_everywhere,
        breaks=forward_for_a_while,
    ),
    LabCase(
        name="ipv6-accepts-still",
        rule=MATCH,
        item="eth0/ipv6",
        policy=REFUSE,
        prepares=refuse_everywhere,
        # conf.all looks right, and is not asked.
        breaks=sysctl(
            net__ipv6__conf__all__accept_redirects=0, net__ipv6__conf__eth0__accept_redirects=1
        ),
    ),
    LabCase(
        name="router-needs-both",
        rule=MATCH,
        item="eth0/ipv4",
        policy=ACCEPT,
        prepares=route,
        breaks=sysctl(net__ipv4__conf__eth0__accept_redirects=0),
    ),
]

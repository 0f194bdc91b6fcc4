"""VRRP between real keepalived: what is lost on the way, and the remedies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.lab.failover.groups import judge
from tests.lab.failover.keepalived import ADDRESS, ADDRESS6, follow
from tests.lab.failover.team import HELD, RULE, outcomes, team, unicast
from tests.lab.firewall.comparing import THOROUGH
from tests.lab.lab import Lab


@pytest.mark.parametrize("size", [2, 3])
def test_a_healthy_failover(lab: Lab, size: int) -> None:
    with team(lab, f"heir{size}", size) as one:
        one.start()
        first, second, *_ = one.hosts
        one.settles(first)
        assert outcomes(lab, one) == ("passed", "passed")
        one.stop(first)
        one.settles(second)
        assert outcomes(lab, one) == ("passed", "passed")
        one.stop(second)
        one.settles(*one.hosts[2:3])
        # Of two, none is left to hold it. What they would hear is let through all the same.
        assert outcomes(lab, one) == ("passed" if size == 3 else "failed", "passed")


@dataclass(frozen=True)
class Filtered:
    """A filter that loses advertisements, so that several members become master.

    Attributes:
        name: of the case.
        breaks: a script for a host, by its number.
        says: what the message has to hold.
        address: what the members share.
        more: further lines of the instance.
        unicast: whether they announce by unicast.
        size: how many members there are.
    """

    name: str
    breaks: Mapping[int, str]
    says: str
    address: str = ADDRESS
    more: str = ""
    unicast: bool = False
    size: int = 2
    declared: Mapping[str, object] = field(default_factory=dict)


SSH = "iptables -A INPUT -p tcp -j ACCEPT; iptables -P INPUT DROP"
FILTERED = [
    Filtered("iptables-in", {1: SSH}, "dropped on {1} on its way in, by iptables filter INPUT"),
    Filtered(
        "nft-in",
        {
            1: "nft 'table inet f { chain i { type filter hook input priority 0; policy drop;"
            " ct state established,related accept; tcp dport 22 accept; }; }'"
        },
        "dropped on {1} on its way in, by nft inet f i",
    ),
    Filtered(
        "nft-out",
        {
            0: "nft 'table ip f { chain o { type filter hook output priority 0;"
            " ip protocol 112 drop; }; }'"
        },
        "dropped on {0} on its way out, by nft ip f o",
    ),
    Filtered(
        "unicast-in",
        {1: "iptables -A INPUT -p 112 -j DROP"},
        "dropped on {1} on its way in",
        unicast=True,
    ),
    Filtered(
        "six-in",
        {
            1: "ip6tables -A INPUT -p icmpv6 -j ACCEPT; ip6tables -A INPUT -p tcp -j ACCEPT;"
            " ip6tables -P INPUT DROP"
        },
        "dropped on {1} on its way in, by ip6tables filter INPUT",
        address=ADDRESS6,
    ),
    Filtered(
        "vmac-in",
        {
            1: "nft 'table ip f { chain i { type filter hook input priority 0; policy drop;"
            ' iifname { "lo", "eth0" } accept; }; }\''
        },
        "dropped on {1} on its way in, by nft ip f i",
        more="use_vmac",
    ),
    Filtered(
        "three",
        {2: "for ip in {0} {1}; do iptables -A INPUT -s $ip -p 112 -j DROP; done"},
        "dropped on {2} on its way in",
        size=3,
    ),
]


SAMPLE = frozenset({"nft-in", "nft-out", "unicast-in", "six-in"})
"""What `make test` tries of them; `make truth` tries all."""


@pytest.mark.parametrize(
    "case",
    [case for case in FILTERED if THOROUGH or case.name in SAMPLE],
    ids=lambda case: case.name,
)
def test_filtered_advertisements_split_the_group(lab: Lab, case: Filtered) -> None:
    with team(lab, f"vrrp-{case.name}", case.size, case.address) as one:
        first = one.hosts[0]
        lines = unicast(one.hosts) if case.unicast else case.more
        one.start(lines)
        one.settles(first)
        assert outcomes(lab, one) == ("passed", "passed")
        for number, script in case.breaks.items():
            numbers = dict(enumerate(host.address for host in one.hosts))
            for other, address in numbers.items():
                script = script.replace(f"{{{other}}}", address)  # noqa: PLW2901
            one.hosts[number].shell(script)
        deaf = [host for number, host in enumerate(one.hosts) if number in case.breaks and number]
        one.settles(first, *(deaf or one.hosts[1:]))
        found = judge(lab, one.hosts, {"address": one.address}, HELD, RULE)
        broken = found[RULE]
        assert (found[HELD].outcome, broken.outcome) == ("failed", "failed"), broken
        says = case.says
        for number, host in enumerate(one.hosts):
            says = says.replace(f"{{{number}}}", host.name)
        assert says in broken.message
        follow(broken.remedy, one.hosts)
        one.settles(first)
        assert outcomes(lab, one) == ("passed", "passed")

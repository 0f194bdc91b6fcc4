"""Teams of lab hosts, and what the rules on their shared address come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.lab.audit import Finding
from tests.lab.failover.groups import judge
from tests.lab.failover.keepalived import ADDRESS, Team
from tests.lab.host import LabHost
from tests.lab.lab import Lab

RULE = "vrrp-advertisements-arrive"
HELD = "virtual-address-held-once"
ADMITTED = "virtual-address-mac-admitted"


@contextmanager
def team(lab: Lab, name: str, size: int = 2, address: str = ADDRESS) -> Iterator[Team]:
    hosts = lab.hosts(*(f"{name}-{number}" for number in range(size)))
    try:
        yield Team(hosts, address)
    finally:
        for host in hosts:
            lab.remove(host)


def verdict(lab: Lab, team: Team, declared: Mapping[str, object] | None = None) -> Finding:
    wanted = {"address": team.address, **(declared or {})}
    return judge(lab, team.hosts, wanted, RULE)[RULE]


def outcomes(lab: Lab, team: Team, declared: Mapping[str, object] | None = None) -> tuple[str, str]:
    """Whether one member holds the address, and whether they hear each other."""
    wanted = {"address": team.address, **(declared or {})}
    found = judge(lab, team.hosts, wanted, HELD, RULE)
    return found[HELD].outcome, found[RULE].outcome


def unicast(hosts: Sequence[LabHost]) -> dict[str, str]:
    """The lines by which each host announces itself to all others."""
    return {
        host.name: "\n".join(
            (
                f"unicast_src_ip {host.address}",
                "unicast_peer {",
                *(f"    {other.address}" for other in hosts if other is not host),
                "}",
            )
        )
        for host in hosts
    }

"""A gateway that tells its hosts of a better next hop: real ICMP redirects, in both families."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Self

from tests.lab.errors import LabError
from tests.lab.host import Family, LabHost
from tests.lab.lab import Lab

BEHIND: dict[Family, str] = {"ipv4": "203.0.113.0/24", "ipv6": "2001:db8:9::/48"}
"""The networks (of documentation, RFC 5737 and 3849) that lie behind the better next hop."""

ARRIVES_WITHIN_SECONDS = 3.0


@dataclass(frozen=True)
class Gateway:
    """A router on the lab's network and the neighbour to which it would rather have hosts send.

    Attributes:
        router: forwards to the neighbour, through the interface that the packet came in by.
        neighbour: the better next hop.
    """

    router: LabHost
    neighbour: LabHost

    @classmethod
    def build(cls, lab: Lab) -> Self:
        """Make the two hosts."""
        router, neighbour = lab.hosts("gateway", "better-gateway")
        router.sysctl("net.ipv4.ip_forward", 1)
        router.sysctl("net.ipv4.conf.all.send_redirects", 1)
        router.sysctl("net.ipv6.conf.all.forwarding", 1)
        for host in (router, neighbour):
            # Link-local, and known beforehand: IPv6 redirects name no other addresses.
            host.run("ip", "addr", "add", f"{_link_local(host)}/64", "dev", "eth0", "nodad")
        for family, network in BEHIND.items():
            add_route(router, network, _next_hop(neighbour, family))
        return cls(router, neighbour)

    def becomes_the_way(self, host: LabHost, family: Family) -> None:
        """Have a host send what goes to BEHIND by way of the router."""
        add_route(host, BEHIND[family], _next_hop(self.router, family))

    def gives_way(self, host: LabHost, family: Family) -> None:
        """Give a host the static route that the redirects advise."""
        add_route(host, BEHIND[family], _next_hop(self.neighbour, family))

    def redirects(self, host: LabHost, family: Family, number: int) -> None:
        """Send a packet from the host by the router, and wait for the redirect to arrive.

        `number`, 1 to 254, picks the destination: routers limit redirects by it.

        Raises:
            LabError: none arrived.
        """
        before = received(host, family)
        deadline = time.monotonic() + ARRIVES_WITHIN_SECONDS
        while received(host, family) == before:
            if time.monotonic() > deadline:
                raise LabError(f"no {family} redirect reached {host.name}")
            send(host, family, number)

    def is_obeyed(self, host: LabHost, family: Family, number: int) -> bool:
        """Whether the host's kernel now sends to that destination by way of the neighbour.

        Redirects show in no routing table, but in what the kernel answers for a destination.
        """
        route = _route(host, family, number)
        return bool(route["gateway"] == _next_hop(self.neighbour, family))


def send(host: LabHost, family: Family, number: int) -> None:
    """Send one UDP packet to a destination that lies BEHIND."""
    host.run("bash", "-c", "echo > /dev/udp/$0/9", _destination(family, number))


def received(host: LabHost, family: Family) -> int:
    """How many redirects reached a host since it was made, obeyed or not."""
    name = "IcmpInRedirects" if family == "ipv4" else "Icmp6InRedirects"
    return int(host.run("nstat", "-asz", name).stdout.splitlines()[1].split()[1])


def add_route(host: LabHost, network: str, via: str) -> None:
    """Set a host's route to a network, in place of one that it had."""
    host.run("ip", "route", "replace", network, "via", via, "dev", "eth0")


def _route(host: LabHost, family: Family, number: int) -> dict[str, Any]:
    answer = host.run("ip", "-j", "route", "get", _destination(family, number)).stdout
    route: dict[str, Any] = json.loads(answer)[0]
    return route


def _destination(family: Family, number: int) -> str:
    return f"203.0.113.{number}" if family == "ipv4" else f"2001:db8:9::{number:x}"


def _next_hop(host: LabHost, family: Family) -> str:
    return host.address if family == "ipv4" else _link_local(host)


def _link_local(host: LabHost) -> str:
    return f"fe80::{host.spec.index:x}"

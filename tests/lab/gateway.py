"""A gateway that tells its hosts of a better next hop: real ICMP redirects, in both families."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.lab.errors import LabError
from tests.lab.host import Family, LabHost
from tests.lab.lab import Lab

BEHIND: dict[Family, str] = {"ipv4": "203.0.113.0/24", "ipv6": "2001:db8:9::/48"}
"""The networks (of documentation, RFC 5737 and 3849) that lie behind the better next hop."""

# Not UDP: Linux 6.18 counts a redirect for an IPv6 UDP socket, but does not
# obey it. The IPv4 checksum is that of this very message; IPv6's is the kernel's work.
_ECHO = r"""
import socket, sys
six = sys.argv[1] == "6"
family, protocol, message = (
    (socket.AF_INET6, socket.IPPROTO_ICMPV6, b"\x80\0\0\0\0\0\0\0")
    if six
    else (socket.AF_INET, socket.IPPROTO_ICMP, b"\x08\0\xf7\xff\0\0\0\0")
)
socket.socket(family, socket.SOCK_RAW, protocol).sendto(message, (sys.argv[2], 0))
"""

ARRIVES_WITHIN_SECONDS = 30.0


@dataclass(frozen=True)
class Gateway:
    """A router on the lab's network and the neighbour to which it would rather have hosts send.

    Attributes:
        router: forwards to the neighbour, through the interface that the packet came in by.
        neighbour: the better next hop.
        worse: the router's address, as a next hop, by family.
        better: the neighbour's.
    """

    router: LabHost
    neighbour: LabHost
    worse: Mapping[Family, str]
    better: Mapping[Family, str]

    @classmethod
    def build(cls, lab: Lab) -> Self:
        """Make the two hosts."""
        router, neighbour = lab.hosts("gateway", "better-gateway")
        router.sysctl("net.ipv4.ip_forward", 1)
        router.sysctl("net.ipv4.conf.all.send_redirects", 1)
        router.sysctl("net.ipv6.conf.all.forwarding", 1)
        worse, better = _next_hops(router), _next_hops(neighbour)
        for family, network in BEHIND.items():
            add_route(router, network, better[family])
        return cls(router, neighbour, worse, better)

    def becomes_the_way(self, host: LabHost, family: Family) -> None:
        """Have a host send what goes to BEHIND by way of the router."""
        add_route(host, BEHIND[family], self.worse[family])

    def gives_way(self, host: LabHost, family: Family) -> None:
        """Give a host the static route that the redirects advise."""
        add_route(host, BEHIND[family], self.better[family])

    def redirects(self, host: LabHost, family: Family, number: int) -> None:
        """Send packets from the host by the router, and wait for the redirects to arrive.

        Two of them: at the first, a kernel that does not know the neighbour's MAC address yet
        only asks for it (__ip_do_redirect in net/ipv4/route.c). `number`, 1 to 254, picks the
        destination; routers limit redirects by it.

        Raises:
            LabError: none arrived.
        """
        wanted = received(host, family) + 2
        deadline = time.monotonic() + ARRIVES_WITHIN_SECONDS
        while received(host, family) < wanted and not self.is_obeyed(host, family, number):
            if time.monotonic() > deadline:
                raise LabError(f"no two {family} redirects reached {host.name}")
            send(host, family, number)

    def is_obeyed(self, host: LabHost, family: Family, number: int) -> bool:
        """Whether the host's kernel now sends to that destination by way of the neighbour.

        Redirects show in no routing table, but in what the kernel answers for a destination.
        """
        route = _route(host, family, number)
        return bool(route["gateway"] == self.better[family])


def send(host: LabHost, family: Family, number: int) -> None:
    """Send one ICMP echo request to a destination that lies BEHIND."""
    host.python(_ECHO, "6" if family == "ipv6" else "4", _destination(family, number))


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


def _next_hops(host: LabHost) -> Mapping[Family, str]:
    # IPv6 redirects come from a router's link-local address, and name one.
    answer = host.run("ip", "-j", "-6", "addr", "show", "dev", "eth0", "scope", "link").stdout
    # What the filter leaves out, ip(8) prints as empty objects.
    found = [a["local"] for i in json.loads(answer) for a in i.get("addr_info", []) if a]
    return {"ipv4": host.address, "ipv6": found[0]}

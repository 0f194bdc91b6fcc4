"""The kernel's answer for the way to an address: ``ip route get``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from nethygiene.collect.shell_file import sh_c
from nethygiene.subjects.links.ip.families import Family, Network, family_of, rows_of
from nethygiene.subjects.links.ip.routes import RouteLine, parse_route

EVERYWHERE: Mapping[Family, Network] = {
    "ipv4": IPv4Network("0.0.0.0/0"),
    "ipv6": IPv6Network("::/0"),
}
SOMEWHERE: Mapping[Family, tuple[str, ...]] = {
    "ipv4": ("9.9.9.9", "1.1.1.1", "198.51.100.251"),
    "ipv6": ("2620:fe::9", "2606:4700::1111", "2001:db8:ffff:ffff::1"),
}
"""Addresses that hardly any host has a route of its own to. The audit sends nothing to them."""
_FAILED = re.compile(r"Command failed \S*:(\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Way:
    """Where the kernel sends a packet of this host's own.

    Attributes:
        address: the packet's destination.
        route: the way it takes, None if the kernel refuses it.
        matched: the route that decides, None if it is not known (iproute2 before 4.13, kernels
            before 4.13).
        tcp: the way that a TCP connection takes, None if the kernel refuses it. connect() looks up
            the route again once the source address is chosen, and a policy rule may ask for that
            address.
    """

    address: str
    route: RouteLine | None
    matched: RouteLine | None
    tcp: RouteLine | None = None

    @property
    def prefix_length(self) -> int | None:
        """How specific the deciding route is, in bits."""
        return None if self.matched is None else self.matched.destination.prefixlen


def addresses_inside(network: Network) -> tuple[str, ...]:
    """Up to four addresses of a network, one in each quarter, since a part may go elsewhere."""
    if network.prefixlen == 0:
        return SOMEWHERE[family_of(network)]
    size = network.num_addresses
    offsets = [0] if size == 1 else [0, 1] if size == 2 else [1, size // 3, size * 2 // 3, size - 2]
    return tuple(str(network[offset]) for offset in dict.fromkeys(offsets))


def plain_question(network: Network) -> str:
    """The shell command that asks for each address, and then for the deciding routes."""
    return sh_c(
        Path(__file__).with_name("route_get.sh"),
        ADDRESSES=addresses_inside(network),
        VERSION=str(network.version),
    )


def tcp_question(network: Network) -> str:
    """The shell command that asks as connect() does: for TCP, and then with the source chosen."""
    return sh_c(
        Path(__file__).with_name("route_get_tcp.sh"),
        ADDRESSES=addresses_inside(network),
        ITSELF="127.0.0.1" if network.version == 4 else "::1",
        VERSION=str(network.version),
    )


def beside_question(network: Network) -> str:
    """The shell command that lists the routes of all tables that lie in or around a network."""
    lists = f"ip -{network.version} -o route show table all"
    return f"sh -c '{lists} root {network} && {lists} match {network}'"


def read_routes(
    stdout: str, stderr: str, network: Network
) -> tuple[Sequence[RouteLine | None], Sequence[RouteLine | None], bool]:
    """The answers to :func:`plain_question`.

    Returns:
        The way to each address, the deciding routes (none if ip does not show them), and whether
        there are further lines. A refusal (unreachable, prohibit…) is None.

    Raises:
        ValueError: a line is no route.
    """
    asked = len(addresses_inside(network))
    failed = {int(number) for number in _FAILED.findall(stderr)}
    answers = iter(rows_of(stdout))
    routes: list[RouteLine | None] = []
    for number in range(1, 2 * asked + 1):
        line = None if number in failed else next(answers, "")
        if line == "":
            break
        routes.append(None if line is None else parse_route(line, family_of(network)))
    return routes[:asked], routes[asked:], next(answers, None) is not None


def read_tcp_routes(stdout: str, network: Network) -> Mapping[Network, RouteLine]:
    """The answers to :func:`tcp_question`, by destination; refused destinations are missing.

    Raises:
        ValueError: a line is no route.
    """
    routes = (parse_route(line, family_of(network)) for line in rows_of(stdout))
    return {route.destination: route for route in routes}

"""The settings and tables of the network stack: forwarding, virtual servers, route_localnet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.addresses import parse_address, written
from nethygiene.subjects.links.ip.families import Family

_FORWARDING: Mapping[Family, str] = {
    "ipv4": "/proc/sys/net/ipv4/ip_forward",
    "ipv6": "/proc/sys/net/ipv6/conf/all/forwarding",
}
_L3MDEV = "/proc/sys/net/ipv4/tcp_l3mdev_accept"
_MODULES = "/proc/sys/kernel/modules_disabled"
_INGRESS = "/sys/module/sch_ingress/initstate"
_LOCALNET = re.compile(r"/proc/sys/net/ipv4/conf/(?P<name>[^/\s]+)/route_localnet")


@dataclass(frozen=True, slots=True)
class VirtualServer:
    """A virtual server of IPVS, for TCP.

    Attributes:
        address: as people write it; empty for one that goes by a firewall mark.
        port: None for all ports, and for one that goes by a mark.
        number: the address as a number.
        family: of the address; None for one that goes by a mark.
        mark: the mark that it goes by.
    """

    address: str
    port: int | None
    number: int = 0
    family: Family | None = None
    mark: int | None = None

    def __str__(self) -> str:
        if self.family is None:
            mark = "" if self.mark is None else f" {self.mark:#x}"
            return f"a virtual server by firewall mark{mark}"
        return f"virtual server {self.address}:{self.port or '*'}"


@dataclass(frozen=True, slots=True)
class Stack:
    """The settings and tables of the stack.

    Attributes:
        forwards: whether it forwards, by family; None where that was not read.
        servers: virtual servers of IPVS.
        across_vrfs: whether a socket that is bound to no VRF answers in all of them.
        localnet: the interfaces, or ``all``, that let 127.0.0.0/8 in: ``route_localnet`` is 1.
        has_ingress: whether there may be tc filters: sch_ingress is loaded. A kernel without
            modules has it, or has it not, where nobody sees.
    """

    forwards: Mapping[Family, bool | None] = field(
        default_factory=lambda: {"ipv4": None, "ipv6": None}
    )
    servers: tuple[VirtualServer, ...] = ()
    across_vrfs: bool = False
    localnet: frozenset[str] = frozenset()
    has_ingress: bool = True


_SERVER = re.compile(
    r"TCP\s+(?:\[(?P<six>[0-9a-fA-F:]+)\]|(?P<four>[0-9A-F]{8})):(?P<port>[0-9A-F]{4})\s"
)
_MARK = re.compile(r"FWM\s+(?P<mark>[0-9A-F]{8})\s")


def parse_stack(text: str) -> Stack:
    """Parse ``grep -H ''`` of files in /proc: each line begins with the file's name."""
    forwards: dict[Family, bool | None] = {"ipv4": None, "ipv6": None}
    servers: list[VirtualServer] = []
    across_vrfs = False
    localnet: set[str] = set()
    paths: set[str] = set()
    for line in text.split("\n"):
        path, _, rest = line.partition(":")
        paths.add(path)
        for family, setting in _FORWARDING.items():
            if path == setting and rest.strip().isdigit():
                forwards[family] = rest.strip() != "0"
        if path == _L3MDEV:
            across_vrfs = rest.strip() != "0"
        if (match := _LOCALNET.fullmatch(path)) is not None and rest.strip() != "0":
            localnet.add(match["name"])
        if path == "/proc/net/ip_vs" and (server := _server(f"{rest} ")) is not None:
            servers.append(server)
    has_ingress = _INGRESS in paths or _MODULES not in paths
    return Stack(forwards, tuple(servers), across_vrfs, frozenset(localnet), has_ingress)


def _server(line: str) -> VirtualServer | None:
    if line.startswith("FWM"):
        by_mark = _MARK.match(line)
        return VirtualServer("", None, mark=int(by_mark["mark"], 16) if by_mark else None)
    if (match := _SERVER.match(line)) is None:
        return None
    port = int(match["port"], 16) or None  # port 0: all ports, of a persistent service
    if match["four"]:
        number = int(match["four"], 16)
        return VirtualServer(written(number, "ipv4"), port, number, "ipv4")
    parsed = parse_address(match["six"])
    if parsed is None or parsed[1] != "ipv6":
        return None
    return VirtualServer(f"[{written(*parsed)}]", port, parsed[0], "ipv6")

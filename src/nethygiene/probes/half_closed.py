"""TCP connections that the peer has closed, and the process here has not: CLOSE-WAIT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from nethygiene.facts.fact import Fact
from nethygiene.links.families import Address
from nethygiene.outcomes import Reason, Unreadable
from nethygiene.probes.base import Command, Probe, Sections, refused


@dataclass(frozen=True, slots=True)
class HalfClosedConnection:
    """One of them.

    Attributes:
        port: our port.
        peer: the other end's address; IPv4 in an IPv6 socket is told as IPv4.
    """

    port: int
    peer: Address


@dataclass(frozen=True)
class HalfClosed(Fact):
    """The half-closed connections of a host's network namespace."""

    _connections: tuple[HalfClosedConnection, ...]

    def at(self, port: int) -> tuple[HalfClosedConnection, ...]:
        """Those at a port of ours."""
        found = tuple(one for one in self._connections if one.port == port)
        self.ledger.read(f"connections in CLOSE-WAIT at port {port}", SS.shell, len(found))
        return found


# Before iproute2 4.13 IPv6 addresses stood without brackets: "::1:22".
_END = r"(\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+)(?:%[^\s:]+)?:(\d{1,5})"
_ROW = re.compile(rf"\d{{1,10}}\s+\d{{1,10}}\s+{_END}\s+{_END}\s*", re.ASCII)


def parse(sections: Sections) -> HalfClosed | Unreadable:
    """Parse ``ss -tn state close-wait``: one row a connection, below a header."""
    section = sections[SS.name]
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        return refused(SS, section)
    header, *rows = section.stdout.decode("utf-8", "replace").split("\n")
    # The header proves that it was ss that answered, also where there is none.
    if not header.startswith("Recv-Q"):
        return Unreadable(Reason.UNPARSABLE, SS.shell, f"no header: {header[:80]!r}")
    connections: list[HalfClosedConnection] = []
    for found in _connections(rows):
        if isinstance(found, Unreadable):
            return found
        connections.append(found)
    return HalfClosed(tuple(connections))


def _connections(rows: list[str]) -> Iterator[HalfClosedConnection | Unreadable]:
    for row in filter(None, rows):
        match = _ROW.fullmatch(row)
        try:
            peer = None if match is None else ip_address(match[3].strip("[]"))
        except ValueError:
            peer = None
        if match is None or peer is None or int(match[2]) > 65535:
            yield Unreadable(Reason.UNPARSABLE, SS.shell, f"not a connection: {row[:120]!r}")
            return
        mapped = peer.ipv4_mapped if isinstance(peer, IPv6Address) else None
        yield HalfClosedConnection(int(match[2]), mapped or peer)


SS = Command("half_closed", "ss -tn state close-wait", seconds=20, cap=16 * 1024 * 1024)
PROBE = Probe("half_closed", 1, (SS,), parse)

"""TCP connections that the peer has closed, and the process here has not: CLOSE-WAIT."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing
from nethygiene.subjects.links.ip.families import Address
from nethygiene.subjects.sockets.dials import SS
from nethygiene.subjects.sockets.unsettled import parse_unsettled, split_place


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


def parse(sections: Sections) -> HalfClosed | Unreadable:
    """Parse what ``ss`` printed at the end of the window."""
    found = read_listing(sections[SS.sections[-1]], SS, _half_closed)
    return found if isinstance(found, Unreadable) else HalfClosed(found)


def _half_closed(text: str) -> tuple[HalfClosedConnection, ...]:
    found = [one for one in parse_unsettled(text) if one.state == "CLOSE-WAIT"]
    ends = [(split_place(one.place)[1], split_place(one.peer)[0]) for one in found]
    return tuple(HalfClosedConnection(port, peer) for port, peer in ends)


PROBE = Probe("half_closed", 2, (SS,), parse)

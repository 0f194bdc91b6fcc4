"""Half-open TCP connections: a peer dialled, and its last word is awaited: SYN-RECV."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing
from nethygiene.subjects.sockets.dials import SS
from nethygiene.subjects.sockets.unsettled import parse_unsettled, split_place


@dataclass(frozen=True, slots=True)
class Handshake:
    """One connection before it is established.

    Attributes:
        address: this host's address, an IPv4-mapped one as plain IPv4.
        port: this host's port.
        peer: the other end, as ``192.0.2.7:443``.
    """

    address: str
    port: int
    peer: str


@dataclass(frozen=True)
class Handshakes(Fact):
    """The handshakes that peers have begun in a host's network namespace."""

    _sockets: tuple[Handshake, ...]

    def half_open(self) -> tuple[Handshake, ...]:
        """Connections in SYN_RECV: they fill the SYN queues of the listeners."""
        self.ledger.read("half-open connections", SS.shell, len(self._sockets))
        return self._sockets


def parse(sections: Sections) -> Handshakes | Unreadable:
    """Parse what ``ss`` printed at the end of the window."""
    found = read_listing(sections[SS.sections[-1]], SS, _half_open)
    return found if isinstance(found, Unreadable) else Handshakes(found)


def _half_open(text: str) -> tuple[Handshake, ...]:
    found = [one for one in parse_unsettled(text) if one.state == "SYN-RECV"]
    places = [(*split_place(one.place), one.peer) for one in found]
    return tuple(Handshake(str(address), port, peer) for address, port, peer in places)


PROBE = Probe("handshakes", 2, (SS,), parse)

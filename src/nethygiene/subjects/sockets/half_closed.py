"""Half-closed TCP connections (CLOSE-WAIT): the peer has closed them, and this host has not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing
from nethygiene.subjects.sockets.dials import SS
from nethygiene.subjects.sockets.unsettled import ServedConnection, served


@dataclass(frozen=True)
class HalfClosed(Fact):
    """The half-closed connections of a host's network namespace."""

    _connections: tuple[ServedConnection, ...]

    def at(self, port: int) -> tuple[ServedConnection, ...]:
        """The half-closed connections at a port of this host."""
        here = tuple(closing for closing in self._connections if closing.port == port)
        self.ledger.read(f"connections in CLOSE-WAIT at port {port}", SS.shell, len(here))
        return here


def parse(sections: Sections) -> HalfClosed | Unreadable:
    """Parse what ``ss`` printed at the end of the window."""
    read = read_listing(sections[SS.sections[-1]], SS, partial(served, state="CLOSE-WAIT"))
    return read if isinstance(read, Unreadable) else HalfClosed(read)


PROBE = Probe("half_closed", 2, (SS,), parse)

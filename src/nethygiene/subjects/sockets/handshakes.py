"""Half-open TCP connections (SYN-RECV): a peer dialled, and has not acknowledged the answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing
from nethygiene.subjects.sockets.dials import SS
from nethygiene.subjects.sockets.unsettled import ServedConnection, served


@dataclass(frozen=True)
class Handshakes(Fact):
    """The handshakes that peers have begun in a host's network namespace."""

    _connections: tuple[ServedConnection, ...]

    def half_open(self) -> tuple[ServedConnection, ...]:
        """Connections in SYN_RECV: they fill the SYN queues of the listeners."""
        self.ledger.read("half-open connections", SS.shell, len(self._connections))
        return self._connections


def parse(sections: Sections) -> Handshakes | Unreadable:
    """Parse what ``ss`` printed at the end of the window."""
    read = read_listing(sections[SS.sections[-1]], SS, partial(served, state="SYN-RECV"))
    return read if isinstance(read, Unreadable) else Handshakes(read)


PROBE = Probe("handshakes", 2, (SS,), parse)

"""Connections that this host dials and nobody has answered yet, at both ends of the window."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing
from nethygiene.subjects.sockets.connections import parse_due
from nethygiene.subjects.sockets.unsettled import UnsettledConnection, parse_unsettled
from nethygiene.transcript import Section


@dataclass(frozen=True, slots=True)
class Dial:
    """One connection in SYN_SENT.

    Attributes:
        place: this host's end, as ``192.0.2.1:56164``.
        peer: the other end, as ``192.0.2.99:80``.
        sent_again: how often the SYN was sent again, for the first time after 1 s.
        due: seconds until it is sent again, at most.
    """

    place: str
    peer: str
    sent_again: int
    due: float


@dataclass(frozen=True)
class Dials(Fact):
    """What a host was dialling at two moments.

    Attributes:
        _first: the dials when the window began.
        _last: the dials when it ended.
    """

    _first: tuple[Dial, ...] | Unreadable
    _last: tuple[Dial, ...] | Unreadable

    def waiting(self) -> tuple[tuple[Dial, ...], tuple[Dial, ...]]:
        """The dials without an answer when the window began, and when it ended."""
        samples: list[tuple[Dial, ...]] = []
        for sample in (self._first, self._last):
            if isinstance(sample, Unreadable):
                self.ledger.cannot_read(sample)
            samples.append(sample)
        first, last = samples
        self.ledger.read("connections being dialled", SS.shell, f"{len(first)}, then {len(last)}")
        return first, last


def parse(sections: Sections) -> Dials | Unreadable:
    """Parse ``ss -tno`` of both samples; each may be unreadable by itself."""
    _, first, last = (sections[name] for name in SS.sections)
    if isinstance(last, Unreadable):
        return last
    if isinstance(first, Unreadable) and first.reason is Reason.NOT_COLLECTED:
        detail = "only one sample was taken: give --window"
        first = Unreadable(Reason.NO_SECOND_SAMPLE, SS.shell, detail)
    return Dials(_sample(first), _sample(last))


def _sample(section: Section | Unreadable) -> tuple[Dial, ...] | Unreadable:
    return read_listing(section, SS, _dials)


def _dials(text: str) -> tuple[Dial, ...]:
    return tuple(
        _dial(connection) for connection in parse_unsettled(text) if connection.state == "SYN-SENT"
    )


def _dial(connection: UnsettledConnection) -> Dial:
    due = parse_due(connection.due)
    if due is None:
        raise ValueError(f"no dial: {connection}")
    # A connection without a timer has just been opened.
    return Dial(
        connection.place, connection.peer, connection.sent_again, due[1] if connection.due else 1.0
    )


SS = Command(
    "unsettled",
    "ss -tno state syn-sent state syn-recv state close-wait",
    sampled=True,
    seconds=20,
    cap=16 * 1024 * 1024,
    holds="sockets",
)
PROBE = Probe("dials", 2, (SS,), parse)

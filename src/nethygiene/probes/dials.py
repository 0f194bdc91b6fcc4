"""Connections that this host dials and that nobody has answered yet, at both ends of the window."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nethygiene.facts.fact import Fact
from nethygiene.outcomes import Reason, Unreadable
from nethygiene.probes.base import Command, Probe, Sections, refused
from nethygiene.probes.connections import parse_due
from nethygiene.transcript import Section


@dataclass(frozen=True, slots=True)
class Dial:
    """One connection in SYN_SENT.

    Attributes:
        place: this host's end, as ``192.0.2.1:56164``.
        peer: what is dialled, as ``192.0.2.99:80``.
        sent_again: how often the SYN was sent again: first after 1 s.
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
        _first: as the window began.
        _last: as it ended.
    """

    _first: tuple[Dial, ...] | Unreadable
    _last: tuple[Dial, ...] | Unreadable

    def waiting(self) -> tuple[tuple[Dial, ...], tuple[Dial, ...]]:
        """The dials without an answer as the window began, and as it ended."""
        samples: list[tuple[Dial, ...]] = []
        for one in (self._first, self._last):
            if isinstance(one, Unreadable):
                self.ledger.cannot_read(one)
            samples.append(one)
        first, last = samples
        self.ledger.read("connections being dialled", SS.shell, f"{len(first)}, then {len(last)}")
        return first, last


_ROW = re.compile(
    r"\d{1,10}\s+\d{1,10}\s+(?P<place>\S+:\d{1,5})\s+(?P<peer>\S+:\d{1,5})"
    r"(?:\s+timer:\([a-z]+,(?P<due>[0-9a-z.]*),(?P<again>\d{1,3})\))?\s*",
    re.ASCII,
)


def parse(sections: Sections) -> Dials | Unreadable:
    """Parse ``ss -tno state syn-sent`` of both samples; each may be unreadable by itself."""
    _, first, last = (sections[name] for name in SS.sections)
    if isinstance(last, Unreadable):
        return last
    if isinstance(first, Unreadable) and first.reason is Reason.NOT_COLLECTED:
        detail = "only one sample was taken: give --window"
        first = Unreadable(Reason.NO_SECOND_SAMPLE, SS.shell, detail)
    return Dials(*(one if isinstance(one, Unreadable) else _sample(one) for one in (first, last)))


def _sample(section: Section) -> tuple[Dial, ...] | Unreadable:
    if section.status != 0:
        return refused(SS, section)
    header, *rows = section.stdout.decode("utf-8", "replace").split("\n")
    # The header proves that it was ss that answered, also where nothing is dialled.
    if not header.startswith("Recv-Q"):
        return Unreadable(Reason.UNPARSABLE, SS.shell, f"no header: {header[:80]!r}")
    try:
        return tuple(_dials(rows))
    except ValueError as error:
        return Unreadable(Reason.UNPARSABLE, SS.shell, f"no dial: {str(error)[:120]!r}")


def _dials(rows: list[str]) -> Iterator[Dial]:
    for row in rows:
        if not row:
            continue
        match = _ROW.fullmatch(row)
        due = None if match is None else parse_due(match["due"] or "")
        if match is None or due is None:
            raise ValueError(row)
        # Without a timer it has just been made.
        again = int(match["again"] or 0)
        yield Dial(match["place"], match["peer"], again, due[1] if match["due"] else 1.0)


SS = Command("dials", "ss -tno state syn-sent", sampled=True, seconds=20, cap=16 * 1024 * 1024)
PROBE = Probe("dials", 1, (SS,), parse)

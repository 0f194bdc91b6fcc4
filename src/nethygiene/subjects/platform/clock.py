"""The clock of a host at both ends of the window, beside that of the machine that audits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, refused
from nethygiene.engine.subject import RoundTrip
from nethygiene.transcript import Section


@dataclass(frozen=True, slots=True)
class Skew:
    """By how much a host's clock is ahead of ours: a range, in seconds.

    Attributes:
        low: at least so much; a clock that is behind has negative numbers.
        high: at most so much.
    """

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The most likely value."""
        return (self.low + self.high) / 2

    def is_beyond(self, limit: float) -> bool:
        """Whether it is more than `limit`, wherever in its range it is."""
        return self.low > limit or self.high < -limit

    def is_within(self, limit: float) -> bool:
        """Whether it is not more than `limit`, wherever in its range it is."""
        return -limit <= self.low and self.high <= limit

    def __str__(self) -> str:
        way = "ahead" if self.middle >= 0 else "behind"
        return f"{abs(self.middle):.2f} s {way} (± {(self.high - self.low) / 2:.2f} s)"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What a clock showed, in seconds since 1970.

    Attributes:
        low: at least so much.
        high: at most so much; more than `low` if the host's date(1) shows whole seconds.
    """

    low: float
    high: float


@dataclass(frozen=True)
class Clock(Fact):
    """Readings of a host's clock; the first is missing without a window."""

    _first: ClockReading | None
    _last: ClockReading

    def skew(self, round_trip: RoundTrip) -> Skew:
        """By how much it is ahead of the clock of the machine that audits.

        The host read its clock after the script was sent, and once more before the answer was
        there. So it cannot be further ahead than the first reading says, nor further behind than
        the last. The window lies between the two, and so adds nothing to the uncertainty.
        """
        sent, received = round_trip.ends
        first = self._first or self._last
        skew = Skew(self._last.low - received, first.high - sent)
        if skew.low > skew.high:
            self.ledger.undecidable("its clock was set while it was read: look again")
        self.ledger.read("clock", CLOCK.shell, skew)
        return skew


def parse(sections: Sections) -> Clock | Unreadable:
    """Parse ``date +%s.%N`` of both ends of the window; without one there is the last alone."""
    _, first_name, last_name = CLOCK.sections
    last = _reading(sections[last_name])
    if isinstance(last, Unreadable):
        return last
    first = _reading(sections[first_name])
    if isinstance(first, Unreadable):
        return Clock(None, last) if first.reason is Reason.NOT_COLLECTED else first
    return Clock(first, last)


def _reading(section: Section | Unreadable) -> ClockReading | Unreadable:
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        return refused(CLOCK, section)
    text = section.stdout.decode("ascii", "replace").strip()
    if re.fullmatch(r"\d{1,12}\.\d{9}", text, re.ASCII):
        return ClockReading(float(text), float(text))
    # busybox without FEATURE_DATE_NANO knows no %N, and prints it or nothing in its place.
    if match := re.fullmatch(r"(\d{1,12})\.\D{0,2}", text, re.ASCII):
        return ClockReading(float(match[1]), float(match[1]) + 1)
    return Unreadable(Reason.UNPARSABLE, CLOCK.shell, f"not a time: {text[:80]!r}")


CLOCK = Command("clock", "date +%s.%N", sampled=True, small=True, holds="addresses")
PROBE = Probe("clock", 1, (CLOCK,), parse)

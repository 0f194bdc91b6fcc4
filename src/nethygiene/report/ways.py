"""The way of a connection as a line of hops, from the observations of a two-ended result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.results import Result

_MARKS = {"passes": "", "refuses": " ✗", "open": " ?"}


@dataclass(frozen=True, slots=True)
class HostOnWay:
    """A host on the way.

    Attributes:
        host: its name.
        state: whether it lets the connection through; `open` where the way cannot be followed on.
    """

    host: str
    state: Literal["passes", "refuses", "open"]

    @property
    def mark(self) -> str:
        """The sign behind its name."""
        return _MARKS[self.state]


def hops(result: Result) -> tuple[HostOnWay, ...]:
    """The hosts on the way, there and back; none for a result of one host or group.

    The steps are the expectations in their order. The first that is refused is the last.
    """
    steps = (
        seen.host
        for seen in result.observations
        if seen.host is not None and seen.expected is not None
    )
    names = [name for name, _ in groupby(steps)]
    if not names:
        return ()
    ends: dict[Outcome, Literal["passes", "refuses", "open"]] = {
        Outcome.FAILED: "refuses",
        Outcome.WAIVED: "refuses",
        Outcome.UNKNOWN: "open",
    }
    last = HostOnWay(names[-1], ends.get(result.outcome, "passes"))
    return (*(HostOnWay(name, "passes") for name in names[:-1]), last)


def way_text(result: Result) -> str:
    """The way in a line: ``web-1 → router ✗``; empty without one."""
    return " → ".join(f"{hop.host}{hop.mark}" for hop in hops(result))


def ways(results: Iterable[Result]) -> int:
    """The number of results that have a way."""
    return sum(bool(hops(result)) for result in results)

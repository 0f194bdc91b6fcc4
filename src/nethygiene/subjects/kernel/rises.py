"""Matchers of how far a counter moved."""

from __future__ import annotations

from nethygiene.engine.matchers import Matcher
from nethygiene.subjects.kernel.counters import Change


def not_rising() -> Matcher[Change]:
    """The counter did not move between the two samples."""
    return Matcher("no rise", lambda change: change.delta == 0)


def never_risen() -> Matcher[Change]:
    """The counter is 0 since boot; with `--since`, it did not move since that run."""
    return Matcher(
        "no rise, and 0 since boot (or no rise since the run that --since names)",
        lambda change: change.delta == 0 and (change.since or change.total == 0),
    )

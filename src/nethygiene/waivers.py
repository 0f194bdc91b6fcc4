"""Waivers: a declared, dated and owned acceptance of a failure. Never of an unknown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from nethygiene.inventory.policy import Waiver
from nethygiene.outcomes import Outcome
from nethygiene.results import Result


@dataclass(frozen=True, slots=True)
class Cover:
    """What the waivers of a host say about one failure.

    Attributes:
        waiver: the one that covers it, None if none does.
        expired: those that would, had they not expired.
    """

    waiver: Waiver | None
    expired: tuple[Waiver, ...]


def cover_of(waivers: Iterable[Waiver], rule: str, item: str | None, today: date) -> Cover:
    """Look for a waiver of a *failed* result. `today` is the day in UTC on which the run judges."""
    fitting = [one for one in waivers if _fits(one, rule, item)]
    current = [one for one in fitting if one.until >= today]
    expired = tuple(one for one in fitting if one.until < today)
    return Cover(current[0] if current else None, expired)


def waiver_remarks(
    host: str, waivers: Iterable[Waiver], results: Iterable[Result], today: date
) -> list[str]:
    """What has to be said aloud: expired waivers, and those that cover nothing that fails.

    Args:
        host: the host's name.
        waivers: the host's waivers.
        results: the host's results; a rule that was not judged, or is unknown, leaves its
            waivers alone.
        today: the day in UTC on which the run judges.
    """
    results = list(results)
    judged = {one.rule for one in results}
    undecided = {one.rule for one in results if one.outcome is Outcome.UNKNOWN}
    failing = [one for one in results if one.outcome in {Outcome.FAILED, Outcome.WAIVED}]
    remarks = []
    for waiver in waivers:
        about = f"{host}: waiver {waiver.name} of {waiver.rule} (owner {waiver.owner})"
        if waiver.until < today:
            remarks.append(f"{about} expired on {waiver.until}: mend the failure, or renew it")
        elif waiver.rule in judged - undecided and not any(
            _fits(waiver, one.rule, one.item) for one in failing
        ):
            remarks.append(f"{about} covers nothing that fails: remove it")
    return remarks


def _fits(waiver: Waiver, rule: str, item: str | None) -> bool:
    return waiver.rule == rule and (waiver.item == "*" or fnmatchcase(item or "", waiver.item))

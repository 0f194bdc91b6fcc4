"""Waivers: a declared, dated and owned acceptance of a failure. Never of an unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from nethygiene.inventory.policy import Waiver


@dataclass(frozen=True, slots=True)
class Covered:
    """What the waivers of a host say about one failure.

    Attributes:
        waiver: the one that covers it, None if none does.
        expired: those that would, had they not expired.
    """

    waiver: Waiver | None
    expired: tuple[Waiver, ...]


class WaiverBook:
    """The waivers of one host, and which of them were of use."""

    def __init__(self, host: str, waivers: tuple[Waiver, ...], today: date) -> None:
        """`today` is the day in UTC on which the run judges."""
        self._host = host
        self._waivers = waivers
        self._today = today
        self._used: set[str] = set()
        self._judged: set[str] = set()

    def cover(self, rule: str, item: str | None) -> Covered:
        """Look for a waiver of a *failed* result; remembers which were of use."""
        fitting = [one for one in self._waivers if _fits(one, rule, item)]
        current = [one for one in fitting if one.until >= self._today]
        expired = tuple(one for one in fitting if one.until < self._today)
        self._used.update(one.name for one in (*current, *expired))
        return Covered(current[0] if current else None, expired)

    def judged(self, rule: str) -> None:
        """Note that the run judged `rule` on this host: only then can its waivers be idle."""
        self._judged.add(rule)

    def remarks(self) -> list[str]:
        """What has to be said aloud: waivers that have expired, or that cover nothing that fails."""
        remarks = []
        for one in self._waivers:
            about = f"{self._host}: waiver {one.name} of {one.rule} (owner {one.owner})"
            if one.until < self._today:
                remarks.append(f"{about} expired on {one.until}: mend the failure or renew it")
            elif one.name not in self._used and one.rule in self._judged:
                remarks.append(f"{about} covers nothing that fails: remove it")
        return remarks


def _fits(waiver: Waiver, rule: str, item: str | None) -> bool:
    return waiver.rule == rule and (waiver.item == "*" or fnmatchcase(item or "", waiver.item))

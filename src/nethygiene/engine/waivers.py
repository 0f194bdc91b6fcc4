"""Waivers: a declared, dated and owned acceptance of a failure. Never of an unknown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.results import Result
from nethygiene.inventory.policy import Waiver

_NAMED = 3
# A letter or two: no two rules of ours are as near to each other.
_SLIP = 0.9


@dataclass(frozen=True, slots=True)
class Cover:
    """What the waivers of a host say about one failure.

    Attributes:
        waiver: the one that covers it, None if none does.
        expired: those that would, had they not expired.
    """

    waiver: Waiver | None
    expired: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True)
class WaivedHost:
    """A host, its waivers, and the results that it came to."""

    name: str
    waivers: tuple[Waiver, ...]
    results: tuple[Result, ...]

    def needed(self) -> Iterator[Waiver]:
        """The waivers to leave alone: they cover a failure, or their rule came to no verdict."""
        judged = {one.rule for one in self.results}
        undecided = {one.rule for one in self.results if one.outcome is Outcome.UNKNOWN}
        failing = [one for one in self.results if one.outcome in {Outcome.FAILED, Outcome.WAIVED}]
        for waiver in self.waivers:
            is_open = waiver.rule not in judged or waiver.rule in undecided
            if is_open or any(_fits(waiver, one.rule, one.item) for one in failing):
                yield waiver


def cover_of(waivers: Iterable[Waiver], rule: str, item: str | None, today: date) -> Cover:
    """Look for a waiver of a *failed* result. `today` is the day in UTC on which the run judges."""
    fitting = [one for one in waivers if _fits(one, rule, item)]
    current = [one for one in fitting if one.until >= today]
    expired = tuple(one for one in fitting if one.until < today)
    return Cover(current[0] if current else None, expired)


def waiver_remarks(hosts: Iterable[WaivedHost], today: date, *, limited: bool) -> list[str]:
    """What has to be said aloud: waivers that expired, cover nothing, or name a rule wrongly.

    What many hosts inherit from a group is one waiver, and of use where one of them fails.

    Args:
        hosts: those of the run.
        today: the day in UTC on which the run judges.
        limited: others of the inventory, that may inherit the same, are not judged.
    """
    holders: dict[Waiver, list[str]] = {}
    needed: set[Waiver] = set()
    rules: set[str] = set()
    for host in hosts:
        rules.update(one.rule for one in host.results)
        for waiver in host.waivers:
            holders.setdefault(waiver, []).append(host.name)
        needed.update(host.needed())
    remarks = []
    for waiver, names in holders.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        who = ", ".join(names[:_NAMED]) + more
        about = f"{who}: waiver {waiver.name} of {waiver.rule} (owner {waiver.owner})"
        meant = [] if waiver.rule in rules else get_close_matches(waiver.rule, rules, 1, _SLIP)
        expired = waiver.until < today
        if meant:
            remarks.append(f"{about} covers nothing: did you mean the rule {meant[0]}?")
            continue
        if waiver not in needed:
            when = f"expired on {waiver.until} and " if expired else ""
            cure = "remove it, if no host outside of --limit needs it" if limited else "remove it"
            remarks.append(f"{about} {when}covers nothing that fails: {cure}")
        elif expired:
            remarks.append(f"{about} expired on {waiver.until}: fix the failure, or renew it")
    return remarks


def _fits(waiver: Waiver, rule: str, item: str | None) -> bool:
    return waiver.rule == rule and (waiver.item == "*" or fnmatchcase(item or "", waiver.item))

"""Waivers: a waiver accepts a failure until a day, and has an owner. It never covers an unknown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.results import Result
from nethygiene.inventory.model import Host
from nethygiene.inventory.policy import Waiver

_NAMED = 3
# difflib's cutoff for about two typos: no two rule ids are so similar.
_TYPO = 0.9


@dataclass(frozen=True, slots=True)
class Cover:
    """The waivers of a host that fit one failure.

    Attributes:
        waiver: the waiver that covers it, None if none does.
        expired: the waivers that fit it and have expired.
    """

    waiver: Waiver | None
    expired: tuple[Waiver, ...]


@dataclass(frozen=True, slots=True)
class WaivedHost:
    """A host, its waivers, and its results."""

    name: str
    waivers: tuple[Waiver, ...]
    results: tuple[Result, ...]

    def needed(self) -> Iterator[Waiver]:
        """The waivers that cover a failure, or whose rule has no verdict."""
        judged = {result.rule for result in self.results}
        undecided = {result.rule for result in self.results if result.outcome is Outcome.UNKNOWN}
        failures = {Outcome.FAILED, Outcome.WAIVED}
        failing = [result for result in self.results if result.outcome in failures]
        for waiver in self.waivers:
            is_open = waiver.rule not in judged or waiver.rule in undecided
            if is_open or any(_fits(waiver, result.rule, result.item) for result in failing):
                yield waiver


def waived_hosts(
    hosts: Mapping[str, Host], results: Iterable[Result], members: Mapping[str, Sequence[str]]
) -> Iterator[WaivedHost]:
    """The hosts that have waivers, each with its results and those of its groups.

    Args:
        hosts: those of the run, by name.
        results: those of the run.
        members: the hosts of each group that has results.
    """
    by_host: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        in_group = members[result.group] if result.group else ()
        for host in in_group if result.host is None else (result.host,):
            by_host[host].append(result)
    for name, declared in hosts.items():
        if waivers := tuple(declared.policy.waivers.values()):
            yield WaivedHost(name, waivers, tuple(by_host[name]))


def cover_of(waivers: Iterable[Waiver], rule: str, item: str | None, today: date) -> Cover:
    """Look for a waiver of a *failed* result. `today` is the day in UTC on which the run judges."""
    fitting = [waiver for waiver in waivers if _fits(waiver, rule, item)]
    current = [waiver for waiver in fitting if waiver.until >= today]
    expired = tuple(waiver for waiver in fitting if waiver.until < today)
    return Cover(current[0] if current else None, expired)


def waiver_remarks(hosts: Iterable[WaivedHost], today: date, *, limited: bool) -> list[str]:
    """Remarks on waivers that expired, cover nothing, or misspell a rule.

    A waiver that many hosts inherit from a group is one waiver, and needed if one of them fails.

    Args:
        hosts: those of the run.
        today: the day in UTC on which the run judges.
        limited: other hosts of the inventory, which may inherit the same, are not judged.
    """
    holders: dict[Waiver, list[str]] = {}
    needed: set[Waiver] = set()
    rules: set[str] = set()
    for host in hosts:
        rules.update(result.rule for result in host.results)
        for waiver in host.waivers:
            holders.setdefault(waiver, []).append(host.name)
        needed.update(host.needed())
    remarks = []
    for waiver, names in holders.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        who = ", ".join(names[:_NAMED]) + more
        about = f"{who}: waiver {waiver.name} of {waiver.rule} (owner {waiver.owner})"
        meant = [] if waiver.rule in rules else get_close_matches(waiver.rule, rules, 1, _TYPO)
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

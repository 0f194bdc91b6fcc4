"""The sysctls that the rules of a run judged good: what has to survive the next boot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nethygiene.engine.finder import OtherVerdict
from nethygiene.engine.outcomes import Observation, Outcome
from nethygiene.subjects.kernel.sysctl import ROOT

# The kernel's release, which tells whether a setting has to be there.
_BESIDE = frozenset({"uname -s -r"})
# These are no settings, though they lie beside them.
_COUNTS = frozenset({"fs/file-nr", "fs/inode-nr"})
_SWAP = str.maketrans("./", "/.")


@dataclass(frozen=True, slots=True)
class JudgedSysctl:
    """A sysctl that rules of this run judged good.

    Attributes:
        name: as sysctl(8) writes it; the item's name in results.
        path: below /proc/sys.
        value: what it is now, blanks between numbers single.
        rules: the ids of those rules.
        default: what every kernel sets by itself; None where these rules do not say.
    """

    name: str
    path: str
    value: str
    rules: tuple[str, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True)
class JudgedSysctls:
    """What the other rules of a run say of a host's sysctls.

    Attributes:
        sysctls: those that were judged good, by name.
        unknown: some of these rules came to no verdict.
    """

    sysctls: tuple[JudgedSysctl, ...]
    unknown: bool


def judged_sysctls(judgements: Iterable[OtherVerdict]) -> JudgedSysctls:
    """Take from passed judgements the sysctls that an expectation rested on."""
    values: dict[str, Observation] = {}
    rules: dict[str, list[str]] = defaultdict(list)
    defaults: dict[str, str] = {}
    unknown = False
    for one in judgements:
        defaults.update(one.defaults)
        unknown = unknown or one.outcome is Outcome.UNKNOWN
        if one.outcome is Outcome.PASSED:
            for seen in _settings(one.observations):
                path = seen.what.translate(_SWAP)
                if seen.actual != "absent" and path not in _COUNTS:
                    values[path] = seen
                    if one.rule not in rules[path]:
                        rules[path].append(one.rule)
    found = (
        JudgedSysctl(
            seen.what,
            path,
            " ".join(seen.actual.split()),
            tuple(sorted(rules[path])),
            defaults.get(seen.what),
        )
        for path, seen in values.items()
    )
    return JudgedSysctls(tuple(sorted(found, key=lambda one: one.name)), unknown)


def _settings(observations: Iterable[Observation]) -> Iterator[Observation]:
    """The sysctls below each expectation that rests on sysctls alone.

    A rate beside which a setting was read says nothing of the setting.
    """
    group: list[Observation] = []
    for seen in observations:
        group.append(seen)
        if seen.expected is None:
            continue
        sources = seen.source.split("; ")
        if all(source.startswith(ROOT) or source in _BESIDE for source in sources):
            yield from (one for one in group if _path(one) is not None)
        group.clear()


def _path(seen: Observation) -> str | None:
    """The path below /proc/sys, if what was seen is the value of one sysctl."""
    path = seen.what.translate(_SWAP)
    return path if ROOT + path in seen.source.split("; ") else None

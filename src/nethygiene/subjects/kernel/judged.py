"""The sysctls that the rules of a run judged good: what has to survive the next boot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nethygiene.engine.finder import OtherVerdict
from nethygiene.engine.outcomes import Observation, Outcome
from nethygiene.subjects.kernel.sysctl import ROOT

# The kernel's release decides whether a setting has to exist.
_BESIDE = frozenset({"uname -s -r"})
# These files lie beside settings, and hold none.
_COUNTS = frozenset({"fs/file-nr", "fs/inode-nr"})
_SWAP = str.maketrans("./", "/.")


@dataclass(frozen=True, slots=True)
class JudgedSysctl:
    """A sysctl that rules of this run judged good.

    Attributes:
        name: as sysctl(8) writes it; the item's name in results.
        path: its path below /proc/sys.
        value: its value now, with single blanks between numbers.
        rules: the ids of those rules.
        default: the default of every kernel; None if these rules do not say.
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
        sysctls: the sysctls that were judged good, by name.
        unknown: some of these rules are unknown.
    """

    sysctls: tuple[JudgedSysctl, ...]
    unknown: bool


def judged_sysctls(judgements: Iterable[OtherVerdict]) -> JudgedSysctls:
    """Take from passed judgements the sysctls that an expectation rested on."""
    values: dict[str, Observation] = {}
    rules: dict[str, list[str]] = defaultdict(list)
    defaults: dict[str, str] = {}
    unknown = False
    for judgement in judgements:
        defaults.update(judgement.defaults)
        unknown = unknown or judgement.outcome is Outcome.UNKNOWN
        if judgement.outcome is Outcome.PASSED:
            for seen in _settings(judgement.observations):
                path = seen.what.translate(_SWAP)
                if seen.actual != "absent" and path not in _COUNTS:
                    values[path] = seen
                    if judgement.rule not in rules[path]:
                        rules[path].append(judgement.rule)
    sysctls = (
        JudgedSysctl(
            seen.what,
            path,
            " ".join(seen.actual.split()),
            tuple(sorted(rules[path])),
            defaults.get(seen.what),
        )
        for path, seen in values.items()
    )
    return JudgedSysctls(tuple(sorted(sysctls, key=lambda sysctl: sysctl.name)), unknown)


def _settings(observations: Iterable[Observation]) -> Iterator[Observation]:
    """The sysctls below each expectation that rests on sysctls alone.

    An expectation of a rate beside which a rule read a setting says nothing about the setting.
    """
    group: list[Observation] = []
    for seen in observations:
        group.append(seen)
        if seen.expected is None:
            continue
        sources = seen.source.split("; ")
        if all(source.startswith(ROOT) or source in _BESIDE for source in sources):
            yield from (setting for setting in group if _path(setting) is not None)
        group.clear()


def _path(seen: Observation) -> str | None:
    """The path below /proc/sys, if the observation is the value of one sysctl."""
    path = seen.what.translate(_SWAP)
    return path if ROOT + path in seen.source.split("; ") else None

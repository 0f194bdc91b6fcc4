"""Recorded cases whose hosts sysctls alone make: the lab makes hosts of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from tests.cases.case import Case, case_paths, load_case, rules


@dataclass(frozen=True, slots=True)
class Pair:
    """What makes a rule pass and what makes it fail, under one policy.

    Attributes:
        well: the sysctls of the case that passes, by name.
        broken: those of the case that fails.
        case: the case that fails.
    """

    well: Mapping[str, str]
    broken: Mapping[str, str]
    case: Case


def pairs(rule: str) -> Iterator[Pair]:
    """The pairs of a rule's recorded cases, none where its hosts need more than sysctls."""
    cases = [load_case(path) for path in case_paths() if path.parent.name == rule]
    for broken in (case for case in cases if case.outcome == "failed"):
        for well in (case for case in cases if case.outcome == "passed"):
            before, after = _settings(well), _settings(broken)
            if before is not None and after and well.file.policy == broken.file.policy:
                yield Pair(before, after, broken)


@cache
def better_than_the_kernels() -> Mapping[str, str]:
    """What every host has to have set for all rules to pass: those that fail by a default."""
    found: dict[str, str] = {}
    for name, rule in rules().items():
        for pair in pairs(name) if rule.defaults else ():
            fails_by_default = pair.broken.items() <= rule.defaults.items()
            if fails_by_default and not pair.case.file.policy:
                found |= pair.well
                break
    return found


def _settings(case: Case) -> dict[str, str] | None:
    """What the case's script sets, if it does nothing else."""
    settings: dict[str, str] = {}
    for line in (case.file.setup or "").splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "sysctl":
            settings |= dict(word.split("=", 1) for word in words[1:] if "=" in word)
        elif words:
            return None
    return settings

"""Every case of the lab: those of the modules beside this one, and those that recorded cases make.

A module is found by being there. A rule on sysctls needs none: its recorded cases, one of which
passes and one of which fails, say how its host is made well and how it is broken.
"""

from __future__ import annotations

import importlib
import pkgutil
import shlex
from collections.abc import Iterator, Sequence
from functools import cache

from tests import lab
from tests.cases.case import Case, case_paths, load_case, rules
from tests.lab.cases.case import LabCase, WritesSysctls, nothing

_NO_CASES = {"case", "every"}
# Judged by a gateway of its own, in tests/lab/test_kernel_redirects.py.
_ELSEWHERE = {"icmp-redirects-not-ignored"}
# Its last act waits until the connections of all cases are settled.
_LAST = "keepalive"


@cache
def all_cases() -> Sequence[LabCase]:
    """All of them; what has to come last is last."""
    path = [f"{folder}/cases" for folder in lab.__path__]
    names = {module.name for module in pkgutil.iter_modules(path)} - _NO_CASES
    modules = [
        importlib.import_module(f"tests.lab.cases.{name}")
        for name in sorted(names, key=lambda name: (name == _LAST, name))
    ]
    written = [case for module in modules for case in module.CASES]
    missing = rules().keys() - _ELSEWHERE - {case.rule for case in written}
    return [*(case for rule in sorted(missing) for case in recorded_cases(rule)), *written]


def recorded_cases(rule: str) -> Iterator[LabCase]:
    """A rule's host by its recorded cases, if sysctls alone make it: well by one, broken by one.

    The case is called by its rule.
    """
    cases = [load_case(path) for path in case_paths() if path.parent.name == rule]
    passed = [case for case in cases if case.outcome == "passed" and _sysctls(case) is not None]
    for broken in cases:
        settings = _sysctls(broken)
        if broken.outcome != "failed" or not settings:
            continue
        for well in passed:
            if well.file.policy == broken.file.policy:
                (expected,) = broken.file.expect
                before = _sysctls(well)
                yield LabCase(
                    name=rule,
                    rule=rule,
                    policy=dict(broken.file.policy),
                    prepares=WritesSysctls(before) if before else nothing,
                    breaks=WritesSysctls(settings),
                    says=next(iter(expected.contains), ""),
                )
                return


def _sysctls(case: Case) -> dict[str, str] | None:
    """What the case's script sets, if it does nothing else."""
    settings: dict[str, str] = {}
    for line in (case.file.setup or "").splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "sysctl":
            assigned = [word for word in words[1:] if not word.startswith("-")]
            settings |= dict(word.split("=", 1) for word in assigned if "=" in word)
        elif words:
            return None
    return settings

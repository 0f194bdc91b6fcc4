"""Every case of the lab: those of the modules beside this one, and those that recorded cases make.

A module is found by being there. A rule on sysctls needs none: its recorded cases, one of which
passes and one of which fails, say how its host is made well and how it is broken.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

from tests import lab
from tests.cases.case import rules
from tests.cases.of_sysctls import pairs
from tests.lab.cases.case import LabCase, WritesSysctls

_NO_CASES = {"case", "every"}
# Judged by a gateway of its own, in tests/lab/test_kernel_redirects.py.
# Rules on several hosts: tests/lab/failover, tests/lab/test_upstreams.py.
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
    of_hosts = {name for name, rule in rules().items() if rule.scope == "host"}
    missing = of_hosts - _ELSEWHERE - {case.rule for case in written}
    return [*(case for rule in sorted(missing) for case in recorded_cases(rule)), *written]


def recorded_cases(rule: str) -> Iterator[LabCase]:
    """A rule's host by its recorded cases, if sysctls alone make it: well by one, broken by one.

    The case is called by its rule.
    """
    for pair in islice(pairs(rule), 1):
        (expected,) = pair.case.file.expect
        yield LabCase(
            name=rule,
            rule=rule,
            policy=dict(pair.case.file.policy),
            prepares=WritesSysctls(pair.well),
            breaks=WritesSysctls(pair.broken),
            says=next(iter(expected.contains), ""),
        )

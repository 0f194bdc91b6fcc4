"""The shipped rule that is judged for every host."""

from __future__ import annotations

import sys
from functools import cache

from nethygiene.engine.exit_status import REACHABILITY
from nethygiene.engine.rule import Rule, rule_of
from nethygiene.shipped import load_checks, shipped_folder


@cache
def reachability_rule() -> Rule:
    """The rule host-reachable, which is judged for every host of any selection."""
    path = shipped_folder() / "checks" / "test_reachability.py"
    # An installed copy's module has it already; then a run has one rule of that name, not two.
    module = sys.modules.get("nethygiene.checks.test_reachability") or load_checks(path)
    for value in vars(module).values():
        declared = rule_of(value)
        if declared is not None and declared.id == REACHABILITY:
            return declared
    raise ImportError(f"{path} declares no {REACHABILITY}: reinstall nethygiene")

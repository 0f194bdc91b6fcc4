"""The shipped rule that is judged for every host."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache

from nethygiene.engine.exit_status import REACHABILITY
from nethygiene.engine.rule import Rule, rule_of
from nethygiene.shipped import shipped_folder


@cache
def reachability_rule() -> Rule:
    """The rule host-reachable, which is judged for every host of any selection."""
    path = shipped_folder() / "checks" / "test_reachability.py"
    name = "nethygiene.checks.test_reachability"
    module = sys.modules.get(name)
    if module is None:
        spec = importlib.util.spec_from_file_location(f"{name} (by nethygiene)", path)
        if spec is None or spec.loader is None:  # pragma: no cover - a broken installation
            raise ImportError(f"{path} is not there: reinstall nethygiene")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    for value in vars(module).values():
        declared = rule_of(value)
        if declared is not None and declared.id == REACHABILITY:
            return declared
    raise ImportError(f"{path} declares no {REACHABILITY}: reinstall nethygiene")

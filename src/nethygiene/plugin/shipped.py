"""Where the shipped rules and inventories are: beside each other in a clone and in the wheel."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import nethygiene
from nethygiene.rules.definition import Rule, rule_of
from nethygiene.verdict import REACHABILITY


@cache
def shipped_folder() -> Path:
    """The folder that holds checks/ and inventories/."""
    package = Path(nethygiene.__file__).resolve().parent
    # An installed wheel carries them inside the package; a clone (src/nethygiene) at its top.
    return package if (package / "checks").is_dir() else package.parents[1]


def default_inventory() -> Path:
    """The inventory of this machine."""
    return shipped_folder() / "inventories" / "local.yaml"


def names_shipped_checks(argument: str, directory: Path) -> bool:
    """Whether an argument of pytest's asks for the shipped rules."""
    if argument.split("::", maxsplit=1)[0].startswith("nethygiene.checks"):
        return True
    path = (directory / argument.split("::", maxsplit=1)[0]).resolve()
    return path.is_relative_to(shipped_folder() / "checks")


@cache
def reachability_rule() -> Rule:
    """host-reachable: judged for every host, whatever is selected."""
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

"""The folder of the shipped rules and inventories, in a clone and in the wheel."""

from __future__ import annotations

from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import nethygiene


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


def load_checks(path: Path) -> ModuleType:
    """Import a shipped module of rules from its file.

    The module stays out of sys.modules: pytest may hold the same file there by another name.

    Raises:
        OSError: the file cannot be read.
    """
    module = ModuleType(f"nethygiene.checks.{path.stem}")
    module.__file__ = str(path)
    SourceFileLoader(module.__name__, str(path)).exec_module(module)
    return module

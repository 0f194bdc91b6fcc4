"""A folder to write inventories into, and to load them from."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from nethygiene.errors import InventoryError, Problem
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.model import Inventory


class Folder:
    """A folder with one inventory, and what stands beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def program(self, name: str, text: str) -> Path:
        file = self.write(name, text)
        file.chmod(0o755)
        return file

    def load(self, text: str, *, name: str = "hosts.yaml", limit: str | None = None) -> Inventory:
        return load_inventory(self.write(name, text), limit=limit)

    def problems(
        self, text: str | None = None, *, name: str = "hosts.yaml", limit: str | None = None
    ) -> list[Problem]:
        path = self.path / name if text is None else self.write(name, text)
        with pytest.raises(InventoryError) as caught:
            load_inventory(path, limit=limit)
        return caught.value.problems

    def problem(self, text: str | None = None, *, name: str = "hosts.yaml") -> Problem:
        (problem,) = self.problems(text, name=name)
        return problem

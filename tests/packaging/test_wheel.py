"""What is in the wheel."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

from tests.packaging.installing import ROOT


def test_it_holds_one_package_and_nothing_beside_it(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"nethygiene", f"{wheel.name.split('-py3')[0]}.dist-info"}
    assert not [name for name in names if "tests/" in name or "__pycache__" in name]


def test_it_holds_every_module_rule_inventory_and_schema(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    package = ROOT / "src" / "nethygiene"
    modules = {f"nethygiene/{path.relative_to(package)}" for path in package.rglob("*.py")}
    rules = {f"nethygiene/checks/{path.name}" for path in (ROOT / "checks").glob("*.py")}
    assert len(rules) > 1
    assert modules | rules <= names
    shell = {path for end in ("sh", "awk") for path in package.rglob(f"*.{end}")}
    assert len(shell) > 10
    assert {f"nethygiene/{path.relative_to(package)}" for path in shell} <= names
    source = package / "report" / "html"
    page = {path for end in ("css", "html", "js") for path in source.rglob(f"*.{end}")}
    assert len(page) > 5
    assert {f"nethygiene/report/html/{path.relative_to(source)}" for path in page} <= names
    assert {
        "nethygiene/py.typed",
        "nethygiene/inventories/local.yaml",
        "nethygiene/inventories/example.yaml",
        "nethygiene/inventories/inventory.schema.json",
        "nethygiene/schemas/results.schema.json",
    } <= names


def test_its_metadata(wheel: Path) -> None:
    archive = ZipFile(wheel)
    (folder,) = {n.split("/")[0] for n in archive.namelist() if ".dist-info/" in n}
    metadata = message_from_bytes(archive.read(f"{folder}/METADATA"))
    assert metadata["Name"] == "nethygiene"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert archive.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    points = archive.read(f"{folder}/entry_points.txt").decode().split()
    assert points == [
        *("[console_scripts]", "nethygiene", "=", "nethygiene.commands.table:main"),
        *("[pytest11]", "nethygiene.plugin", "=", "nethygiene.plugin"),
    ]

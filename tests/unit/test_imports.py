"""Imports run one way: the table of who may import whom."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene import rules

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "nethygiene"

# Each room (a package, or a module beside them) to the rooms that it may import besides itself.
# `name.module` allows that one module of a room.
ALLOWED: dict[str, set[str]] = {
    # Values that all rooms share.
    "errors": set(),
    "known_hosts": set(),
    "masking": set(),
    "markup": set(),
    "own_command": set(),
    "shipped": {"__init__"},
    # What came back from a host.
    "transcript": set(),
    # From the inventory to the answers of hosts.
    "inventory": {"errors", "masking"},
    "transport": {"errors", "known_hosts", "own_command", "inventory.target", "transcript"},
    "collect": {"errors", "masking", "own_command", "transcript", "inventory.target", "transport"},
    # From a plan to a run. It knows no pytest, and no subject by name.
    "engine": {
        *("__init__", "errors", "markup", "masking", "own_command", "shipped", "transcript"),
        *("inventory", "transport", "collect"),
    },
    # What is judged: probes, facts and logic, one shelf a subject.
    "subjects": {
        *("engine", "markup", "known_hosts", "own_command", "transcript"),
        *("collect.command", "collect.shell_file", "inventory.forward", "inventory.policy"),
        *("inventory.group_policy", "inventory.naming", "inventory.places"),
    },
    # What a module of rules needs, users' own among them.
    "rules": {"engine", "inventory.group_policy", "inventory.model", "inventory.policy"},
    "checks": {"rules", "engine", "subjects"},
    "redaction": {
        *("__init__", "errors", "known_hosts", "transcript", "inventory.policy"),
        *("inventory.group_policy", "inventory.places", "inventory.sources"),
        *("collect", "engine", "subjects"),
    },
    # From the run to what people read.
    "report": {"markup", "engine.outcomes", "engine.results", "engine.exit_status"},
    "audit_options": {"report"},
    # Those that bring it all together: pytest, the command line, the generated documents.
    "plugin": {
        *("audit_options", "shipped", "__init__", "errors", "masking", "inventory", "transport"),
        *("transcript", "own_command", "collect", "engine", "redaction", "report"),
    },
    "commands": {
        *("__init__", "errors", "inventory", "audit_options", "shipped"),
        *("forced_command", "sudoers", "redaction", "collect.evidence"),
    },
    "docgen": {
        "inventory",
        "shipped",
        "markup",
        "collect.command",
        "engine",
        "subjects",
        "sudoers",
    },
    # Beside the flow.
    "__init__": set(),
    "__main__": {"commands"},
    "forced_command": {
        "__init__",
        "collect",
        "own_command",
        "inventory.policy",
        "engine.catalogue",
    },
    "sudoers": {"collect.command", "own_command", "inventory.policy", "engine.catalogue"},
    "schemas": set(),
    "inventories": set(),
}

# Who may import which library; none that is not named here.
LIBRARIES: dict[str, set[str]] = {
    "pytest": {"plugin", "commands"},
    "_pytest": {"plugin"},
    "jinja2": {"report"},
    "rich": {"plugin"},
    "testinfra": {"plugin", "transport"},
    "paramiko": {"transport"},
    "cryptography": {"transport"},
    "yaml": {"inventory"},
    "pydantic": {"collect", "engine", "inventory", "plugin", "report"},
    "pydantic_core": {"inventory"},
}


def source_files() -> list[Path]:
    folders = (SOURCE, ROOT / "checks", ROOT / "inventories")
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def room_of(path: Path) -> str:
    inside = path.relative_to(SOURCE if path.is_relative_to(SOURCE) else ROOT)
    return inside.parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """What a file imports, inside functions and under TYPE_CHECKING too, as module.name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import; write it in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_allowed(room: str, imported: str) -> bool:
    top, *inner = imported.split(".")
    if top in sys.stdlib_module_names:
        return True
    if top != "nethygiene":
        return room in LIBRARIES.get(top, set())
    # `from nethygiene import __version__` is of the package's own __init__.
    target = inner if inner and inner[0] in ALLOWED else ["__init__"]
    return target[0] == room or bool({target[0], ".".join(target[:2])} & ALLOWED[room])


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_are_in_the_table(path: Path) -> None:
    room = room_of(path)
    assert room in ALLOWED, f"{path}: say in ALLOWED what {room} may import"
    strange = [imported for imported in imports_of(path) if not is_allowed(room, imported)]
    assert not strange, f"{path.relative_to(ROOT)}: {room} may not import {', '.join(strange)}"


def test_the_table_has_no_way_back() -> None:
    above: dict[str, set[str]] = {}

    def reach(room: str, on_the_way: tuple[str, ...] = ()) -> set[str]:
        assert room not in on_the_way, f"{' -> '.join((*on_the_way, room))}: imports in a circle"
        if room not in above:
            direct = {name.split(".")[0] for name in ALLOWED[room]}
            above[room] = direct.union(*(reach(one, (*on_the_way, room)) for one in direct))
        return above[room]

    for room in ALLOWED:
        reach(room)
    # What the architecture promises, whatever the table may become.
    assert not {"transport", "rules", "plugin", "report", "redaction"} & ALLOWED["subjects"]
    assert "inventory" not in ALLOWED["subjects"], "the policy alone is theirs"
    assert not {"engine", "subjects", "rules", "plugin"} & (above["inventory"] | above["transport"])
    assert not {"engine", "subjects", "rules", "plugin"} & above["collect"]
    assert not {"subjects", "rules", "plugin", "report", "redaction"} & above["engine"]
    # Reports see results, never facts, hosts or pytest.
    assert {one for one in ALLOWED["report"] if one.startswith("engine")} == {
        *("engine.outcomes", "engine.results", "engine.exit_status"),
    }
    # The command line starts pytest, and knows no more of it.
    assert LIBRARIES["pytest"] == {"plugin", "commands"}
    assert "plugin" not in above["commands"]


@pytest.mark.parametrize(
    ("room", "imported"),
    [
        ("subjects", "nethygiene.transport.open_connection"),
        ("engine", "nethygiene.subjects.kernel.sysctl.Sysctls"),
        ("checks", "nethygiene.transcript.Section"),
        ("checks", "pytest"),
        ("report", "pytest"),
        ("report", "nethygiene.engine.fact.Fact"),
        ("transport", "nethygiene.inventory.policy.Policy"),
        ("rules", "nethygiene.subjects.kernel.sysctl.Sysctls"),
        ("engine", "pytest"),
        ("subjects", "requests"),
    ],
)
def test_a_wrong_import_is_seen(room: str, imported: str) -> None:
    assert not is_allowed(room, imported)


def test_what_rules_offer_is_there() -> None:
    """`from nethygiene.rules import *` stands in users' own rules; ruff passes over `__init__`."""
    assert [name for name in rules.__all__ if not hasattr(rules, name)] == []


def test_every_package_is_named_in_pyproject() -> None:
    """Else the wheel lacks it, and an installation of the clone does not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {
        ".".join(path.parent.relative_to(ROOT / "src").parts)
        for path in SOURCE.rglob("__init__.py")
    }
    named = project["tool"]["setuptools"]["packages"]
    assert set(named) == found | {"nethygiene.checks", "nethygiene.inventories"}

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
    "outcomes": set(),
    "transcript": set(),
    "known_hosts": set(),
    "masking": set(),
    "markup": set(),
    "own_command": set(),
    # From the inventory to the transcript.
    "inventory": {"errors", "masking"},
    "transport": {"errors", "known_hosts", "transcript", "inventory.target"},
    "collect": {"errors", "masking", "transcript", "inventory.target", "probes", "transport"},
    "evidence": {"errors", "transcript"},
    "redaction": {
        "errors",
        "evidence",
        "transcript",
        "known_hosts",
        "inventory.policy",
        "probes",
        "tunnels",
    },
    # From the transcript to the verdict.
    "facts": {"outcomes", "transcript", "firewall", "links"},
    # What ip(8) lists; pure.
    "links": set(),
    "firewall": {"links"},
    # What ssh says and does: its options, its keys, its messages; pure.
    "tunnels": {"known_hosts", "inventory.forward", "inventory.policy"},
    "probes": {
        "outcomes",
        "transcript",
        "facts",
        "known_hosts",
        "firewall",
        "links",
        "inventory.policy",
        "tunnels",
    },
    "rules": {
        "inventory.model",
        "outcomes",
        "markup",
        "transcript",
        "facts",
        "firewall",
        "links",
        "probes",
        "inventory.forward",
        "inventory.policy",
        "known_hosts",
        "tunnels",
    },
    "checks": {"rules"},
    # From the verdict to what people read.
    "results": {"outcomes"},
    "verdict": {"outcomes", "results"},
    "waivers": {"outcomes", "results", "inventory.policy"},
    "report": {"outcomes", "markup", "results", "verdict"},
    # From a plan to a run; it knows no pytest.
    "engine": {
        *("__init__", "errors", "masking", "outcomes", "transcript", "evidence", "redaction"),
        *("inventory", "transport", "collect", "facts", "probes", "rules", "shipped"),
        *("results", "verdict", "waivers"),
    },
    "audit_options": {"report"},
    # The two that bring it all together.
    "plugin": {
        *("audit_options", "own_command", "shipped"),
        *("__init__", "errors", "outcomes", "transcript", "results", "verdict", "masking"),
        *("inventory", "transport", "collect", "facts", "probes", "rules", "engine", "report"),
    },
    "docs": {
        "inventory",
        "shipped",
        "probes",
        "markup",
        "results",
        "rules",
        "sudoers",
    },
    # Beside the flow.
    "__init__": set(),
    "shipped": {"__init__"},
    "__main__": {"commands"},
    "commands": {
        "__init__",
        "errors",
        "evidence",
        "forced_command",
        "inventory",
        "audit_options",
        "redaction",
        "shipped",
        "sudoers",
    },
    "forced_command": {"__init__", "collect", "inventory.policy", "probes"},
    "sudoers": {"probes", "inventory.policy"},
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
    "pydantic": {"evidence", "inventory", "outcomes", "plugin", "results"},
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
    # What issue and architecture promise, whatever the table may become.
    # Probes ask for what the policy declares; the rest of the inventory is not theirs.
    assert not {"transport", "collect", "rules", "plugin", "report"} & above["probes"]
    assert "inventory" not in ALLOWED["probes"]
    assert not {"probes", "rules"} & above["inventory"]
    assert (
        not {"probes", "rules", "plugin", "report"} & above["facts"] | {"plugin"} & above["rules"]
    )
    assert not {"probes", "rules", "plugin"} & above["transport"]
    assert not {"facts", "probes", "rules", "transport", "plugin"} & above["report"]
    assert not {"plugin"} & (above["evidence"] | above["results"] | above["collect"])
    # The command line starts pytest, and knows no more of it.
    assert LIBRARIES["pytest"] == {"plugin", "commands"}
    assert "plugin" not in above["commands"]
    assert not {"plugin", "report"} & above["engine"]


@pytest.mark.parametrize(
    ("room", "imported"),
    [
        ("probes", "nethygiene.transport.open_connection"),
        ("checks", "nethygiene.probes.sysctl.Sysctls"),
        ("checks", "pytest"),
        ("report", "pytest"),
        ("report", "nethygiene.facts.fact.Fact"),
        ("transport", "nethygiene.inventory.policy.Policy"),
        ("rules", "nethygiene"),
        ("engine", "pytest"),
        ("facts", "requests"),
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

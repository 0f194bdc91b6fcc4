"""Finds the form of an inventory (YAML layout, exported JSON, a program), and reads its graph."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from nethygiene.inventory.executable import ProgramError, run_inventory_program
from nethygiene.inventory.export import is_export, read_export
from nethygiene.inventory.files import Files
from nethygiene.inventory.groups import Graph
from nethygiene.inventory.json_reader import read_json
from nethygiene.inventory.layout import export_command, read_layout
from nethygiene.inventory.located import (
    Mapping,
    Node,
    Place,
    ProblemLog,
    Sequence,
    is_null,
    kind_of,
)
from nethygiene.inventory.yaml_reader import read_yaml

_DATA_SUFFIXES = {".yaml", ".yml", ".json"}
_INI_SUFFIXES = {".ini", ".cfg", ".toml"}


def read_graph(path: Path, files: Files) -> tuple[Graph, list[str]] | None:
    """Read an inventory into its graph, with warnings.

    Returns:
        None if there is no graph; the files' problems say why.
    """
    problems = files.problems
    program = _is_program(path)
    text = _run(path, files) if program else files.read_text(path)
    if text is None:
        return None
    file = str(path)
    root, is_json = _parse(text, path, files, program=program)
    if root is None:
        if not problems:
            problems.add(
                Place(file, None),
                "",
                "the program printed nothing" if program else "the inventory is empty",
                "begin with `all:` and `hosts:` below it; inventories/local.yaml is an example",
            )
        return None
    graph = Graph()
    warnings: list[str] = []
    if program or is_export(root, is_json=is_json):
        warnings = read_export(root, graph, problems, program=program)
    else:
        read_layout(root, graph, problems)
    return (graph, warnings) if graph.finish(root.place, problems) else None


def _is_program(path: Path) -> bool:
    """An executable file, unless its name says data: some file systems mark every file."""
    return (
        path.suffix not in _DATA_SUFFIXES | _INI_SUFFIXES
        and path.is_file()
        and os.access(path, os.X_OK)
    )


def _run(path: Path, files: Files) -> str | None:
    try:
        output = run_inventory_program(path)
    except ProgramError as error:
        files.problems.add(Place(str(path), None), "", str(error), error.cure)
        return None
    files.note(path, output)
    return files.decode(output, str(path), has_lines=False)


def _parse(text: str, path: Path, files: Files, *, program: bool) -> tuple[Mapping | None, bool]:
    """The top-level mapping, and whether it is JSON; None if it is empty, or after an error."""
    file = str(path)
    log = ProblemLog()
    node: Node | None = None
    if program or path.suffix == ".json":
        node = read_json(text, file, log, lines=not program)
    elif text.lstrip().startswith("{"):
        node = read_json(text, file, log)
        if node is None:
            # It is not JSON, but may be YAML's flow style.
            log = ProblemLog()
    is_json = node is not None
    if node is None and not log and not program:
        node = read_yaml(text, file, log)
    if isinstance(node, Mapping):
        files.problems.extend(log)
        return node, is_json
    _report_no_inventory(node, text, path, log, files.problems)
    return None, is_json


def _report_no_inventory(
    node: Node | None, text: str, path: Path, log: ProblemLog, problems: ProblemLog
) -> None:
    """Report why a text is no inventory: another format, or the errors of its parser."""
    file = str(path)
    if text.startswith("$ANSIBLE_VAULT"):
        what = "the inventory is encrypted with Ansible Vault"
    elif text.startswith("#!") and path.suffix not in _DATA_SUFFIXES:
        fix = f"make it executable: `chmod +x {shlex.quote(file)}`"
        problems.add(Place(file, 1), "", "this looks like a program, but is not executable", fix)
        return
    elif path.suffix in _INI_SUFFIXES or _looks_like_ini(text):
        what = "this looks like an INI inventory, not YAML"
    else:
        problems.extend(log)
        if node is not None and not is_null(node):
            _report_no_mapping(node, problems)
        return
    problems.add(Place(file, 1), "", what, f"export it: `{export_command(file)}`")


def _looks_like_ini(text: str) -> bool:
    """Whether a text that is no YAML mapping has INI's sections or ``host key=value`` lines."""
    lines = [line.strip() for line in text.splitlines()[:200]]
    lines = [line for line in lines if line and line[0] not in "#;"]
    sections = any(re.fullmatch(r"\[[\w.:-]+\]", line) for line in lines)
    return sections or any(re.match(r"[\w.\[\]:-]+\s+\w+=", line) for line in lines)


def _report_no_mapping(node: Node, problems: ProblemLog) -> None:
    fix = "the top level holds groups: begin with `all:`"
    if isinstance(node, Sequence) and any(
        isinstance(play, Mapping) and "hosts" in play.items for play in node.items
    ):
        fix = "this looks like a playbook: give the inventory that it runs on"
    problems.add(node.place, "", f"an inventory has to be a mapping, not {kind_of(node)}", fix)

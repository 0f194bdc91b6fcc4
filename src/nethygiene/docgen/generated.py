"""All generated files: made, written, and compared with those on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nethygiene.docgen.catalogue import check_modules
from nethygiene.docgen.probes_page import probes_page
from nethygiene.docgen.rule_pages import index_page, rule_page
from nethygiene.engine.results import results_json_schema
from nethygiene.inventory.schema import inventory_json_schema
from nethygiene.sudoers import sudoers_file

# A page in this folder that no rule makes belongs to a rule that is gone.
_RULE_PAGES = "docs/rules"


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file that the code makes.

    Attributes:
        path: relative to the clone.
        text: all of it.
    """

    path: str
    text: str


def generated_files(root: Path) -> tuple[GeneratedFile, ...]:
    """The files as they should be, for the clone at `root`.

    Raises:
        RuleDeclarationError: a rule is declared wrongly, or its docstring lacks a heading.
    """
    modules = check_modules(root)
    pages = [
        GeneratedFile(f"{_RULE_PAGES}/{rule.id}.md", rule_page(rule, module))
        for module in modules
        for rule in module.rules
    ]
    return (
        *pages,
        GeneratedFile(f"{_RULE_PAGES}/README.md", index_page(modules)),
        GeneratedFile("docs/probes.md", probes_page()),
        GeneratedFile("docs/sudoers.d/nethygiene", sudoers_file("audit")),
        GeneratedFile("inventories/inventory.schema.json", _json(inventory_json_schema())),
        GeneratedFile("src/nethygiene/schemas/results.schema.json", _json(results_json_schema())),
    )


def out_of_step(root: Path, files: Sequence[GeneratedFile]) -> Iterator[str]:
    """One line for each file that is not as it should be."""
    for file in files:
        path = root / file.path
        if not path.is_file():
            yield f"{file.path}: is missing"
        elif path.read_text(encoding="utf-8") != file.text:
            yield f"{file.path}: is out of step"
    for path in _orphans(root, files):
        yield f"{path.relative_to(root)}: is of a rule that is gone"


def write(root: Path, files: Sequence[GeneratedFile]) -> None:
    """Write what is out of step, and remove the pages of rules that are gone."""
    for file in files:
        path = root / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != file.text:
            path.write_text(file.text, encoding="utf-8")
    for path in _orphans(root, files):
        path.unlink()


def _orphans(root: Path, files: Sequence[GeneratedFile]) -> Iterator[Path]:
    made = {root / file.path for file in files}
    yield from (path for path in sorted((root / _RULE_PAGES).glob("*.md")) if path not in made)


def _json(schema: dict[str, object]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"

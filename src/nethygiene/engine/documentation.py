"""Reads a rule's docstring, which is its documentation."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

REQUIRED = ("Why", "Remedy", "References")
OPTIONAL = ("Kernels",)
_HEADING = re.compile(rf"^({'|'.join(REQUIRED + OPTIONAL)}):[ ]?(.*)$")


@dataclass(frozen=True, slots=True)
class Documentation:
    """The documentation of a rule.

    Attributes:
        title: its first line, without the full stop.
        description: the text between the title and the first heading.
        why: what goes wrong otherwise, and the incident behind it.
        remedy: what to do, with commands that persist.
        kernels: how the verdict differs by kernel; often empty.
        references: manuals, RFCs and sources.
    """

    title: str
    description: str
    why: str
    remedy: str
    kernels: str
    references: tuple[str, ...]


def parse_documentation(docstring: str | None, name: str) -> Documentation:
    """Read a rule's docstring: a title, then sections headed Why:, Remedy: and References:.

    Raises:
        ValueError: a heading is missing or empty; the message tells the author how to fix it.
    """
    lines = inspect.cleandoc(docstring or "").split("\n")
    title = lines[0].strip()
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in lines[1:]:
        heading = _HEADING.match(line)
        if heading:
            current = heading[1]
            sections[current] = [heading[2]]
        else:
            sections[current].append(line)
    bodies = {key: inspect.cleandoc("\n".join(body)).strip() for key, body in sections.items()}
    missing = [heading for heading in REQUIRED if not bodies.get(heading)]
    if not title or missing:
        lacks = ", ".join(f"'{heading}:'" for heading in missing) or "a first line with its title"
        raise ValueError(
            f"{name}: its docstring lacks {lacks}. A rule's docstring is its documentation: "
            "a title, then the headings 'Why:', 'Remedy:' and 'References:' with text below each"
        )
    references = tuple(
        line.removeprefix("- ").strip() for line in _joined(bodies["References"]).split("\n")
    )
    return Documentation(
        title=title.removesuffix("."),
        description=bodies[""],
        why=bodies["Why"],
        remedy=bodies["Remedy"],
        kernels=bodies.get("Kernels", ""),
        references=references,
    )


def _joined(text: str) -> str:
    """One line a reference: an indented line continues the one before it."""
    return re.sub(r"\n[ ]+", " ", text)

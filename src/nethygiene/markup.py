"""The markup of remedies: paragraphs, what is typed at a shell, and what is put into a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

# With two backticks what is put into a file, as Markdown has it for code that may hold one.
_LINE = re.compile(r"(``?)([^`]+)\1")
_SPAN = re.compile(r"`([^`]+)`")


class Form(Enum):
    """What a block is."""

    TEXT = auto()
    COMMANDS = auto()
    CONTENT = auto()


_MARKS = {Form.TEXT: "", Form.COMMANDS: "`", Form.CONTENT: "``"}


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, or lines to copy as a whole.

    Attributes:
        form: what it is.
        lines: one of a paragraph; else each command, or each line of the file.
    """

    form: Form
    lines: tuple[str, ...]


class Span(NamedTuple):
    """A part of a paragraph: plain words with the blanks at their ends, or code."""

    text: str
    is_code: bool


def spans(text: str) -> list[Span]:
    """The parts of a paragraph, on one line; code stands in backticks."""
    parts = _SPAN.split(" ".join(text.split()))
    return [Span(part, bool(index % 2)) for index, part in enumerate(parts) if part]


def blocks(text: str) -> list[Block]:
    """The blocks of a remedy.

    A line that is nothing but code in one backtick is a command, and in two a line for the file
    that the sentence before it names. Equals that follow each other are one block; a blank line
    ends one.
    """
    found: list[tuple[Form, list[str]]] = []
    begins = True
    for line in text.split("\n"):
        if not line.strip():
            begins = True
            continue
        code = _LINE.fullmatch(line.strip())
        form = Form.TEXT
        if code is not None:
            form = Form.COMMANDS if code[1] == "`" else Form.CONTENT
        if begins or found[-1][0] is not form:
            found.append((form, []))
        found[-1][1].append(line.strip() if code is None else code[2].strip())
        begins = False
    return [
        Block(form, (" ".join(lines),) if form is Form.TEXT else tuple(lines))
        for form, lines in found
    ]


def words(text: str) -> tuple[Block, ...]:
    """What a remedy says, without the lines to copy: equal for remedies that can be one."""
    return tuple(
        block if block.form is Form.TEXT else Block(block.form, ()) for block in blocks(text)
    )


def merged(remedies: Sequence[str]) -> str:
    """Remedies of equal :func:`words` as one: each block of lines holds those of all, once."""
    made = []
    for alike in zip(*map(blocks, remedies), strict=True):
        lines = _in_order([block.lines for block in alike])
        mark = _MARKS[alike[0].form]
        made.append("\n".join(f"{mark}{line}{mark}" for line in lines))
    return "\n\n".join(made)


def _in_order(sequences: Sequence[Sequence[str]]) -> list[str]:
    """The lines of several sequences, each once, after all that any of them has before it.

    A reload that ends each of them comes once, at the end of all. Sequences that contradict each
    other, or repeat a line, stay as they are, one after another.
    """
    before: dict[str, list[str]] = {}
    for one in sequences:
        for previous, line in zip(("", *one), one, strict=False):
            before.setdefault(line, []).extend([previous] * bool(previous))
    found: dict[str, None] = {}
    pending: set[str] = set()

    def place(line: str) -> bool:
        if line in found:
            return True
        if line in pending:
            return False
        pending.add(line)
        if not all(place(one) for one in before[line]):
            return False
        found[line] = None
        return True

    if all(len(set(one)) == len(one) for one in sequences) and all(place(one) for one in before):
        return list(found)
    return [line for one in sequences for line in one]


def joined(remedies: Iterable[str]) -> list[str]:
    """Distinct remedies in order, those of equal words as one."""
    alike: dict[tuple[Block, ...], list[str]] = {}
    for one in dict.fromkeys(remedies):
        alike.setdefault(words(one), []).append(one)
    return [many[0] if len(many) == 1 else merged(many) for many in alike.values()]

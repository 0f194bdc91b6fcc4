"""The markup of remedies: paragraphs, what is typed at a shell, and what is put into a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

# Two backticks mark a line for a file, as in Markdown for code that may hold a backtick.
_LINE = re.compile(r"(``?)([^`]+)\1")
_SPAN = re.compile(r"`([^`]+)`")


class Form(Enum):
    """The form of a block."""

    TEXT = auto()
    COMMANDS = auto()
    CONTENT = auto()


_MARKS = {Form.TEXT: "", Form.COMMANDS: "`", Form.CONTENT: "``"}


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, or lines to copy as a whole.

    Attributes:
        form: its form.
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

    A line that is nothing but code in one backtick is a command; in two backticks it is a line for
    the file that the sentence before it names. Adjacent lines of one form are one block; a blank
    line ends a block.
    """
    runs: list[tuple[Form, list[str]]] = []
    begins = True
    for line in text.split("\n"):
        if not line.strip():
            begins = True
            continue
        code = _LINE.fullmatch(line.strip())
        form = Form.TEXT
        if code is not None:
            form = Form.COMMANDS if code[1] == "`" else Form.CONTENT
        if begins or runs[-1][0] is not form:
            runs.append((form, []))
        runs[-1][1].append(line.strip() if code is None else code[2].strip())
        begins = False
    return [
        Block(form, (" ".join(lines),) if form is Form.TEXT else tuple(lines))
        for form, lines in runs
    ]


def words(text: str) -> tuple[Block, ...]:
    """A remedy without the lines to copy: remedies that can be merged are equal in this."""
    return tuple(
        block if block.form is Form.TEXT else Block(block.form, ()) for block in blocks(text)
    )


def merged(remedies: Sequence[str]) -> str:
    """Merge remedies of equal :func:`words`: each block holds the lines of all of them, once."""
    made = []
    for alike in zip(*map(blocks, remedies), strict=True):
        lines = _in_order([block.lines for block in alike])
        mark = _MARKS[alike[0].form]
        made.append("\n".join(f"{mark}{line}{mark}" for line in lines))
    return "\n\n".join(made)


def _in_order(sequences: Sequence[Sequence[str]]) -> list[str]:
    """The lines of several sequences, each once, after all that any of them has before it.

    A reload that ends each sequence comes once, at the end. Sequences that contradict each other,
    or repeat a line, stay as they are, one after another.
    """
    before: dict[str, list[str]] = {}
    for sequence in sequences:
        for previous, line in zip(("", *sequence), sequence, strict=False):
            before.setdefault(line, []).extend([previous] * bool(previous))
    placed: dict[str, None] = {}
    pending: set[str] = set()

    def place(line: str) -> bool:
        if line in placed:
            return True
        if line in pending:
            return False
        pending.add(line)
        if not all(place(previous) for previous in before[line]):
            return False
        placed[line] = None
        return True

    if all(len(set(each)) == len(each) for each in sequences) and all(map(place, before)):
        return list(placed)
    return [line for sequence in sequences for line in sequence]


def joined(remedies: Iterable[str]) -> list[str]:
    """Distinct remedies in order; those of equal :func:`words` are merged."""
    alike: dict[tuple[Block, ...], list[str]] = {}
    for remedy in dict.fromkeys(remedies):
        alike.setdefault(words(remedy), []).append(remedy)
    return [many[0] if len(many) == 1 else merged(many) for many in alike.values()]

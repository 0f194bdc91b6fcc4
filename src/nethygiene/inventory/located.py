"""Values that know where they were written, so that an error can name the line.

A reader (:mod:`.yaml_reader`, :mod:`.json_reader`) makes these nodes; a merge keeps them and notes
on each :class:`Item` which layer of variables it came from.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, TypeAlias, TypeVar

from nethygiene.errors import InventoryError, Problem
from nethygiene.masking import masked

_O = TypeVar("_O", str, str | None)

Atom: TypeAlias = str | int | float | bool | date | None
"""The value of a scalar; a date may be a datetime."""

Key: TypeAlias = Atom

Plain: TypeAlias = "Atom | list[Plain] | dict[Key, Plain]"
"""A node without its positions."""

_PATH = 200


class Place(NamedTuple):
    """A file as the user would name it, and a 1-based line (None: the source has no lines)."""

    file: str
    line: int | None


@dataclass(slots=True, eq=False)
class Scalar:
    """One plain value; `text` is its spelling, and Jinja never applies to a `literal` one."""

    place: Place
    value: Atom
    text: str
    literal: bool = False


@dataclass(slots=True, eq=False)
class Opaque:
    """A value that cannot be read here: `what` names it, as ``an Ansible Vault value``."""

    place: Place
    what: str


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Item:
    """One value of a mapping.

    Attributes:
        key_place: the place of its key.
        node: the value.
        origin: key path of the variables that it is from (``all.children.web.vars``). A merge sets
            it; None means the origin of the item around it.
    """

    key_place: Place
    node: Node
    origin: str | None = None

    def origin_or(self, around: _O) -> str | _O:
        """Its origin, or that of the item around it; a file of variables has the origin ""."""
        return around if self.origin is None else self.origin


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping, in the order of the file."""

    place: Place
    items: dict[Key, Item] = field(default_factory=dict)


Node: TypeAlias = Scalar | Opaque | Sequence | Mapping


def is_null(node: Node) -> bool:
    """Whether this is YAML's null: nothing, ``~`` or ``null``."""
    return isinstance(node, Scalar) and node.value is None


def kind_of(node: Node) -> str:
    """The kind of a node, in the words of an error message."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Opaque(what=what):
            return what
        case Scalar(value=value):
            return kind_of_atom(value)


def kind_of_atom(value: object) -> str:
    """The kind of a plain value, in the words of an error message."""
    if value is None:
        return "null"
    names: dict[type, str] = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "a string",
        list: "a list",
        tuple: "a list",
        dict: "a mapping",
    }
    return names.get(type(value), "a date")


def shown(value: object, limit: int = 60) -> str:
    """A value for an error message, on one line, cut, with control characters escaped."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, (dict, list)):
        return "this"
    # Strings are cut before repr, so that a value of megabytes costs nothing.
    text = repr(masked(value[: limit + 1]) if isinstance(value, str) else value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _legible(path: str) -> str:
    """A key path, cut: its keys may be of any length."""
    return path if len(path) <= _PATH else f"{path[: _PATH // 2]}…{path[-_PATH // 2 :]}"


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


@dataclass
class ProblemLog:
    """Collects problems, so that all of them are reported at once.

    An error that many hosts inherit from one line is one problem.
    """

    problems: dict[Problem, None] = field(default_factory=dict)

    def add(self, place: Place, path: str, message: str, fix: str) -> None:
        """Add a problem; control characters from a file are escaped."""
        texts = map(_printable, (_legible(path), message, fix))
        self.problems.setdefault(Problem(place.file, place.line, *texts))

    def extend(self, other: ProblemLog) -> None:
        """Add the problems of another log."""
        self.problems.update(other.problems)

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        """The problems, file by file in the order of reading, line by line."""
        files = {problem.file: None for problem in self.problems}
        order = {name: index for index, name in enumerate(files)}
        yield from sorted(
            self.problems, key=lambda problem: (order[problem.file], problem.line or 0)
        )

    def check(self) -> None:
        """Raise InventoryError if there are problems."""
        if self.problems:
            raise InventoryError(list(self))


def joined(*keys: object) -> str:
    """A key path for messages: ``all.hosts.web-1``, empty parts left out."""
    return ".".join(text for key in keys if (text := str(key)))


def closest(name: object, known: Iterable[str]) -> str | None:
    """The known name that `name` probably stands for, if any."""
    matches = difflib.get_close_matches(str(name)[:100], list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None

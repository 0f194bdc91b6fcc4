r"""JSON to located nodes.

YAML parsers refuse some JSON (surrogate pairs, ``\ud83d\ude00``), and the standard decoder keeps
neither lines nor duplicate keys: containers are walked here, single values left to the decoder.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right

from nethygiene.inventory.located import (
    Item,
    Mapping,
    Node,
    Opaque,
    Place,
    ProblemLog,
    Scalar,
    Sequence,
    joined,
    shown,
)
from nethygiene.inventory.yaml_reader import MAX_DEPTH

_SPACE = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


class _RefusedError(Exception):
    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


def read_json(text: str, file: str, problems: ProblemLog, *, lines: bool = True) -> Node | None:
    """Parse JSON, as ``ansible-inventory`` prints it.

    Args:
        text: the whole text.
        file: its name for messages.
        problems: receives what is wrong with the JSON itself.
        lines: whether places carry lines; an executable's output has none that a user could open.

    Returns:
        The root; None for empty text, or when the problems say why there is none.
    """
    if not text.strip():
        return None
    reader = _Reader(text, file, problems, lines=lines)
    try:
        return reader.document()
    except _RefusedError as error:
        problems.add(
            reader.place(error.position),
            "",
            f"not valid JSON: {error}",
            "mend it; `python3 -m json.tool FILE` names the place",
        )
    return None


class _Reader:
    def __init__(self, text: str, file: str, problems: ProblemLog, *, lines: bool) -> None:
        self._text = text
        self._file = file
        self._problems = problems
        self._starts = [match.end() for match in re.finditer("\n", text)] if lines else None
        self._path: list[str] = []

    def place(self, position: int) -> Place:
        if self._starts is None:
            return Place(self._file, None)
        return Place(self._file, bisect_right(self._starts, position) + 1)

    def document(self) -> Node:
        node, end = self._value(self._skip(0), 0)
        end = self._skip(end)
        if end != len(self._text):
            raise _RefusedError(end, f"{shown(self._text[end : end + 20])} after the end")
        return node

    def _skip(self, position: int) -> int:
        match = _SPACE.match(self._text, position)
        return match.end() if match else position

    def _value(self, position: int, depth: int) -> tuple[Node, int]:
        if depth > MAX_DEPTH:
            raise _RefusedError(position, f"nested deeper than {MAX_DEPTH} levels")
        start = self._text[position : position + 1]
        if start == "{":
            return self._object(position, depth)
        if start == "[":
            return self._array(position, depth)
        value, end = self._scalar(position)
        return Scalar(
            self.place(position), value, self._text[position : min(end, position + 80)]
        ), end

    def _scalar(self, position: int) -> tuple[str | int | float | bool | None, int]:
        try:
            value, end = _decoder.raw_decode(self._text, position)
        except json.JSONDecodeError as error:
            raise _RefusedError(error.pos, error.msg) from None
        except ValueError:
            # int() refuses more than 4,300 digits.
            raise _RefusedError(position, "a number with too many digits") from None
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise _RefusedError(position, "half of a surrogate pair in a string") from None
        return value, end

    def _key(self, position: int) -> tuple[str, int]:
        # Looked at before the decoder, which recurses into whatever else stands here.
        key, end = self._scalar(position) if self._text[position : position + 1] == '"' else (0, 0)
        if not isinstance(key, str):
            raise _RefusedError(position, "a key has to be a string in double quotes")
        return key, end

    def _array(self, position: int, depth: int) -> tuple[Sequence, int]:
        sequence = Sequence(self.place(position))
        position = self._skip(position + 1)
        if self._text[position : position + 1] == "]":
            return sequence, position + 1
        while True:
            self._path.append(str(len(sequence.items)))
            node, position = self._value(position, depth + 1)
            self._path.pop()
            sequence.items.append(node)
            position, done = self._separator(position, "]")
            if done:
                return sequence, position

    def _object(self, position: int, depth: int) -> tuple[Node, int]:
        mapping = Mapping(self.place(position))
        position = self._skip(position + 1)
        if self._text[position : position + 1] == "}":
            return mapping, position + 1
        while True:
            key_place = self.place(position)
            key, end = self._key(position)
            end = self._skip(end)
            if self._text[end : end + 1] != ":":
                raise _RefusedError(end, "a colon has to follow a key")
            self._path.append(key)
            node, position = self._value(self._skip(end + 1), depth + 1)
            if key in mapping.items:
                first = mapping.items[key].key_place.line
                self._problems.add(
                    key_place,
                    joined(*self._path),
                    f"duplicate key {shown(key)}" + (f", first on line {first}" if first else ""),
                    "keep one of them",
                )
            else:
                mapping.items[key] = Item(key_place, node)
            self._path.pop()
            position, done = self._separator(position, "}")
            if done:
                return _unwrapped(mapping), position

    def _separator(self, position: int, end: str) -> tuple[int, bool]:
        position = self._skip(position)
        found = self._text[position : position + 1]
        if found == end:
            return position + 1, True
        if found != ",":
            raise _RefusedError(position, f"a comma or {end} has to follow")
        return self._skip(position + 1), False


def _unwrapped(mapping: Mapping) -> Node:
    """Undo the wrapping with which Ansible writes its special strings into JSON."""
    if len(mapping.items) != 1:
        return mapping
    ((key, item),) = mapping.items.items()
    if key == "__ansible_vault":
        return Opaque(item.node.place, "an Ansible Vault value")
    if key == "__ansible_unsafe" and isinstance(item.node, Scalar):
        item.node.literal = True
        return item.node
    return mapping

r"""JSON to located nodes, which have a file and no line.

Programs write JSON, often on a single line: the key path names the place. The standard decoder
reads it, since YAML parsers refuse some JSON (surrogate pairs, ``\ud83d\ude00``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

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

_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


class _RefusedError(Exception):
    """The text is JSON, but no inventory."""


@dataclass(frozen=True, slots=True)
class _Object:
    """An object as the decoder read it; a dict would drop the first of two equal keys."""

    pairs: list[tuple[str, object]]


def read_json(text: str, file: str, problems: ProblemLog, *, lines: bool = True) -> Node | None:
    """Parse JSON, as ``ansible-inventory`` prints it.

    Args:
        text: the whole text.
        file: its name for messages.
        problems: receives errors of the JSON itself.
        lines: a syntax error names its line; that of a program's output is of no use to a user.

    Returns:
        The root; None for empty text, or after an error.
    """
    if not text.strip():
        return None
    reader = _Reader(Place(file, None), problems)
    line = None
    try:
        return reader.node(json.loads(text, object_pairs_hook=_Object))
    except json.JSONDecodeError as error:
        reason = error.msg
        line = error.lineno if lines else None
    except RecursionError:
        reason = _TOO_DEEP
    except _RefusedError as error:
        reason = str(error)
    except ValueError:
        # int() refuses more than 4,300 digits.
        reason = "a number with too many digits"
    problems.add(
        Place(file, line),
        joined(*reader.path),
        f"not valid JSON: {reason}",
        "correct it; `python3 -m json.tool FILE` names the place",
    )
    return None


class _Reader:
    def __init__(self, place: Place, problems: ProblemLog) -> None:
        self._place = place
        self._problems = problems
        self.path: list[str] = []

    def node(self, value: object) -> Node:
        """A decoded value as a node. After an error, the path leads to the refused value."""
        if len(self.path) > MAX_DEPTH:
            raise _RefusedError(_TOO_DEEP)
        if isinstance(value, _Object):
            return self._mapping(value)
        if isinstance(value, list):
            return Sequence(
                self._place, [self._inner(str(n), inner) for n, inner in enumerate(value)]
            )
        if isinstance(value, str):
            return Scalar(self._place, _encodable(value), value)
        assert value is None or isinstance(value, int | float)
        return Scalar(self._place, value, json.dumps(value))

    def _inner(self, key: str, value: object) -> Node:
        self.path.append(key)
        node = self.node(value)
        self.path.pop()
        return node

    def _mapping(self, decoded: _Object) -> Node:
        mapping = Mapping(self._place)
        for key, value in decoded.pairs:
            node = self._inner(_encodable(key), value)
            if key in mapping.items:
                self._problems.add(
                    self._place,
                    joined(*self.path, key),
                    f"duplicate key {shown(key)}",
                    "keep one of them",
                )
            else:
                mapping.items[key] = Item(self._place, node)
        return _unwrapped(mapping)


def _encodable(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _RefusedError("half of a surrogate pair in a string") from None
    return text


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

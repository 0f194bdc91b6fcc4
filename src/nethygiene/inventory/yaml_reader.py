"""YAML to located nodes, composed from parser events within limits.

PyYAML's own composer recurses in C without a bound and expands aliases for free. This one keeps
the line of every key, reports duplicate keys, and stops at deep nesting and alias bombs.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from nethygiene.inventory.located import (
    Item,
    Key,
    Mapping,
    Node,
    Opaque,
    Place,
    ProblemLog,
    Scalar,
    Sequence,
    is_null,
    joined,
    kind_of,
    shown,
)
from nethygiene.inventory.yaml_scalars import COLLECTION_TAGS, read_scalar

MAX_DEPTH = 100
"""Levels of nesting; an inventory needs two for each level of groups."""

MAX_ALIASED_NODES = 500_000
"""Nodes that the aliases of a file may add to the written ones."""

_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _GiveUpError(Exception):
    """The rest of the file cannot be read; the problem is reported already."""


def read_yaml(text: str, file: str, problems: ProblemLog) -> Node | None:
    """Parse one YAML document.

    Args:
        text: the file's content.
        file: its name for messages.
        problems: receives errors of the YAML itself.

    Returns:
        The root; None for an empty document, or after an error.
    """
    composer = _Composer(text, file, problems)
    try:
        return composer.document()
    except _GiveUpError:
        return None
    except yaml.MarkedYAMLError as error:
        composer.explain(error)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add(
            Place(file, line),
            "",
            f"a character that YAML does not allow: {shown(chr(_code(error.character)))}",
            "remove it, or write it as an escape in double quotes",
        )
    return None


def _code(character: object) -> int:
    return ord(character) if isinstance(character, str) else int(str(character))


class _Composer:
    def __init__(self, text: str, file: str, problems: ProblemLog) -> None:
        self._text = text
        self._file = file
        self._problems = problems
        self._loader = _Loader(text)
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._path: list[str] = []
        self._depth = 0
        self._written = 0

    def _place(self, event: Any) -> Place:  # noqa: ANN401 - as in _next
        mark = event.start_mark
        return Place(self._file, None if mark is None else mark.line + 1)

    def _problem(self, place: Place, message: str, fix: str) -> None:
        self._problems.add(place, joined(*self._path), message, fix)

    def _next(self) -> Any:  # noqa: ANN401 - PyYAML's stubs do not tell kinds of event apart
        return self._loader.get_event()

    def document(self) -> Node | None:
        """The one document of the file."""
        loader = self._loader
        loader.get_event()
        if loader.check_event(yaml.StreamEndEvent):
            return None
        loader.get_event()
        root, _ = self._node()
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            self._problem(
                self._place(self._next()),
                "a second YAML document begins here",
                "keep one document a file: remove the `---`",
            )
            raise _GiveUpError
        return root

    def _node(self) -> tuple[Node, int]:
        """The next node, and how many nodes it stands for with its aliases written out."""
        event = self._next()
        self._written += 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._too_deep(self._place(event))
            raise _GiveUpError
        if isinstance(event, yaml.ScalarEvent):
            result: tuple[Node, int] = (self._scalar(event), 1)
        elif isinstance(event, yaml.SequenceStartEvent):
            result = self._sequence(event)
        else:
            result = self._mapping(event)
        self._depth -= 1
        if result[1] - self._written > MAX_ALIASED_NODES:
            self._problem(
                self._place(event),
                f"the aliases of this file come to more than {MAX_ALIASED_NODES:,} values",
                "write the values out, or put them into a group's vars once",
            )
            raise _GiveUpError
        tag = getattr(event, "tag", None)
        is_collection = isinstance(event, yaml.CollectionStartEvent)
        if is_collection and tag not in COLLECTION_TAGS:
            result = (Opaque(self._place(event), f"a value tagged {shown(tag)}"), 1)
        if anchor is not None:
            self._anchors[anchor] = result
        return result

    def _too_deep(self, place: Place) -> None:
        self._problem(
            place,
            f"nested deeper than {MAX_DEPTH} levels",
            "an inventory needs two levels for each level of groups: check the indentation",
        )

    def _alias(self, event: yaml.AliasEvent) -> tuple[Node, int]:
        place = self._place(event)
        name = event.anchor
        if name not in self._anchors:
            self._problem(
                place, f"alias *{name} has no anchor", f"write &{name} before its first use"
            )
            return Scalar(place, None, ""), 1
        anchored = self._anchors[name]
        if anchored is None:
            self._problem(
                place,
                f"alias *{name} stands inside what it names",
                "break the circle: write it out",
            )
            return Scalar(place, None, ""), 1
        return anchored

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar | Opaque:
        place = self._place(event)
        try:
            return read_scalar(place, event.value, event.tag, is_plain=event.implicit[0])
        except ValueError as error:
            self._problem(place, str(error), "write a value that exists, or quote it")
            return Scalar(place, event.value, event.value)

    def _sequence(self, event: yaml.SequenceStartEvent) -> tuple[Sequence, int]:
        sequence, size = Sequence(self._place(event)), 1
        while not self._loader.check_event(yaml.SequenceEndEvent):
            self._path.append(str(len(sequence.items)))
            node, count = self._node()
            self._path.pop()
            sequence.items.append(node)
            size += count
        self._loader.get_event()
        return sequence, size

    def _mapping(self, event: yaml.Event) -> tuple[Mapping, int]:
        mapping, size = Mapping(self._place(event)), 1
        merges: list[Node] = []
        while not self._loader.check_event(yaml.MappingEndEvent):
            next_event: Any = self._loader.peek_event()
            is_merge = (
                isinstance(next_event, yaml.ScalarEvent)
                and next_event.value == "<<"
                and next_event.tag is None
                and next_event.implicit[0]
            )
            key_place = self._place(next_event)
            key, key_size = self._node()
            name = self._key(key)
            self._path.append("?" if name is None and not is_null(key) else str(name))
            node, count = self._node()
            self._path.pop()
            size += key_size + count
            if is_merge:
                merges.append(node)
            elif not isinstance(key, Scalar):
                continue
            elif name in mapping.items:
                first = mapping.items[name].key_place.line
                self._problem(
                    key_place,
                    f"duplicate key {shown(name)}, first written on line {first}",
                    "keep one of them",
                )
            else:
                mapping.items[name] = Item(key_place, node)
        self._loader.get_event()
        for node in merges:
            self._merge(mapping, node)
        return mapping, size

    def _key(self, node: Node) -> Key:
        if isinstance(node, Scalar):
            return node.value
        self._problem(
            node.place,
            f"a key cannot be {kind_of(node)}",
            "write a plain key; a value that begins with a Jinja template has to be quoted",
        )
        return None

    def _merge(self, mapping: Mapping, node: Node) -> None:
        """Apply ``<<``: the mapping's own keys win, then the earlier mappings of a list."""
        sources = node.items if isinstance(node, Sequence) else [node]
        for source in sources:
            if not isinstance(source, Mapping):
                self._problem(
                    source.place, f"<< takes a mapping, not {kind_of(source)}", "write << : *name"
                )
                continue
            for key, item in source.items.items():
                mapping.items.setdefault(key, item)

    def explain(self, error: yaml.MarkedYAMLError) -> None:
        """Report the parser's error."""
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else None
        lines = self._text.splitlines()
        source = lines[line - 1] if line is not None and line <= len(lines) else ""
        message = error.problem or error.context or "not valid YAML"
        if "nesting depth" in message:
            # The scanner reads ahead; in PyYAML 6.0.4 it gives up at 1,000 levels by itself.
            self._too_deep(Place(self._file, line))
            return
        fix = "correct it there or on the line before: a colon, a quote, a bracket, the indentation"
        if re.match(r"\s*\t", source):
            message, fix = (
                "a tab in the indentation",
                "indent with spaces: YAML allows no tabs there",
            )
        elif re.search(r":\s+::", source):
            fix = "put an IPv6 address that begins with :: into quotes"
        elif "{{" in source:
            fix = "put a value that begins with a Jinja template into quotes"
        elif "cannot start any token" in message:
            column = mark.column if mark is not None else 0
            message = f"{shown(source[column : column + 1])} cannot begin a value"
            fix = "put the value into quotes"
        self._problem(Place(self._file, line), f"not valid YAML: {message}", fix)

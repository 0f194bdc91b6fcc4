"""The statements of a keepalived configuration: words, and braces on their own.

This reads as read_line and alloc_strvec of keepalived's lib/parser.c do (2.2.7): comments,
conditional lines, definitions, includes, then braces and quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from nethygiene.subjects.failover.keepalived_conf.definitions import Definitions
from nethygiene.subjects.failover.keepalived_conf.files import (
    ConfigurationError,
    ConfigurationFiles,
    directory_of,
)

_MOST_LINES = 100_000
_MOST_OPEN = 200
_INCLUDE = re.compile(r"include[rmwba]?\s+(.*)", re.DOTALL)
_CONDITION = re.compile(r"@(\^?)([^ \t]*)[ \t]+(.*)", re.DOTALL)
_WORD = re.compile(r'[ \t\f\n\r\v]*(?:"([^"]*)"|([^ \t\f\n\r\v"]+))')
# The text before a brace that stands outside of quotes. A quote that is left open hides the rest.
_BEFORE_BRACE = re.compile(r'((?:[^{}"]|"[^"]*")*)([{}])')


def statements(
    files: ConfigurationFiles, paths: Sequence[str], config_id: str
) -> Iterator[list[str]]:
    """The words of each statement; a brace is a statement of its own.

    Args:
        files: what the host sent.
        paths: the files to begin with.
        config_id: the name that lines beginning with ``@`` are compared with.

    Raises:
        ConfigurationError: the configuration cannot be read.
    """
    reader = _Reader(files, config_id)
    reader.open(paths)
    for line in reader.lines():
        for statement in _at_braces(line):
            if words := words_of(statement):
                yield words


def without_comment(line: str) -> str:
    """A line without its comment and outer blanks; a backslash at its end stays."""
    kept = list[str]()
    quoted = False
    end = ""
    line = line.strip(" \t")
    place = 0
    while place < len(line):
        sign, after = line[place], line[place + 1 : place + 2]
        place += 1
        if sign == "\\" and not after:
            end = sign
        elif sign == "\\":
            kept.append(after if after in "#!" and not quoted else sign + after)
            place += 1
        elif sign in "#!" and not quoted:
            break
        else:
            quoted ^= sign == '"'
            kept.append(sign)
    return "".join(kept).rstrip(" \t") + end


def words_of(statement: str) -> list[str]:
    """The words of a statement. Double quotes hold a word together, and escape nothing."""
    found, place = list[str](), 0
    while match := _WORD.match(statement, place):
        found.append(match[2] if match[1] is None else match[1])
        place = match.end()
    return found


def _at_braces(line: str) -> Iterator[str]:
    while match := _BEFORE_BRACE.match(line):
        yield match[1]
        yield match[2]
        line = line[match.end() :]
    yield line


class _Reader:
    """Reads line after line, across files and definitions of several lines."""

    def __init__(self, files: ConfigurationFiles, config_id: str) -> None:
        self._files = files
        self._id = config_id
        self._definitions = Definitions(config_id)
        # The files that are open, with their directories; the last one is read.
        self._open: list[tuple[str, Iterator[str]]] = []
        # Further lines of definitions in use, which come before the next line of a file.
        self._pending: list[Iterator[str]] = []

    def open(self, paths: Sequence[str]) -> None:
        if len(self._open) + len(paths) > _MOST_OPEN:
            raise ConfigurationError(f"{paths[0]}: more than {_MOST_OPEN} files are open at a time")
        for path in reversed(paths):
            self._open.append((directory_of(path), iter(self._files.lines(path))))

    def lines(self) -> Iterator[str]:
        defined = ""
        count = 0
        while (line := self._next(bool(defined))) is not None:
            count += 1
            if count > _MOST_LINES:
                raise ConfigurationError(f"more than {_MOST_LINES} lines")
            if defined:
                defined = defined if self._definitions.add(defined, line) else ""
                continue
            expanded = self._expanded(line)
            if expanded is None:
                continue
            name = self._definitions.define(expanded)
            if name is not None:
                defined = name
            elif match := _INCLUDE.fullmatch(expanded):
                directory = self._open[-1][0] if self._open else "/"
                self.open(self._files.included(directory, match[1].lstrip(" \t")))
            elif expanded.startswith("~"):
                # They repeat a line, for numbers or words (2.1.0 and later).
                raise ConfigurationError(f"{expanded[:4]} is not read")
            else:
                yield expanded

    def _next(self, in_definition: bool) -> str | None:
        while self._pending:
            if (line := next(self._pending[-1], None)) is not None:
                return line
            self._pending.pop()
        while self._open:
            line = next(self._open[-1][1], None)
            if line is None:
                self._open.pop()
                continue
            line = line.rstrip("\r")
            text = without_comment(line)
            if in_definition and line and not text:
                # Up to 2.1 it does not end the definition; 2.2's VRRP process sees an empty line.
                raise ConfigurationError("a comment stands inside of a definition")
            # An empty line ends a definition of several lines.
            if text or in_definition:
                return text
        return None

    def _expanded(self, line: str) -> str | None:
        """A line with its condition met and its definitions replaced; None if it does not count."""
        while True:
            if line.startswith("@"):
                condition = _CONDITION.fullmatch(line)
                if condition is None or (condition[2] == self._id) is bool(condition[1]):
                    return None
                line = condition[3]
            if self._definitions.defines(line) or line.startswith("~"):
                return line
            replaced, follow = self._definitions.replace(line)
            if replaced == line:
                return line
            self._pending += [iter(lines) for lines in follow]
            line = without_comment(replaced)
            if not line.startswith("@") and "$" not in line:
                return line

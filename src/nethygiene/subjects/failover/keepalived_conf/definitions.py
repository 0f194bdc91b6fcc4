"""Definitions of a keepalived configuration: ``$NAME=value``, and where ``$NAME`` stands.

The form follows keepalived's own lib/parser.c (find_definition, replace_param and
check_definition of 2.2.7).
"""

from __future__ import annotations

import re

from nethygiene.subjects.failover.keepalived_conf.files import ConfigurationError

HIDDEN = "*"
"""Stands for a value that the host kept to itself, or that only the daemon knows."""
LONGEST = 4096
"""Characters of a line. keepalived itself takes 1,024."""
_ROUNDS = 1000

_DEFINITION = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)=[ \t]*(.*)", re.DOTALL)
# In braces a name may have parameters: ${_RANDOM 1 9}.
_USE = re.compile(
    r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)[ \t]*([ \tA-Za-z0-9_]*)\}"
    r"|([A-Za-z_][A-Za-z0-9_]*)(?=[ \t,)]|$))"
)


class Definitions:
    """The definitions that have been read so far.

    A definition of several lines stands for as many lines. Its name counts only at the end of a
    line.
    """

    def __init__(self, config_id: str) -> None:
        self._values: dict[str, list[str]] = {
            "_INSTANCE": [config_id],
            "_HASH": ["#"],
            "_BANG": ["!"],
            "_PWD": [HIDDEN],
            "_RANDOM": [HIDDEN],
            "_ENV": [HIDDEN],
        }
        self._several: set[str] = set()

    def defines(self, line: str) -> bool:
        """Whether a line defines a name."""
        return _DEFINITION.fullmatch(line) is not None

    def define(self, line: str) -> str | None:
        """Take a line that defines a name; None if it is no such line.

        Returns:
            The name if more lines of its value follow, otherwise the empty string.
        """
        match = _DEFINITION.fullmatch(line)
        if match is None:
            return None
        name, value = match[1], match[2]
        goes_on = value.endswith("\\")
        if goes_on:
            value = value[:-1].rstrip(" \t")
            self._several.add(name)
        else:
            self._several.discard(name)
        self._values[name] = [value] if value or not goes_on else []
        return name if goes_on else ""

    def add(self, name: str, line: str) -> bool:
        """Add a line to a definition of several lines. Returns whether more lines follow."""
        goes_on = line.endswith("\\")
        line = line[:-1].rstrip(" \t") if goes_on else line
        if line:
            self._values[name].append(line)
        return goes_on

    def replace(self, line: str) -> tuple[str, list[list[str]]]:
        """Put the values into a line.

        Returns:
            The line, and the lines that follow it: those of the definition found last come first.

        Raises:
            ConfigurationError: the line becomes too long, or a definition stands for itself.
        """
        start, rounds, follow = 0, 0, list[list[str]]()
        while (start := line.find("$", start)) >= 0:
            match = _USE.match(line, start)
            values = self._found(match, line) if match else None
            if match is None or values is None:
                start += 1
                continue
            rounds += 1
            first = values[0] if values else ""
            line = line[:start] + first + line[match.end() :]
            if len(values) > 1:
                follow.append(values[1:])
            if len(line) > LONGEST or rounds > _ROUNDS:
                raise ConfigurationError(f"definitions make a line too long: {line[:60]}…")
            if first.lstrip(" \t").startswith("~"):
                break
        return line, follow

    def _found(self, match: re.Match[str], line: str) -> list[str] | None:
        name = match[1] or match[3]
        if match[2] and name not in {"_RANDOM", "_ENV"}:
            return None
        if name in self._several and match.end() != len(line):
            return None
        return self._values.get(name)

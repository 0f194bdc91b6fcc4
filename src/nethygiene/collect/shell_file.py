"""Shell that stands in a ``.sh`` file beside its module, made ready to be sent to a host.

A file is POSIX sh, and shellcheck reads it. Three things are ours:

- ``@NAME@`` is a value that the module gives. It is quoted, and so stays one word of the script (a
  sequence: its words), unless it is :class:`Verbatim`.
- ``@needs TOOL…`` ends the script if a tool is missing, as a missing command does. A pipeline would
  go on without the tool, and its answer would lack a part and look whole.
- ``. ./FILE.sh`` puts another file in its place.

Comments stand on lines of their own. This module refuses what it could fold wrongly: ``#`` after a
blank or an operator, which may begin a comment and would hide the rest of the one line;
here-documents; and quotes that a line leaves open.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path


class Verbatim(str):
    """Shell text that goes into a script as it stands: the program's own, never a policy's."""

    __slots__ = ()


Value = str | Sequence[str]

_NEEDS = (
    "for nh in {tools}; do command -v $nh >/dev/null ||"
    ' {{ echo "$nh: not found" >&2; exit 127; }}; done'
)
_PLACEHOLDER = re.compile(r"@([A-Z][A-Z_]*)@")
_REFUSED = {
    "# that may begin a comment": re.compile(r"[\s;&|()<>`]#"),
    "a here-document": re.compile(r"<<"),
    "a tab": re.compile(r"\t"),
    "a backslash at the end that is part of a word": re.compile(r"\S\\$"),
}
# The rest of a line, without these parts, holds a quote only if a string is open at its end.
_QUOTED = re.compile(r"\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"")
# After these the command goes on in the next line, and a semicolon would be an error.
_GOES_ON = re.compile(r"(?:^|[\s;])(?:then|do|else|in|\{)$|[;&|]$")
# The pattern of a `case`, alone on its line. `})` and `done)` end something else.
_PATTERN = re.compile(r"(?!(?:done|fi|esac)\))(?:\"[^\"]*\"|[^(){}\s]| \| )+\)")

_AWK_COMMENT = re.compile(r"[\s;{})]#")
_AWK_END = re.compile(r"(?:[;{},]|\|\||&&)$")


def one_line(path: Path, **values: Value) -> str:
    """The script of a file on one line, with its values filled in."""
    return _filled(path, _folded(path), values)


def sh_c(path: Path, **values: Value) -> str:
    """The same, as a simple command: ``sh -c '…'``.

    Raises:
        ValueError: the script holds a single quote of its own.
    """
    script = _folded(path)
    if "'" in script:
        raise ValueError(f"{path}: a single quote would end the word after sh -c")
    return f"sh -c {shlex.quote(_filled(path, script, values))}"


def many_lines(path: Path, **values: Value) -> str:
    """The script of a file line by line, without comments and indentation."""
    return _filled(path, "".join(f"{line}\n" for line in _lines(path)), values)


def as_written(path: Path, **values: Value) -> str:
    """The text of a file, whatever it holds, with its values filled in."""
    return _filled(path, path.read_text(encoding="utf-8"), values)


def awk_program(path: Path) -> str:
    """The awk program of a file on one line.

    Raises:
        ValueError: a line ends so that the next one would be read as a part of it.
    """
    for line in _code_lines(path):
        if _AWK_COMMENT.search(line) or not _AWK_END.search(line):
            raise ValueError(f"{path}: a comment, or no semicolon at the end: {line}")
    return " ".join(_code_lines(path))


def in_double_quotes(text: str) -> Verbatim:
    """A text as it has to stand between the double quotes of a script."""
    return Verbatim(re.sub(r'([\\"$`])', r"\\\1", text))


def _filled(path: Path, script: str, values: dict[str, Value]) -> str:
    if unknown := values.keys() ^ set(_PLACEHOLDER.findall(script)):
        raise ValueError(
            f"{path}: placeholders without a value, or values without a placeholder: {unknown}"
        )
    if quoted := {name for name in _in_strings(script) if not isinstance(values[name], Verbatim)}:
        raise ValueError(f"{path}: a value cannot be quoted inside of double quotes: {quoted}")
    # One pass: a value may hold what looks like a placeholder.
    return _PLACEHOLDER.sub(lambda match: _text(values[match[1]]), script)


@cache
def _in_strings(script: str) -> frozenset[str]:
    """The placeholders that stand inside of double quotes."""
    strings = re.sub(r"\\.", "", script).split('"')[1::2]
    return frozenset(name for string in strings for name in _PLACEHOLDER.findall(string))


def _text(value: Value) -> str:
    if isinstance(value, Verbatim):
        return value
    return shlex.quote(value) if isinstance(value, str) else shlex.join(value)


@cache
def _lines(path: Path) -> tuple[str, ...]:
    return tuple(_read(path))


def _read(path: Path) -> Iterator[str]:
    continued = ""
    for line in _code_lines(path):
        for what, sign in _REFUSED.items():
            if sign.search(line):
                raise ValueError(f"{path}: {what}: {line}")
        if line.endswith("\\"):
            continued += line[:-1]
            continue
        whole, continued = continued + line, ""
        if re.search(r"[\"']", _QUOTED.sub("", whole)):
            raise ValueError(f"{path}: a quote that the line leaves open: {whole}")
        if whole.startswith("@needs "):
            yield _NEEDS.format(tools=whole.removeprefix("@needs "))
        elif included := re.fullmatch(r"\. \./(\S+\.sh)", whole):
            yield from _read(path.with_name(included[1]))
        else:
            yield whole
    if continued:
        raise ValueError(f"{path}: a backslash at the end of the file")


@cache
def _code_lines(path: Path) -> tuple[str, ...]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8").split("\n"))
    return tuple(line for line in lines if line and not line.startswith("#"))


@cache
def _folded(path: Path) -> str:
    script = last = ""
    for line in _lines(path):
        if script.endswith("(") or (script and line.startswith(")")):
            script += line
        elif not script:
            script = line
        else:
            ends = _GOES_ON.search(script) or line.startswith(";;") or _is_pattern(last)
            script += f" {line}" if ends else f"; {line}"
        last = line
    return script


def _is_pattern(line: str) -> bool:
    return _PATTERN.fullmatch(line) is not None

"""keepalived's configuration as its probe sends it, redacted."""

from __future__ import annotations

import re

from nethygiene.redaction.text import Pseudonyms

_CONDITION = re.compile(r"(?<![^ \t=])(@\^?)([^ \t$]+)")
_VARIABLE = re.compile(r"\$(\{?)([A-Za-z][A-Za-z0-9_]*)(?=[ \t=},)]|$)")
_NAMED = re.compile(r"(vrrp_instance|vrrp_sync_group|label|net_namespace)([ \t]+)([^ \t{}\n]+)")
_INCLUDE = re.compile(r"((?:@[^ \t]*[ \t]+)*include[rmwba]?[ \t]+)(.*)", re.DOTALL)
_LITERAL = re.compile(r"\$\{[^}]*\}|\$\w+|[^$]+")
_PATHS = frozenset(
    {"root", "in", "from", "pattern", "match", "closed", "readable", "hidden", "file"}
)
_OPTIONS = {"i": "id", "s": "net_namespace"}


def answer(text: str, given: Pseudonyms) -> str:
    """Processes, files and lines; the lines hold no comment, password or command."""
    instances = {match[3] for match in _NAMED.finditer(text) if match[1] == "vrrp_instance"}
    return "\n".join(
        f"={_content(line[1:], instances, given)}" if line.startswith("=") else _mark(line, given)
        for line in text.split("\n")
    )


def _mark(line: str, given: Pseudonyms) -> str:
    word, _, rest = line.partition(" ")
    if word in _PATHS:
        return f"{word} {_path(rest, given)}"
    if word == "name":
        return f"name {given.names.name('id', rest.partition('.')[0])}"
    if word == "mount":
        return re.sub(r"^mount .*(?= /proc proc )", "mount proc", line)
    if word == "option":
        letter, _, value = rest.partition(" ")
        if letter in _OPTIONS:
            return f"option {letter} {given.names.name(_OPTIONS[letter], value)}"
        return f"option {letter} {_path(value, given)}"
    return line


def _content(line: str, instances: set[str], given: Pseudonyms) -> str:
    line = _CONDITION.sub(lambda match: match[1] + given.names.name("id", match[2]), line)
    if match := _INCLUDE.fullmatch(line):
        return match[1] + _path(match[2], given)
    line = _NAMED.sub(lambda match: match[1] + match[2] + _name(match[1], match[3], given), line)
    words = re.split(r"([ \t{}]+)", line)
    line = "".join(_name("vrrp_instance", w, given) if w in instances else w for w in words)
    line = _VARIABLE.sub(lambda match: f"${match[1]}{_variable(match[2], given)}", line)
    return given.in_text(line)


def _path(text: str, given: Pseudonyms) -> str:
    """A path, folder by folder: an include is relative to the folder of its file."""
    if given.names.path(text) == text:
        return text
    return "/".join(part and given.names.name("file", part) for part in text.split("/"))


def _variable(name: str, given: Pseudonyms) -> str:
    return given.names.name("variable", name).replace("-", "_")


def _name(kind: str, text: str, given: Pseudonyms) -> str:
    """A name; what a definition puts into it stays."""
    return _LITERAL.sub(
        lambda match: match[0] if match[0].startswith("$") else given.names.name(kind, match[0]),
        text,
    )

"""The other sections, redacted: ss, ip, processes and logs."""

from __future__ import annotations

import re

from nethygiene.redaction.ssh import arguments
from nethygiene.redaction.text import Pseudonyms
from nethygiene.subjects.tunnels.messages import PATTERN

# ADDRESS%INTERFACE:PORT, before iproute2 4.13 without brackets for IPv6.
_END = re.compile(
    r"(?<!\S)(?P<address>\[[0-9A-Fa-f:.]+\]|[0-9A-Fa-f]*[:.][0-9A-Fa-f:.]*)(?P<zone>%[^\s:]+)?"
    r":(?P<port>\d+|\*)(?=\s|$)",
    re.MULTILINE,
)
_CGROUP = re.compile(r"(?<= cgroup:)\S+")
_PROCESS = re.compile(r'\("([^"]*)"(?=,pid=)')
_ALIAS = re.compile(r"(\\\s+alias )[^\\\n]*")
_LABEL = re.compile(r"(?<=\s)([\w.@+-]+):([^\s\\:]+)(?=\\)")
_CONFIG_COMMENT = re.compile(r"^(/[^:\n]*:\s*#).*", re.MULTILINE)
_STAMP = re.compile(
    r"[\[ ]*(?:\d{9,11}\.\d+ |\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d)"
)
_ENVELOPE = re.compile(r"From .*?((?: [A-Z][a-z]{2}){2} +\d{1,2} \d\d:\d\d:\d\d \d{4}\s*)")
_COMPLAINT = re.compile(PATTERN)
# Words that may stand in the place of a name in ssh's messages.
_SSH_OWN = (
    "address|avoid|be|check|failed|failure|host|is|key|listen|negotiate|not|path|port|remote|root|uid|verification|"
    "UNKNOWN"
)
_NAMED = re.compile(
    r"\b(?:host|hostname|address|to|connect_to|by|from|with|server|for|on|file|option:)"
    rf" (?P<name>(?!(?:{_SSH_OWN})(?:[:., ]|$))[^ ]+?)(?=[:.,]?(?: |$))"
)


def sockets(text: str, given: Pseudonyms) -> str:
    """``ss``."""

    def end(match: re.Match[str]) -> str:
        address = match["address"]
        bare = address.strip("[]")
        made = given.address(bare)
        return f"{address.replace(bare, made)}{match['zone'] or ''}:{match['port']}"

    text = _CGROUP.sub("/", text)
    text = _PROCESS.sub(lambda match: f'("{given.names.process(match[1])}"', text)
    head, newline, rest = text.partition("\n")
    # The first line is sshd's description of the login: four words with spaces between.
    return given.in_text(head) + newline + _END.sub(end, rest)


def interfaces(text: str, given: Pseudonyms) -> str:
    """``ip link``, ``ip addr`` and routes; the free text of aliases and labels goes."""
    text = _ALIAS.sub(lambda match: match[1] + given.names.name("alias", match[0]), text)
    text = _LABEL.sub(lambda match: f"{match[1]}:{given.names.name('label', match[2])}", text)
    return given.in_text(text)


def configuration(text: str, given: Pseudonyms) -> str:
    """Lines of configuration files behind the files' names; comments go."""
    return given.in_text(_CONFIG_COMMENT.sub(r"\1", text))


def ssh_processes(text: str, given: Pseudonyms) -> str:
    """The arguments of the running ssh."""
    made: list[str] = []
    argv: list[str] = []
    for line in text.split("\n"):
        if line.startswith("="):
            argv.append(line[1:])
            continue
        made += [f"={argument}" for argument in arguments(argv, given)]
        argv = []
        made.append(_process_line(line, given))
    made += [f"={argument}" for argument in arguments(argv, given)]
    return "\n".join(made)


def _process_line(line: str, given: Pseudonyms) -> str:
    word, _, rest = line.partition(" ")
    if word == "user":
        user, _, uid = rest.rpartition(" ")
        return f"user {given.names.user(user)} {uid}"
    if word == "mount":
        return re.sub(r"^mount .*(?= /proc proc )", "mount proc", line)
    return line


def log(text: str, given: Pseudonyms) -> str:
    """A tunnel's log: each line keeps its time and ssh's own words."""
    return "\n".join(_log_line(line, given) for line in text.split("\n"))


def _log_line(line: str, given: Pseudonyms) -> str:
    word, _, rest = line.partition(" ")
    if line.startswith("="):
        return f"={_carried_line(line[1:], given)}"
    if word == "user":
        return f"user {given.names.user(rest)}"
    if word == "file":
        return f"file {given.names.path(rest)}"
    if word == "mailto":
        name, equals, value = rest.partition("=")
        bare = value.strip().strip("\"'")
        return f"mailto {name.strip()}{equals}{given.names.user(bare)}"
    if word == "unit" and "=" in rest and ":" in rest:
        return f"unit {rest.partition(':')[0]}:redacted"
    return line


def _carried_line(line: str, given: Pseudonyms) -> str:
    if re.fullmatch(r"status \d+", line) or line.startswith("Date: "):
        return line
    if match := _ENVELOPE.fullmatch(line):
        return f"From user{match[1]}"
    stamp, said = _STAMP.match(line), _COMPLAINT.search(line)
    words = _ssh_words(said[0], given) if said else ""
    return f"{stamp[0]} {words}" if stamp else words


def _ssh_words(text: str, given: Pseudonyms) -> str:
    """A message of ssh's: the host, user or file that it names stands behind a preposition."""
    made, end = "", 0
    for match in _NAMED.finditer(text):
        name = match["name"]
        pseudonym = given.names.path(name) if "/" in name else given.host(name)
        made += given.in_text(text[end : match.start("name")]) + pseudonym
        end = match.end("name")
    return made + given.in_text(text[end:])


def plain(text: str, given: Pseudonyms) -> str:
    """Any other text: its addresses."""
    return given.in_text(text)

"""ssh's arguments, its configuration and known_hosts, redacted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from nethygiene.known_hosts import KnownHosts, host_names, parse
from nethygiene.redaction.text import Pseudonyms
from nethygiene.subjects.tunnels.host_keys import lookup_name, may_be_address
from nethygiene.subjects.tunnels.invocation import TAKES_VALUE, is_mux_master, is_script
from nethygiene.subjects.tunnels.ssh_config import parse_ssh_config

_PART = re.compile(r"\[[^\[\]]*\]|[^:\[\]\s]+")
_HOSTS = frozenset({"hostname", "hostkeyalias", "proxyjump", "bindaddress", "resolved"})
_PATHS = frozenset(
    {"userknownhostsfile", "globalknownhostsfile", "revokedhostkeys", "identityfile", "controlpath"}
    | {"certificatefile", "identityagent"}
)
_COMMANDS = frozenset({"knownhostscommand", "localcommand", "proxycommand", "remotecommand"})
_KEPT_VALUES = frozenset({"*", "none", "ssh", "other", "set"})
# A value that is no name: a number, a time, a word of ssh's own.
_PLAIN = re.compile(r"[A-Za-z]*|[0-9]+[A-Za-z]?|[A-Za-z0-9@.,+*?!^-]*(?:ssh|sha2|rsa)[\w@.,+*?!-]*")
_OPTION = re.compile(r"(\s*)([A-Za-z0-9]+)(\s*=\s*|\s+)(.*)", re.DOTALL)
_KEY = re.compile(r"(?:ssh|ecdsa|sk)-\S+")


def destination(text: str, given: Pseudonyms) -> str:
    """``[user@]host[:port]``, with or without ``ssh://``."""
    scheme = "ssh://" if text.startswith("ssh://") else ""
    user, at, rest = text.removeprefix(scheme).rpartition("@")
    host, colon, port = rest, "", ""
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d+)(/?)", rest)
    if match and (scheme or rest.count(":") == 1 or rest.startswith("[")):
        host, colon, port = match[1], ":", match[2] + match[3]
    return f"{scheme}{given.names.user(user)}{at}{given.host(host)}{colon}{port}"


def jumps(text: str, given: Pseudonyms) -> str:
    """The hops of ProxyJump."""
    return ",".join(
        hop if hop.lower() == "none" else destination(hop, given) for hop in text.split(",")
    )


def forward(text: str, given: Pseudonyms) -> str:
    """``[bind:]port:host:port`` and its other forms; ports stay."""

    def part(match: re.Match[str]) -> str:
        word = match[0]
        if word.isdigit() or word == "*":
            return word
        return given.names.path(word) if word.startswith("/") else given.host(word)

    return _PART.sub(part, text)


def option_value(keyword: str, value: str, given: Pseudonyms) -> str:
    """The value of an option of ssh."""
    key = keyword.lower()
    if key in _COMMANDS:
        return value if value in _KEPT_VALUES else "*"
    if key == "user":
        return given.names.user(value)
    if key == "proxyjump":
        return jumps(value, given)
    if key in _HOSTS:
        return given.host(value)
    if key in _PATHS:
        return " ".join(given.names.path(path) for path in value.split())
    if key in {"localforward", "remoteforward", "dynamicforward"}:
        return " ".join(forward(word, given) for word in value.split())
    if _PLAIN.fullmatch(value):
        return value
    return given.names.name("value", value)


def option(text: str, given: Pseudonyms) -> str:
    """The argument of ``-o``."""
    match = _OPTION.fullmatch(text)
    if match is None:
        return given.names.name("value", text)
    return f"{match[1]}{match[2]}{match[3]}{option_value(match[2], match[4], given)}"


def arguments(argv: Sequence[str], given: Pseudonyms) -> Iterator[str]:
    """The arguments of a running ssh; the remote command goes."""
    if not argv:
        return
    if is_mux_master(argv):
        yield "ssh: /redacted/socket [mux]"
        return
    yield argv[0] if argv[0].rpartition("/")[2] == "ssh" or is_script(argv) else "ssh"
    if is_script(argv):
        return
    pending, seen, ended = "", False, False
    for word in argv[1:]:
        if pending:
            yield _argument(pending, word, given)
            pending = ""
        elif word == "--" and not ended:
            ended = True
            yield word
        elif word.startswith("-") and len(word) > 1 and not ended:
            said = "-"
            for place, letter in enumerate(word[1:], 2):
                said += letter if letter.isalnum() else "?"
                if letter in TAKES_VALUE:
                    value = word[place:]
                    said += _argument(letter, value, given) if value else ""
                    pending = "" if value else letter
                    break
            yield said
        elif seen:
            return
        else:
            seen = True
            yield destination(word, given)


def _argument(letter: str, value: str, given: Pseudonyms) -> str:
    if letter in "LRDW":
        return forward(value, given)
    if letter == "o":
        return option(value, given)
    if letter == "p":
        return value if value.isdigit() else "*"
    if letter == "l":
        return given.names.user(value)
    if letter == "J":
        return jumps(value, given)
    if letter in "FiES":
        return given.names.path(value)
    return value if letter == "O" else "*"


def config_answer(text: str, given: Pseudonyms) -> str:
    """The section tunnel_config: what ``ssh -G`` said of each target, and known_hosts files."""
    lines = text.split("\n")
    lookups = _lookups(lines)
    words: list[str] = []
    made: list[str] = []
    in_file = False
    for line in lines:
        head, _, rest = line.partition(" ")
        if head == "target":
            words, in_file = [], False
        if head == "file":
            in_file = True
            made.append(f"file {given.names.path(rest)}")
        elif head == "user":
            made.append(f"user {given.names.user(rest)}")
        elif head == "argument":
            made.append(f"argument {_asked(words, rest, given)}")
            words.append(rest)
        elif line.startswith("=") and in_file:
            made.append("=" + _known_line(line[1:], lookups, given))
        elif line.startswith("="):
            keyword, space, value = line[1:].partition(" ")
            shown = value if keyword == "status" else option_value(keyword, value, given)
            made.append(f"={keyword}{space}{shown}")
        else:
            made.append(line)
    return "\n".join(made)


def _asked(before: Sequence[str], word: str, given: Pseudonyms) -> str:
    last = before[-1] if before else ""
    if last == "-o":
        return option(word, given)
    if last == "-p" or word in {"-o", "-p"}:
        return word
    return destination(word, given)


def _lookups(lines: Iterable[str]) -> dict[str, None]:
    """The names by which the targets are looked up in known_hosts: lower-case keyword lines."""
    names: dict[str, None] = {}
    answer: list[str] = []
    for line in [*lines, "target"]:
        if line.startswith("target"):
            config = parse_ssh_config(answer)
            if config is not None:
                resolved = (
                    host_names(address, config.port)[0] for address in config.all("resolved")
                )
                names |= {name: None for name in (*lookup_name(config), *resolved) if name}
            answer = []
        elif line.startswith("="):
            answer.append(line[1:])
    return names


def _known_line(text: str, lookups: Iterable[str], given: Pseudonyms) -> str:
    """A line of known_hosts behind its number: named by those that are looked up and match it."""
    number, colon, line = text.partition(":")
    if not (number.isdigit() and colon):
        return text if re.fullmatch(r"status \d+", text) else "redacted"
    lines, _ = parse(line, "")
    if not lines:
        return f"{number}:redacted"
    (entry,) = lines
    known = KnownHosts((entry,))
    names = [_looked_up(name, given) for name in lookups if known.matching(name)]
    marker = f"{entry.marker.value} " if entry.marker.value else ""
    encoded = next(word for word in line.split() if word.startswith("AAAA"))
    named = ",".join(names) or _not_looked_up(entry.names, given)
    kind = entry.key_type if _KEY.fullmatch(entry.key_type) else "redacted"
    return f"{number}:{marker}{named} {kind} {given.names.public_key(encoded)}"


def _not_looked_up(names: str, given: Pseudonyms) -> str:
    """Names that nobody looks up; a name that may be an address stays one that may be."""
    if not may_be_address(names):
        return given.names.name("host", f"known_hosts {names}")
    written = [
        name for name in names.split(",") if may_be_address(name) and not set(name) & set("|*?!")
    ]
    if written:
        return ",".join(_looked_up(name, given) for name in written)
    return "*." + given.names.name("host", f"known_hosts {names}")


def _looked_up(name: str, given: Pseudonyms) -> str:
    match = re.fullmatch(r"\[(.*)\]:(\d+)", name)
    return f"[{given.host(match[1])}]:{match[2]}" if match else given.host(name)

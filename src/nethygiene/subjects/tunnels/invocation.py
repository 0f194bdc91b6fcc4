"""Reads the arguments of a running ssh as OpenSSH's own getopt does.

Source: OpenSSH 9.2, ssh.c. Options may follow the destination. If an option is given twice, the
first counts; this holds for ``-p``, ``-l`` and ``user@host`` too.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from nethygiene.inventory.forward import Forward, parse_forward

# ssh.c's getopt string; a colon says that a value follows.
GETOPT = "1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"
TAKES_VALUE = frozenset(re.findall(r"(.):", GETOPT))
_KNOWN = frozenset(GETOPT) - {":"}
_SHORT = {
    "g": ("gatewayports", "yes"),
    "M": ("controlmaster", "yes"),
    "4": ("addressfamily", "inet"),
    "6": ("addressfamily", "inet6"),
}
_MUX = re.compile(r"ssh: .*\[mux\]", re.DOTALL)
_INTERPRETERS = re.compile(r"(?:.*/)?(?:ba|da|a|k|z)?sh|(?:.*/)?(?:python|perl)[0-9.]*")
_URI = re.compile(
    r"ssh://(?:(?P<user>[^@/]*)@)?(?P<host>\[[^\]]*\]|[^:/\[\]]+)(?::(?P<port>\d+))?/?"
)
_OPTION = re.compile(r"\s*([A-Za-z0-9]+)\s*(?:=\s*|\s)\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where ssh connects to, as written.

    Attributes:
        host: name or address, in lower case, without brackets.
        user: the part before the @, or None.
        port: of an ssh:// URI, or None.
    """

    host: str
    user: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """One ssh's command line.

    Attributes:
        destination: the parsed destination; None if it names none.
        written: the destination as it is written.
        port: the first of ``-p``, ``-o Port`` and a URI's port; None without.
        user: the first of ``-l``, ``-o User`` and ``user@``; None without.
        local: its ``-L`` forwards.
        remote: its ``-R`` forwards.
        options: keyword in lower case and value of each ``-o``, and of options that stand for one.
        config_file: the file of ``-F``.
        control: the order of ``-O``, with which it only talks to a master.
        stdio_forward: the value of ``-W``, which the inner ssh of a jump has.
        unreadable: the words that could not be read, or an empty string.
    """

    destination: Destination | None = None
    written: str = ""
    port: int | None = None
    user: str | None = None
    local: tuple[Forward, ...] = ()
    remote: tuple[Forward, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    config_file: str | None = None
    control: str | None = None
    stdio_forward: str | None = None
    unreadable: str = ""

    def option(self, keyword: str) -> str | None:
        """The value that the command line gives a keyword, in lower case; None without."""
        return next((value for key, value in self.options if key == keyword), None)


def is_mux_master(argv: Sequence[str]) -> bool:
    """Whether it is a master in the background, whose title hides its arguments."""
    return bool(argv) and _MUX.fullmatch(argv[0].rstrip()) is not None


def is_script(argv: Sequence[str]) -> bool:
    """Whether an interpreter runs a script of that name, whose ssh is a process of its own."""
    return bool(argv) and _INTERPRETERS.fullmatch(argv[0]) is not None


def parse_destination(text: str) -> Destination | None:
    """Read ``[user@]host`` or ``ssh://[user@]host[:port]``; None if it is neither."""
    if text.startswith("ssh://"):
        match = _URI.fullmatch(text)
        if match is None:
            return None
        port = int(match["port"][:6]) if match["port"] else None
        return Destination(match["host"].strip("[]").lower(), match["user"] or None, port)
    user, at, host = text.rpartition("@")
    if not host:
        return None
    return Destination(host.strip("[]").lower(), user if at and user else None)


@dataclass(slots=True)
class _Reading:
    port: int | None = None
    user: str | None = None
    local: list[Forward] = field(default_factory=list)
    remote: list[Forward] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)

    def take(self, letter: str, value: str) -> None:
        if letter in "LR":
            self._forward(letter, value)
        elif letter == "o":
            self._option(value)
        elif letter == "p":
            self._port(value)
        elif letter == "l":
            self.user = self.user or value
        elif letter == "J":
            self.options.append(("proxyjump", value))
        elif letter == "D":
            self.options.append(("dynamicforward", value))
        else:
            self.values.setdefault(letter, value)

    def _forward(self, letter: str, value: str) -> None:
        try:
            if letter == "L":
                self.local.append(parse_forward(value, "local"))
            else:
                self.remote.append(parse_forward(value, "remote"))
        except ValueError as error:
            self.trouble.append(f"-{letter} {value[:60]}: {error}")

    def _option(self, text: str) -> None:
        match = _OPTION.fullmatch(text)
        if match is None:
            self.trouble.append(f"-o {text[:60]}")
            return
        keyword, value = match[1].lower(), match[2].strip()
        if keyword == "port":
            self._port(value)
        elif keyword == "user":
            self.user = self.user or value
        elif keyword in {"localforward", "remoteforward"}:
            words = value.replace("=", " ").split()
            self._forward("L" if keyword == "localforward" else "R", ":".join(words))
        self.options.append((keyword, value))

    def _port(self, value: str) -> None:
        if not re.fullmatch(r"[0-9]{1,5}", value):
            self.trouble.append(f"port {value[:60]}")
        elif self.port is None:
            self.port = int(value)


def parse_invocation(argv: Sequence[str]) -> Invocation:
    """Read the arguments of an ssh; argv[0] is its own name."""
    reading = _Reading()
    rest = deque(argv[1:])
    destination: Destination | None = None
    written = ""
    while rest:
        word = rest.popleft()
        if word.startswith("-") and len(word) > 1 and word != "--":
            _cluster(word[1:], rest, reading)
            continue
        if word == "--":
            if not rest:
                break
            word = rest.popleft()
            if destination is not None:
                break
        if destination is not None:
            break  # the remote command begins
        destination, written = parse_destination(word), word
        if destination is None:
            reading.trouble.append(f"destination {word[:60]}")
            break
        reading.user = reading.user or destination.user
        if reading.port is None:
            reading.port = destination.port
    return Invocation(
        destination=destination,
        written=written,
        port=reading.port,
        user=reading.user,
        local=tuple(reading.local),
        remote=tuple(reading.remote),
        options=tuple(reading.options),
        config_file=reading.values.get("F"),
        control=reading.values.get("O"),
        stdio_forward=reading.values.get("W"),
        unreadable="; ".join(reading.trouble),
    )


def _cluster(letters: str, rest: deque[str], reading: _Reading) -> None:
    """One word of options, as ``-fNL``: the value is the word's rest, or the next word."""
    for place, letter in enumerate(letters, 1):
        if letter not in _KNOWN:
            reading.trouble.append(f"-{letter}")
        if letter in TAKES_VALUE:
            value = letters[place:] or (rest.popleft() if rest else "")
            reading.take(letter, value)
            return
        if letter in _SHORT:
            reading.options.append(_SHORT[letter])

"""The answer of the keepalived probe: processes, what includes matched, and the files' lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.subjects.failover.keepalived_conf.configuration import VrrpInstance
from nethygiene.subjects.failover.keepalived_conf.files import (
    ConfigurationError,
    ConfigurationFiles,
    NotReadableError,
)
from nethygiene.subjects.failover.keepalived_conf.parser import read_configuration

_HIDING = re.compile(r"[ ,]hidepid=(?!0[ ,]|off[ ,])")


@dataclass(frozen=True, slots=True)
class Daemon:
    """One keepalived, and the configuration that it reads.

    Attributes:
        pid: its process id; None if none runs and the default file is meant.
        path: its file, as it was named.
        config_id: the name that conditional lines are compared with.
        instances: its VRRP instances.
    """

    pid: int | None
    path: str
    config_id: str
    instances: tuple[VrrpInstance, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host said.

    Attributes:
        running: a keepalived runs in the host's own network namespace.
        daemons: the daemons that run there, or the one that would.
    """

    running: bool
    daemons: tuple[Daemon | Unreadable, ...]


@dataclass(slots=True)
class _Process:
    pid: int
    parent: int = 0
    ended: bool = False
    elsewhere: bool = False
    container: bool = False
    options: dict[str, str] = field(default_factory=dict)
    path: str = ""
    directory: str = ""

    def take(self, line: str) -> None:
        """A line about this process: of /proc/PID/status, or about its arguments."""
        word, _, rest = line.partition(" ")
        values = line.split()[1:]
        if line.startswith("PPid:\t"):
            self.parent = _number("".join(values[:1]))
        elif line.startswith("NSpid:\t"):
            # It has a number in each namespace of processes that it is in.
            self.container = len(values) > 1
        elif line.startswith("State:\t"):
            self.ended = values[:1] == ["Z"]
        elif word == "elsewhere":
            self.elsewhere = True
        elif word == "option":
            letter, _, value = rest.partition(" ")
            self.options[letter] = value
        elif word == "root":
            self.path = rest
        elif word == "in":
            self.directory = rest


@dataclass(slots=True)
class _Lines:
    """The lines of the answer, by what they are about."""

    marks: dict[str, str] = field(default_factory=dict)
    processes: list[_Process] = field(default_factory=list)
    matches: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    closed: set[tuple[str, str]] = field(default_factory=set)
    texts: dict[str, list[str] | None] = field(default_factory=dict)
    _include: tuple[str, str] = ("", "")
    _file: str = ""

    def take(self, line: str) -> None:
        """Take the next line."""
        word, _, rest = line.partition(" ")
        if line.startswith("="):
            if (content := self.texts.get(self._file)) is not None:
                content.append(line[1:])
        elif word in {"self", "name", "mount", "listed", "many"}:
            self.marks[word] = line if word == "mount" else rest
        elif word == "process":
            self.processes.append(_Process(_number(rest)))
        elif not self._take_path(word, rest) and self.processes:
            self.processes[-1].take(line)

    def _take_path(self, word: str, path: str) -> bool:
        """A line about a file. Returns whether it is one."""
        match word:
            case "from":
                self._include = (path, "")
            case "pattern":
                self._include = (self._include[0], path)
                self.matches[self._include] = []
            case "match":
                self.matches.setdefault(self._include, []).append(path)
            case "closed":
                self.closed.add(self._include)
            case "readable":
                self.texts.setdefault(path, [])
            case "hidden":
                self.texts[path] = None
            case "file":
                self._file = path
            case _:
                return False
        return True


def read_answer(text: str, title: str, default: str) -> Answer | Unreadable:
    """Read what the script printed.

    Args:
        text: its lines.
        title: how messages name the command.
        default: the file that a keepalived without arguments reads.
    """
    lines = _Lines()
    for line in text.split("\n"):
        lines.take(line)
    uid = lines.marks.get("self", "")
    whole = lines.marks.get("listed") in {"0", "1", "2"} and "mount" in lines.marks
    if not whole or not re.fullmatch("[0-9]{1,10}", uid, re.ASCII):
        return Unreadable(Reason.UNPARSABLE, title, "the answer is not whole")
    if _HIDING.search(lines.marks["mount"]) and uid != "0":
        detail = "/proc hides the processes of others (hidepid): log in as root"
        return Unreadable(Reason.PERMISSION, title, detail)
    if "many" in lines.marks:
        return Unreadable(Reason.CUT_OFF, title, "it includes more files than are read")
    files = ConfigurationFiles(
        {path: None if text is None else "\n".join(text) for path, text in lines.texts.items()},
        {key: tuple(paths) for key, paths in lines.matches.items() if key not in lines.closed},
    )
    own = lines.marks.get("name", "").partition(".")[0]
    daemons = list(_running(lines.processes))
    if daemons:
        return Answer(True, tuple(_daemon(daemon, files, own) for daemon in daemons))
    if files.matches.get(("/", default)) == ():
        return Answer(False, ())
    return Answer(False, (_daemon(_Process(0, path=default, directory="/"), files, own),))


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,10}", text, re.ASCII) else 0


def _running(processes: list[_Process]) -> Iterator[_Process]:
    """The daemons in the host's network namespace; no children of theirs."""
    pids = {process.pid for process in processes}
    for process in processes:
        tests = process.options.keys() & {"C"}
        if process.parent not in pids and not (process.ended or process.elsewhere or tests):
            yield process


def _daemon(process: _Process, files: ConfigurationFiles, own: str) -> Daemon | Unreadable:
    config_id = process.options.get("i", own)
    path = process.path
    if process.container:
        detail = f"pid {process.pid} runs in a container, whose files are not read"
        return Unreadable(Reason.UNDECIDABLE, "keepalived", detail)
    try:
        if "?" in process.options:
            raise ConfigurationError(f"its argument {process.options['?']} is not known")
        paths = files.included(process.directory, path)
        if not paths:
            raise NotReadableError(f"{path} is not there, or is executable")
        configuration = read_configuration(files, paths, config_id)
    except NotReadableError as error:
        return Unreadable(Reason.PERMISSION, path, f"{error}: log in as root")
    except ConfigurationError as error:
        return Unreadable(Reason.UNPARSABLE, path, str(error))
    if configuration.namespace or process.options.get("s"):
        return Daemon(process.pid or None, path, config_id, ())
    return Daemon(process.pid or None, path, config_id, configuration.instances)

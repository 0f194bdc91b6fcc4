"""The ssh clients that run on the host, with their owners and arguments; no other process."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import Verbatim, sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, refused
from nethygiene.inventory.policy import Policy
from nethygiene.subjects.tunnels.invocation import TAKES_VALUE


def _any_case(word: str) -> str:
    """A shell pattern that matches a word in any case."""
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


# These options hold commands and their arguments; tunnel_configs does not read them either.
_HIDDEN_KEYWORDS = (
    "knownhostscommand",
    "localcommand",
    "proxycommand",
    "remotecommand",
    "setenv",
)
_HIDDEN = "|".join(f"{_any_case(keyword)}[!A-Za-z]*" for keyword in _HIDDEN_KEYWORDS)
_VALUED = "".join(sorted(TAKES_VALUE))
_SHELLS = "|".join(f"{shell}|*/{shell}" for shell in ("sh", "ash", "bash", "dash", "ksh", "zsh"))
_SCRIPTS = f"{_SHELLS}|python*|*/python*|perl*|*/perl*"
_SCRIPT = Path(__file__).with_name("ssh_processes.sh")
_HIDING = re.compile(r"[ ,]hidepid=(?!0[ ,]|off[ ,])")
NAME = "ssh_processes"
TITLE = "/proc/*/cmdline of ssh"


@dataclass(frozen=True, slots=True)
class SshProcess:
    """One running ssh client.

    Attributes:
        pid: its process id.
        parent: its parent's process id; 1 if the job that started it is gone.
        uid: its effective user id.
        argv: its arguments, its own name first; a line break in an argument becomes a space.
        stopped: a signal or a debugger has stopped it; it keeps its sockets, and does nothing.
        elsewhere: it runs in a container or another network namespace, so it is not this host's.
    """

    pid: int
    parent: int
    uid: int
    argv: tuple[str, ...]
    stopped: bool = False
    elsewhere: bool = False

    def __str__(self) -> str:
        return f"pid {self.pid}"


@dataclass(frozen=True)
class SshProcesses(Fact):
    """The running ssh clients.

    Attributes:
        _uids: declared user to the id on this host; None if there is no such user.
        own_uid: the login's user id.
        _hidden: /proc shows the processes of others to root alone.
        _processes: all processes that were seen, of all users.
    """

    _uids: Mapping[str, int | None]
    own_uid: int
    _hidden: bool
    _processes: tuple[SshProcess, ...]

    def of_user(self, user: str) -> tuple[SshProcess, ...]:
        """The ssh clients of a user; unreadable if they could not be seen."""
        if user not in self._uids:
            detail = f"it was not asked for user {user}: evidence of another policy"
            self.ledger.cannot_read(Unreadable(Reason.NOT_COLLECTED, TITLE, detail))
        uid = self._uids[user]
        if uid is None:
            self.ledger.cannot_read(Unreadable(Reason.ABSENT, f"id -u {user}", "no such user"))
        if self._hidden and self.own_uid not in {0, uid}:
            detail = f"/proc hides the processes of others (hidepid): log in as {user} or root"
            self.ledger.cannot_read(Unreadable(Reason.PERMISSION, TITLE, detail))
        of_user = tuple(
            process for process in self._processes if process.uid == uid and not process.elsewhere
        )
        self.ledger.read(f"ssh processes of {user}", TITLE, len(of_user))
        return of_user


def _declared(policy: Policy) -> tuple[Command, ...]:
    users = sorted({tunnel.user for tunnel in policy.tunnels.values()})
    if not users:
        return ()
    script = sh_c(_SCRIPT, HIDDEN=Verbatim(_HIDDEN), VALUED=_VALUED, SCRIPTS=Verbatim(_SCRIPTS))
    text = f"{script} sh {shlex.join(users)}"
    return (Command(NAME, text, title=TITLE, holds="ssh processes"),)


def parse(sections: Sections) -> SshProcesses | Unreadable:
    """Parse what the script printed."""
    section = sections.get(NAME)
    if section is None:
        return Unreadable(Reason.NOT_DECLARED, TITLE, "the policy declares no tunnel")
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        return refused(Command(NAME, "", title=TITLE), section)
    lines = section.stdout.decode("utf-8", "surrogateescape").split("\n")
    uids = dict(_users(lines))
    own = next((line[5:] for line in lines if line.startswith("self ")), "")
    mounts = [line for line in lines if line.startswith("mount ")]
    listed = next((line[7:] for line in lines if line.startswith("listed ")), "")
    # Status 2 says that a process ended while grep looked.
    whole = listed in {"0", "1", "2"} and "done" in lines
    if not whole or not mounts or not re.fullmatch("[0-9]{1,10}", own):
        return Unreadable(Reason.UNPARSABLE, TITLE, "the answer is not whole")
    hidden = _HIDING.search(mounts[-1]) is not None
    return SshProcesses(uids, int(own), hidden, tuple(_processes(lines)))


def _users(lines: list[str]) -> Iterator[tuple[str, int | None]]:
    for line in lines:
        word, _, rest = line.partition(" ")
        user, _, uid = rest.rpartition(" ")
        if word == "user" and user:
            yield user, int(uid) if re.fullmatch("[0-9]{1,10}", uid) else None


def _processes(lines: list[str]) -> Iterator[SshProcess]:
    starts = [number for number, line in enumerate(lines) if line.startswith("process ")]
    for start, end in itertools.pairwise([*starts, len(lines)]):
        entry = lines[start:end]
        argv = tuple(line[1:] for line in entry if line.startswith("="))
        words = {line.split(":")[0]: line.split()[1:] for line in entry if ":\t" in line}
        parent, uids = words.get("PPid", []), words.get("Uid", [])
        pid = entry[0].removeprefix("process ")
        numbers = [pid, *parent[:1], *uids[1:2]]
        # A process that has ended by now, or is a zombie, has no arguments left.
        if argv and len(numbers) == 3 and all(re.fullmatch("[0-9]{1,10}", n) for n in numbers):
            state, inside = words.get("State", [""]), words.get("NSpid", [])
            yield SshProcess(
                int(pid),
                int(parent[0]),
                int(uids[1]),
                argv,
                stopped=state[0] in {"T", "t"},
                elsewhere=len(inside) > 1 or "net other" in entry,
            )


PROBE = Probe(NAME, 1, (), parse, declared=_declared)

"""The lab's directory: its name tells whose it is, so that those of dead runs can be swept."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_PREFIX = "nethygiene-lab-"
_NAME = re.compile(rf"{_PREFIX}(?P<pid>\d+)-(?P<started>\d+)-[0-9a-f]+")
_KEEPER = "keeper"


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process that cannot be mistaken for a later one of the same id.

    Attributes:
        pid: process id.
        started: its start, in clock ticks since boot (field 22 of /proc/PID/stat).
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The identity of a running process; None if none has that id, or it is a zombie."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The command's name stands in parentheses and may hold anything, parentheses too.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] == "Z" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessIdentity.of(self.pid) == self


def new_directory() -> Path:
    """A fresh directory for one lab, mode 0700, named after this process."""
    me = ProcessIdentity.of(os.getpid())
    assert me is not None
    name = f"{_PREFIX}{me.pid}-{me.started}-{secrets.token_hex(4)}"
    directory = Path(tempfile.gettempdir(), name)
    directory.mkdir(mode=0o700)
    return directory


def note_keeper(directory: Path, pid: int) -> None:
    """Write down which process holds the lab, for a later sweep."""
    keeper = ProcessIdentity.of(pid)
    if keeper is not None:
        directory.joinpath(_KEEPER).write_text(f"{keeper.pid} {keeper.started}\n")


def sweep() -> list[Path]:
    """End the keepers of dead runs and remove their directories; returns what was removed.

    A keeper ends by itself when its test run does. This is for what even that cannot cover: a
    keeper that was killed before it had tidied up, or a machine that lost power.
    """
    swept = []
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        named = _NAME.fullmatch(directory.name)
        # Everyone may write to the temporary directory: touch only what root made.
        status = directory.lstat()
        ours = directory.is_dir() and not directory.is_symlink() and status.st_uid == os.getuid()
        if named is None or not ours:
            continue
        if ProcessIdentity(int(named["pid"]), int(named["started"])).alive:
            continue
        _end_keeper(directory)
        shutil.rmtree(directory, ignore_errors=True)
        swept.append(directory)
    return swept


def _end_keeper(directory: Path) -> None:
    try:
        pid, started = directory.joinpath(_KEEPER).read_text().split()
    except (FileNotFoundError, ValueError):
        return
    keeper = ProcessIdentity(int(pid), int(started))
    if keeper.alive:
        os.kill(keeper.pid, signal.SIGKILL)

"""A command on a terminal of its own: a real pty of so many columns, as a person sits at one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 120.0
_ROWS = 50
_CTRL_C = b"\x03"
_CONTROL = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|[\r\n\x08]")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command wrote to its terminal.

    Attributes:
        status: its exit status.
        text: all of it, with the terminal's line ends made plain.
        columns: width of the terminal.
    """

    status: int
    text: str
    columns: int

    @property
    def screen(self) -> list[str]:
        """What stood there at the end: the lines, however far they have scrolled."""
        lines: list[list[str]] = [[]]
        row = column = place = 0
        for control in [*_CONTROL.finditer(self.text), None]:
            for char in self.text[place : control.start() if control else None]:
                if column == self.columns:
                    row, column = row + 1, 0
                lines += [[] for _ in range(row - len(lines) + 1)]
                line = lines[row]
                line += " " * (column - len(line) + 1)
                line[column] = char
                column += 1
            if control is None:
                break
            place = control.end()
            match control[0], control[2]:
                case ("\r", _):
                    column = 0
                case ("\n", _):
                    row, column = row + 1, 0
                case ("\x08", _):
                    column = max(0, column - 1)
                case (_, "A"):
                    row = max(0, row - int(control[1] or 1))
                case (_, "K"):
                    lines += [[] for _ in range(row - len(lines) + 1)]
                    lines[row][0 if control[1] == "2" else column :] = []
                case (_, "m" | "h" | "l"):
                    pass  # colours, and whether the cursor is seen
                case _:
                    raise ValueError(f"the terminal does not know {control[0]!r}")
        return ["".join(line).rstrip() for line in lines]

    @property
    def shows_cursor(self) -> bool:
        """Whether the cursor was seen at the end."""
        return self.text.rfind("\x1b[?25l") <= self.text.rfind("\x1b[?25h")


def on_terminal(
    command: Sequence[str],
    *,
    columns: int,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    press_when: Callable[[str], bool] | None = None,
) -> Shown:
    """Run a command with all of its streams on a terminal.

    Args:
        command: the command.
        columns: width of the terminal.
        cwd: where it runs.
        env: its environment, None for ours; NO_COLOR and the like are dropped, TERM is set.
        press_when: told all that was written so far; where it says so Ctrl-C is pressed, once.

    Raises:
        TimeoutError: it did not end in time; it was killed.
    """
    plain = {"NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES", "CI", "TTY_COMPATIBLE"}
    kept = {key: value for key, value in (env or os.environ).items() if key not in plain}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    with subprocess.Popen(
        # The terminal has to be theirs for Ctrl-C to reach them.
        ["setsid", "--ctty", "--wait", *command],
        cwd=cwd,
        env={**kept, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        written = b""
        deadline = time.monotonic() + _SECONDS
        pressed = late = False
        # EIO is how a terminal ends.
        with contextlib.suppress(OSError):
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or not select.select([ours], [], [], left)[0]:
                    process.kill()
                    late = True
                    break
                if not (part := os.read(ours, 65536)):
                    break
                written += part
                if press_when is not None and not pressed:
                    pressed = press_when(written.decode("utf-8", "replace"))
                    if pressed:
                        os.write(ours, _CTRL_C)
        os.close(ours)
        if late:
            raise TimeoutError(f"{command}: {written[-2000:]!r}")
        status = process.wait(_SECONDS)
    return Shown(status, written.decode("utf-8", "replace").replace("\r\n", "\n"), columns)

"""A command on a terminal of its own: a real pty of so many columns, as a person sits at one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SECONDS = 60.0
_ROWS = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """What a command wrote to its terminal.

    Attributes:
        status: its exit status.
        text: all of it, with the terminal's line ends made plain.
    """

    status: int
    text: str


def on_terminal(
    command: Sequence[str],
    *,
    columns: int,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    interrupt_when: Callable[[str], bool] | None = None,
) -> Shown:
    """Run a command with all of its streams on a terminal.

    Args:
        command: the command.
        columns: width of the terminal.
        cwd: where it runs.
        env: its environment, None for ours; NO_COLOR and the like are dropped, TERM is set.
        interrupt_when: told all that was written so far; where it says so Ctrl-C is pressed, once.

    Raises:
        TimeoutError: it did not end in time; it was killed.
    """
    plain = {"NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "LINES", "CI", "TTY_COMPATIBLE"}
    kept = {key: value for key, value in (env or os.environ).items() if key not in plain}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, columns, 0, 0))
    with subprocess.Popen(
        list(command),
        cwd=cwd,
        env={**kept, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        written = b""
        deadline = time.monotonic() + _SECONDS
        pressed = False
        # EIO is how a terminal ends.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65536):
                written += part
                if interrupt_when is not None and not pressed:
                    pressed = interrupt_when(written.decode("utf-8", "replace"))
                    if pressed:
                        process.send_signal(signal.SIGINT)
                if time.monotonic() > deadline:
                    process.kill()
                    raise TimeoutError(f"{command}: {written[-2000:]!r}")
        os.close(ours)
        status = process.wait(_SECONDS)
    return Shown(status, written.decode("utf-8", "replace").replace("\r\n", "\n"))

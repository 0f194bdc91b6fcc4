"""Runs an inventory program and takes its JSON, within a deadline and a cap."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from nethygiene.masking import masked

DEADLINE_SECONDS = 60.0
"""Seconds that an inventory program may take; cloud inventories ask slow interfaces."""

MAX_OUTPUT_BYTES = 64 * 1024 * 1024
"""Bytes that it may print."""


class ProgramError(Exception):
    """The program gives no usable output; the message says why, and `cure` what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.cure = cure


@dataclass(slots=True)
class _Streams:
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)


def run_inventory_program(path: Path, deadline_seconds: float = DEADLINE_SECONDS) -> bytes:
    """The output of ``PATH --list``.

    The program and all processes that it starts end with this call.

    Raises:
        ProgramError: it cannot be started, fails, prints too much or takes too long.
    """
    try:
        process = subprocess.Popen(
            [str(path.absolute()), "--list"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(
            f"the program cannot be started: {error.strerror or error}",
            "give it a first line such as #!/usr/bin/env python3, or, if it is no program, "
            f"`chmod -x {shlex.quote(str(path))}`",
        ) from None
    try:
        output = _read(process, time.monotonic() + deadline_seconds, deadline_seconds)
    finally:
        _end(process)
    if process.returncode != 0:
        said = output.stderr.decode(errors="replace").strip().splitlines()
        last = f": {masked(said[-1][:200])!r}" if said else " and said nothing"
        raise ProgramError(
            f"the program ended with status {process.returncode}{last}",
            f"run `{shlex.quote(str(path))} --list` by hand and fix it",
        )
    return bytes(output.stdout)


def _read(process: subprocess.Popen[bytes], until: float, deadline_seconds: float) -> _Streams:
    streams = _Streams()
    with selectors.DefaultSelector() as selector:
        for name in ("stdout", "stderr"):
            into: bytearray = getattr(streams, name)
            selector.register(getattr(process, name), selectors.EVENT_READ, into)
        while selector.get_map():
            remaining = until - time.monotonic()
            ready = selector.select(remaining) if remaining > 0 else []
            if not ready:
                raise ProgramError(
                    f"the program was not done after {deadline_seconds:g} seconds",
                    "make it faster, or write its output to a file and give that",
                )
            for key, _ in ready:
                chunk = os.read(key.fd, 65536)
                if not chunk:
                    selector.unregister(key.fileobj)
                key.data.extend(chunk)
                if len(streams.stdout) + len(streams.stderr) > MAX_OUTPUT_BYTES:
                    raise ProgramError(
                        f"the program printed more than {MAX_OUTPUT_BYTES >> 20} MiB",
                        "let it print what `ansible-inventory --list --export` prints",
                    )
    # process.wait would free the pid, which _end still uses.
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() > until:
            raise ProgramError(
                f"the program printed but was not done after {deadline_seconds:g} seconds",
                "let it exit when it has printed",
            )
        time.sleep(0.005)
    return streams


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program's whole session: it may have started others that hold the pipes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()

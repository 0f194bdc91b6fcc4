"""A local process as the way to a host; it moves the process's streams within bounds.

Every connection by a program (a local shell, OpenSSH's client, a container tool) uses it,
so that the same deadline and caps hold for all of them.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType
from typing import IO

from nethygiene.transport.deadline import Deadline
from nethygiene.transport.large_answers import Turn

_CHUNK = 256 * 1024
_REAP_SECONDS = 1.0
_TURN_SECONDS = 0.5
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending(StrEnum):
    """Why :meth:`Child.pump` returned."""

    ENDED = "ended"
    MARKER = "marker"
    DEADLINE = "deadline"
    CAP = "cap"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of a process: a deadline, and bytes of each stream."""

    deadline: Deadline
    max_stdout: int
    max_stderr: int


class Child:
    """A process in a session of its own, so that all processes it starts can be ended with it.

    Raises:
        OSError: the program cannot be started; the error of ``subprocess.Popen``.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._process = _started(arguments, environment)
        self.stdout = bytearray()
        self.stderr = bytearray()
        self._pending = memoryview(b"")
        self._end_input = False
        self._turn = Turn()
        self._selector = selectors.DefaultSelector()
        for stream, buffer in ((self._out, self.stdout), (self._err, self.stderr)):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, buffer)
        os.set_blocking(self._in.fileno(), False)

    @property
    def _in(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _out(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def _err(self) -> IO[bytes]:
        assert self._process.stderr is not None
        return self._process.stderr

    def feed(self, data: bytes) -> None:
        """Take the whole input; it is written while output is read."""
        self._pending = memoryview(data)
        self._end_input = True
        if data:
            self._selector.register(self._in, selectors.EVENT_WRITE)
        else:
            self._in.close()

    def pump(self, bounds: Bounds, marker: bytes | None = None) -> Ending:
        """Move bytes until both outputs end, a bound is met, or `marker` is in stdout."""
        while True:
            if marker is not None and marker in self.stdout:
                return Ending.MARKER
            if len(self.stdout) > bounds.max_stdout or len(self.stderr) > bounds.max_stderr:
                return Ending.CAP
            if not self._turn.wait(len(self.stdout), bounds.deadline):
                return Ending.DEADLINE
            if not self._reading:
                return Ending.ENDED
            left = bounds.deadline.remaining()
            if left <= 0:
                return Ending.DEADLINE
            # It waits in pieces, so that it soon sees the end of the whole run.
            for ready, _ in self._selector.select(min(left, _TURN_SECONDS)):
                if ready.data is None:
                    self._write()
                else:
                    self._read(ready)

    @property
    def _reading(self) -> bool:
        # The map is None once the selector is closed.
        open_streams = self._selector.get_map() or {}
        return any(key.data is not None for key in open_streams.values())

    def _write(self) -> None:
        try:
            written = os.write(self._in.fileno(), self._pending[:_CHUNK])
        except BlockingIOError:
            return
        except OSError:
            # The process closed its input: its output is still worth reading.
            written = len(self._pending)
        self._pending = self._pending[written:]
        if not self._pending and self._end_input:
            self._selector.unregister(self._in)
            self._in.close()

    def _read(self, ready: selectors.SelectorKey) -> None:
        try:
            data = os.read(ready.fd, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            ready.data.extend(data)
        else:
            self._selector.unregister(ready.fileobj)

    def status(self, deadline: Deadline) -> int | None:
        """The exit status, None if a signal killed the process or it runs on."""
        try:
            code = self._process.wait(deadline.remaining())
        except subprocess.TimeoutExpired:
            return None
        return code if code >= 0 else None

    @property
    def running(self) -> bool:
        """Whether the process itself still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill its session, collect its status and close its streams. Safe to call twice.

        A session whose process and outputs have ended is left alone: it may have background jobs.
        """
        if self._process not in _UNENDED:
            return
        self._turn.release()
        if self._reading or self.running:
            self.kill()
        self._selector.close()
        for stream in (self._in, self._out, self._err):
            stream.close()
        # This comes last: a second Ctrl-C may break off any line above.
        _UNENDED.discard(self._process)

    def kill(self) -> None:
        """Kill its session, and collect its status."""
        _kill(self._process)


_UNENDED: set[subprocess.Popen[bytes]] = set()


def _started(
    arguments: Sequence[str], environment: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    # Ctrl-C within Popen would lose track of a process that runs already.
    with _signals_held():
        process = subprocess.Popen(
            list(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
        _UNENDED.add(process)
    return process


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals that end a run until the end of the block; handlers run in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {signum: signal.getsignal(signum) for signum in _ENDING}
    before = {signum: handler for signum, handler in handlers.items() if callable(handler)}
    came: list[tuple[int, FrameType | None]] = []
    try:
        for signum in before:
            signal.signal(signum, lambda number, frame: came.append((number, frame)))
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        for number, frame in came[:1]:
            before[signal.Signals(number)](number, frame)


def _kill(process: subprocess.Popen[bytes]) -> None:
    # ESRCH: all are gone. EPERM: those that are left belong to root, through sudo.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # A process that is stuck in the kernel is not waited for.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_REAP_SECONDS)


def kill_all() -> None:
    """Kill the processes that Ctrl-C kept from being ended."""
    for process in tuple(_UNENDED):
        _kill(process)

"""A local process as the way to a host: its streams pumped together, within bounds.

Every connection that is a program's (a local shell, OpenSSH's client, a container
tool) goes through here, so that the same deadline and caps hold for all of them.
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
    """What a process may take: a moment, and bytes of each stream."""

    deadline: Deadline
    max_stdout: int
    max_stderr: int


class Child:
    """A process in a session of its own, so that all it started can be ended with it.

    Raises:
        OSError: the program cannot be started; as ``subprocess.Popen`` gives it.
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
        """Hand over all input there will be; it is written while output is read."""
        self._pending = memoryview(data)
        self._end_input = True
        if data:
            self._selector.register(self._in, selectors.EVENT_WRITE)
        else:
            self._in.close()

    def pump(self, bounds: Bounds, marker: bytes | None = None) -> Ending:
        """Move bytes until both outputs ended, a bound was met, or `marker` is in stdout."""
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
            # In turns, so that it is seen soon when the whole run is given up.
            for ready, _ in self._selector.select(min(left, _TURN_SECONDS)):
                if ready.data is None:
                    self._write()
                else:
                    self._read(ready)

    @property
    def _reading(self) -> bool:
        # None once it was closed.
        open_streams = self._selector.get_map() or {}
        return any(key.data is not None for key in open_streams.values())

    def _write(self) -> None:
        try:
            written = os.write(self._in.fileno(), self._pending[:_CHUNK])
        except BlockingIOError:
            return
        except OSError:
            # It closed its input: what it has to say is still worth reading.
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
        """Exit status once it ended, None if it was killed by a signal or runs on."""
        try:
            code = self._process.wait(deadline.remaining())
        except subprocess.TimeoutExpired:
            return None
        return code if code >= 0 else None

    @property
    def running(self) -> bool:
        """Whether the process itself has not ended."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill what runs of its session, collect its status, close its streams. Repeatable.

        What a process left in the background after both its outputs ended is left alone.
        """
        if self._process not in _UNENDED:
            return
        self._turn.release()
        if self._reading or self.running:
            self.kill()
        self._selector.close()
        for stream in (self._in, self._out, self._err):
            stream.close()
        # Last: a second Ctrl-C may break off any line above.
        _UNENDED.discard(self._process)

    def kill(self) -> None:
        """Kill what runs of its session, and collect its status."""
        _kill(self._process)


_UNENDED: set[subprocess.Popen[bytes]] = set()


def _started(
    arguments: Sequence[str], environment: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    # Ctrl-C within Popen would lose a process that runs already.
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
    """Let what ends a run wait for the end of the block: its handlers run in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {one: signal.getsignal(one) for one in _ENDING}
    before = {one: handler for one, handler in handlers.items() if callable(handler)}
    came: list[tuple[int, FrameType | None]] = []
    try:
        for one in before:
            signal.signal(one, lambda number, frame: came.append((number, frame)))
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        for number, frame in came[:1]:
            before[signal.Signals(number)](number, frame)


def _kill(process: subprocess.Popen[bytes]) -> None:
    # ESRCH: all gone. EPERM: what is left belongs to root, through sudo.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # It may be stuck in the kernel; then nobody waits for it.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_REAP_SECONDS)


def kill_all() -> None:
    """Kill what Ctrl-C kept from being ended."""
    for process in tuple(_UNENDED):
        _kill(process)

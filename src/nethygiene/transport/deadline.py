"""Points in time that hold, whatever a host or a library does.

paramiko and the socket layer block in places that have no timeout (a write to a host
that stopped reading, an exec request that is never answered). A :class:`Watch` ends
such a wait from outside: at the deadline one watchdog thread for the whole process runs
an action that is local and never blocks, such as shutting a socket down. All times are
monotonic: setting the clock neither shortens nor lengthens them.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_abandoned = threading.Event()


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock.

    Attributes:
        seconds: the whole allowance, for messages.
        at: the moment, in seconds of ``time.monotonic()``.
    """

    seconds: float
    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The moment that lies `seconds` from now."""
        return cls(seconds, time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds that are left, 0 once it has passed or all is abandoned."""
        return 0.0 if _abandoned.is_set() else max(0.0, self.at - time.monotonic())

    @property
    def expired(self) -> bool:
        """Whether it has passed, or all is abandoned."""
        return _abandoned.is_set() or time.monotonic() >= self.at

    def later(self, seconds: float) -> Deadline:
        """The same allowance, ending `seconds` later."""
        return Deadline(self.seconds, self.at + seconds)

    def tightened(self, seconds: float | None) -> Deadline:
        """The same start with a smaller allowance, if `seconds` is one."""
        if seconds is None or seconds >= self.seconds:
            return self
        return Deadline(seconds, self.at - self.seconds + seconds)


class Watch:
    """Runs `action` if the block it watches is still running at the deadline.

    The action runs on the watchdog's thread: it must not block and must not raise.
    After the block has been left, it never runs.
    """

    def __init__(self, deadline: Deadline, action: Callable[[], None]) -> None:
        self._deadline = deadline
        self._action = action
        self._lock = threading.Lock()
        self._over = False
        self.fired = False

    def __enter__(self) -> Self:
        _WATCHDOG.watch(self._deadline.at, self)
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._over = True

    @property
    def over(self) -> bool:
        """Whether the block has been left."""
        return self._over

    def fire(self) -> None:
        """Run the action, unless the block has been left or it ran before."""
        with self._lock:
            if not self._over and not self.fired:
                self.fired = True
                self._action()


class _Watchdog:
    """One thread that fires watches; it ends when it had nothing to watch for a while."""

    _IDLE_SECONDS = 1.0

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._queue: list[tuple[float, int, Watch]] = []
        self._order = itertools.count()
        self._running = False

    def watch(self, at: float, watch: Watch) -> None:
        with self._condition:
            heapq.heappush(self._queue, (at, next(self._order), watch))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="nethygiene-watchdog", daemon=True).start()
            elif self._queue[0][2] is watch:
                self._condition.notify()

    def fire_all(self) -> None:
        """Fire every watch whose block is still running."""
        with self._condition:
            waiting, self._queue = self._queue, []
        for _, _, watch in waiting:
            watch.fire()

    def _run(self) -> None:
        while (watch := self._next()) is not None:
            watch.fire()

    def _next(self) -> Watch | None:
        """The next watch that is due; None if the thread is to end."""
        idle_since = time.monotonic()
        with self._condition:
            while True:
                while self._queue and self._queue[0][2].over:
                    heapq.heappop(self._queue)
                now = time.monotonic()
                if self._queue:
                    idle_since = now
                    if self._queue[0][0] <= now:
                        return heapq.heappop(self._queue)[2]
                    # It wakes each second, so that watches that are over are forgotten.
                    self._condition.wait(min(self._queue[0][0] - now, self._IDLE_SECONDS))
                elif now - idle_since >= self._IDLE_SECONDS:
                    self._running = False
                    return None
                else:
                    self._condition.wait(self._IDLE_SECONDS)


_WATCHDOG = _Watchdog()


def abandon_all() -> None:
    """After Ctrl-C: let every deadline pass now, and end everything that blocks."""
    _abandoned.set()
    _WATCHDOG.fire_all()


def restore_deadlines() -> None:
    """Restore deadlines after :func:`abandon_all`, in a process that runs a second audit."""
    _abandoned.clear()

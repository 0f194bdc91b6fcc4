"""Large answers take turns, so that a fleet of hosts that pour cannot fill our memory.

Every answer may grow to SMALL; beyond that, to LARGE, some at the same time; beyond that, to its
own cap, only a few. The others are not read meanwhile, and their hosts wait: a host that pours is
cut at its cap within a second or so, and the next one has its turn. One that trickles keeps its
own until its deadline; it takes many of them to hold up an honest host with many sockets.
"""

from __future__ import annotations

import threading

from nethygiene.transport.deadline import Deadline

SMALL = 4 * 1024 * 1024
"""Bytes that any answer may have; what is kept of one that went beyond its cap."""
LARGE = 3 * SMALL
"""Bytes of a busy host's: a hundred thousand connections."""

_LOOK_SECONDS = 0.5
# Beyond so many bytes, so many answers at a time. Whoever waits for the last holds the one before,
# and whoever has the last waits for none: so all come to an end.
_STEPS = (
    (SMALL, threading.BoundedSemaphore(8)),
    (LARGE, threading.BoundedSemaphore(2)),
)


class Turn:
    """One answer's right to be large, taken when it comes to that."""

    def __init__(self) -> None:
        self._held: list[threading.BoundedSemaphore] = []

    def wait(self, size: int, deadline: Deadline) -> bool:
        """Whether an answer of `size` bytes may grow; False if no turn came until the deadline."""
        for beyond, turns in _STEPS[len(self._held) :]:
            if size <= beyond:
                break
            # In pieces, so that it is seen soon when the whole run is given up.
            while (left := deadline.remaining()) > 0:
                if turns.acquire(timeout=min(left, _LOOK_SECONDS)):
                    self._held.append(turns)
                    break
            else:
                return False
        return True

    def release(self) -> None:
        """Let the next one have it. Safe to call twice."""
        while self._held:
            self._held.pop().release()


def kept(stream: bytearray, cap: int, *, cut: bool) -> bytes:
    """What is kept of a stream: up to its cap, or its beginning where the cap was met."""
    return bytes(memoryview(stream)[: min(cap, SMALL) if cut else cap])

"""Large answers take turns, so that a fleet of flooding hosts cannot fill our memory.

Every answer may grow to SMALL. Some answers may grow to LARGE at the same time, and only a few to
their own caps. The others are not read meanwhile, and their hosts wait. A host that floods is cut
at its cap within a second or so, and the next one has its turn. A host that trickles keeps its
turn until its deadline; it takes many of them to hold up an honest host with many sockets.
"""

from __future__ import annotations

import threading

from nethygiene.transport.deadline import Deadline

SMALL = 4 * 1024 * 1024
"""Bytes that any answer may have, and that are kept of an answer that exceeds its cap."""
LARGE = 3 * SMALL
"""Bytes of a busy host's answer, with a hundred thousand connections."""

_LOOK_SECONDS = 0.5
# So many answers at a time may exceed each size. All take the semaphores in this order, so that
# there is no deadlock.
_STEPS = (
    (SMALL, threading.BoundedSemaphore(8)),
    (LARGE, threading.BoundedSemaphore(2)),
)


class Turn:
    """One answer's right to be large, taken when the answer becomes large."""

    def __init__(self) -> None:
        self._held: list[threading.BoundedSemaphore] = []

    def wait(self, size: int, deadline: Deadline) -> bool:
        """Whether an answer of `size` bytes may grow; False if no turn came until the deadline."""
        for beyond, turns in _STEPS[len(self._held) :]:
            if size <= beyond:
                break
            # It waits in pieces, so that it soon sees the end of the whole run.
            while (left := deadline.remaining()) > 0:
                if turns.acquire(timeout=min(left, _LOOK_SECONDS)):
                    self._held.append(turns)
                    break
            else:
                return False
        return True

    def release(self) -> None:
        """Let the next answer have its turn. Safe to call twice."""
        while self._held:
            self._held.pop().release()


def kept(stream: bytearray, cap: int, *, cut: bool) -> bytes:
    """The part of a stream to keep: up to its cap, or its beginning if it exceeds the cap."""
    return bytes(memoryview(stream)[: min(cap, SMALL) if cut else cap])

"""Large answers take turns, so that a fleet of hosts that pour cannot fill our memory.

Every answer may grow to SMALL; beyond that, to its own cap, only a few at the same time. The
others are not read meanwhile, and their hosts wait: a host that pours is cut at its cap within
a second or so, and the next one has its turn.
"""

from __future__ import annotations

import threading

from nethygiene.transport.deadline import Deadline

SMALL = 4 * 1024 * 1024
"""Bytes that any answer may have; what is kept of one that went beyond its cap."""

_AT_ONCE = 2
_LOOK_SECONDS = 0.5
_TURNS = threading.BoundedSemaphore(_AT_ONCE)


class Turn:
    """One answer's right to be large, taken when it comes to that."""

    def __init__(self) -> None:
        self._held = False

    def wait(self, size: int, deadline: Deadline) -> bool:
        """Whether an answer of `size` bytes may grow; False if no turn came until the deadline."""
        while size > SMALL and not self._held:
            left = deadline.remaining()
            if left <= 0:
                return False
            # In pieces, so that it is seen soon when the whole run is given up.
            self._held = _TURNS.acquire(timeout=min(left, _LOOK_SECONDS))
        return True

    def release(self) -> None:
        """Let the next one have it. Safe to call twice."""
        if self._held:
            self._held = False
            _TURNS.release()


def kept(stream: bytearray, cap: int, *, cut: bool) -> bytes:
    """What is kept of a stream: up to its cap, or its beginning where the cap was met."""
    return bytes(memoryview(stream)[: min(cap, SMALL) if cut else cap])

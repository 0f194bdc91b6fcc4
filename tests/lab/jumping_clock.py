"""A pytest plugin (`-p tests.lab.jumping_clock`): a wall clock that goes to and fro by a day.

Only the wall clock: the monotonic one is the kernel's own, and does not jump on a real machine
either.
"""

from __future__ import annotations

import itertools
import time

_DAY = 86400.0
_real = time.time
_jumps = itertools.cycle((0.0, _DAY, 0.0, -_DAY))


def _jumping() -> float:
    return _real() + next(_jumps)


time.time = _jumping

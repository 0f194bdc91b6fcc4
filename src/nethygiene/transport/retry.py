"""Tries again if a server turns a connection away before authentication."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from nethygiene.errors import ConnectError
from nethygiene.transport.deadline import Deadline

_RETRIES = 2

_Result = TypeVar("_Result")


class ClosedEarlyError(Exception):
    """The server closed before authentication (MaxStartups): the one failure worth a retry.

    Attributes:
        error: the error to raise if no attempt succeeds.
    """

    def __init__(self, error: ConnectError) -> None:
        self.error = error
        super().__init__(str(error))


def retried(attempt: Callable[[], _Result], deadline: Deadline) -> _Result:
    """The result of `attempt`, which is tried up to three times while it is closed early.

    Raises:
        ConnectError: the error of the last attempt.
    """
    for number in range(_RETRIES + 1):
        try:
            return attempt()
        except ClosedEarlyError as closed:
            # Jitter, so that not all clients that were turned away come back at once.
            pause = random.uniform(0.2, 1.0) * (number + 1)  # noqa: S311 - no secret
            if number == _RETRIES or pause >= deadline.remaining():
                raise closed.error from None
            time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")

"""Conditions that go both ways, one time so and another time so: limits, lists, chance.

What is true of them depends on who asks. Somebody who wants in comes back until it suits: both
ways are open to them. An ordinary client meets a limit only if it is small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto


class Scope(Enum):
    """Whom a condition is counted for."""

    SHARED = auto()
    """All clients together."""
    CLIENT = auto()
    """Each client by itself."""
    LIST = auto()
    """A list that rules put a client on for what it did elsewhere: a knock, a port scan."""
    CHANCE = auto()
    """Nobody: packets are picked at random, or in turn."""
    PART = auto()
    """Nobody: some addresses of any network meet it, and others do not."""
    QUOTA = auto()
    """All clients together, until somebody resets it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One such condition; it is met beyond the limit, or on the list.

    Attributes:
        name: what tells it from others: where it stands, and what it says.
        scope: whom it is counted for.
        per_second: how many new connections it allows in the long run.
        burst: how many at once; of connections that exist at the same time, how many.
    """

    name: str
    scope: Scope
    per_second: float = math.inf
    burst: float = math.inf

    @property
    def is_remote(self) -> bool:
        """Whether neither clients nor those who want in get near it."""
        return self.scope is Scope.SHARED and self.per_second >= 1000 and self.burst >= 1000

    @property
    def meets_clients(self) -> bool | None:
        """Whether ordinary clients are beyond it now and then; None: perhaps."""
        if self.scope in {Scope.LIST, Scope.CHANCE}:
            return self.scope is Scope.CHANCE
        if self.scope in {Scope.QUOTA, Scope.PART}:
            return None
        if self.scope is Scope.CLIENT:
            # A browser, a pool or a script opens a few connections at once.
            if self.burst < 1:
                return True
            slow = self.per_second < 1 / 60 and self.burst < 10
            return None if self.burst < 3 or slow else False
        if math.isinf(self.per_second):
            return True if self.burst < 10 else None if self.burst < 100 else False
        return True if self.per_second < 1 else None if self.per_second < 10 else False

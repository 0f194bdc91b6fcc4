"""Conditions that go one way now and another way later: limits, lists, chance.

Their effect depends on the client. Somebody who wants in comes back until they get in, so both ways
are open to them. An ordinary client meets a limit only if it is small.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto


class Scope(Enum):
    """The clients for whom a condition counts."""

    SHARED = auto()
    """All clients together."""
    CLIENT = auto()
    """Each client by itself."""
    LIST = auto()
    """A list on which rules put a client for something else: a knock, a port scan."""
    CHANCE = auto()
    """Nobody: chance picks packets, or they take turns."""
    PART = auto()
    """Nobody: some addresses of any network meet it, and others do not."""
    QUOTA = auto()
    """All clients together, until somebody resets it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One such condition, which a packet meets beyond the limit or on the list.

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
        """Whether nobody gets near it, not even somebody who wants in."""
        return self.scope is Scope.SHARED and self.per_second >= 1000 and self.burst >= 1000

    @property
    def meets_clients(self) -> bool | None:
        """Whether ordinary clients are beyond it now and then; None for perhaps."""
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

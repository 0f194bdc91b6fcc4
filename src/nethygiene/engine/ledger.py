"""The ledger of one evaluation: the reads of a rule, its expectations, and unreadable facts.

Facts write into it by themselves, which keeps a rule honest: the ledger remembers an unreadable
fact, even if the rule swallows the exception.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from nethygiene.engine.outcomes import Observation, Reason, Unreadable


class UnreadableFactError(Exception):
    """Ends a rule whose fact is unreadable. It is no KeyError: `Mapping.get` would swallow that."""

    def __init__(self, unreadable: Unreadable) -> None:
        self.unreadable = unreadable
        super().__init__(str(unreadable))


class Ledger:
    """Records the reads and expectations of one evaluation of one rule."""

    __slots__ = (
        *("_pending", "_source"),
        *("expectations", "failures", "observations", "remedies", "unreadable"),
    )

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self.failures: list[str] = []
        # In the order of failures, without repeats; "" stands for the rule's own remedy.
        self.remedies: dict[str, None] = {}
        self.unreadable: list[Unreadable] = []
        self.expectations = 0
        # In the order of reads. It is a dict, since a host may have a hundred thousand sockets.
        self._pending: dict[Observation, None] = {}
        self._source = ""

    def read(self, what: str, source: str, actual: object, host: str | None = None) -> None:
        """Record that `what` was read from `source` and found to be `actual`, on a host."""
        # The same few hundred names on each of thousands of hosts: one copy of each is kept.
        seen = Observation(sys.intern(what), sys.intern(source), None, str(actual), host)
        self._pending.setdefault(seen)

    def cannot_read(self, unreadable: Unreadable) -> NoReturn:
        """Record something unreadable, and end the rule.

        Raises:
            UnreadableFactError: always.
        """
        self.note_unreadable(unreadable)
        raise UnreadableFactError(unreadable)

    def undecidable(self, detail: str) -> NoReturn:
        """End the rule: its facts do not decide the question.

        Raises:
            UnreadableFactError: always.
        """
        self.cannot_read(Unreadable(Reason.UNDECIDABLE, "", detail))

    def note_unreadable(self, unreadable: Unreadable) -> None:
        """Record something unreadable, without ending the rule."""
        if unreadable not in self.unreadable:
            self.unreadable.append(unreadable)

    def expect(
        self,
        what: str,
        expected: str,
        actual: str,
        failure: str | None,
        remedy: str = "",
        host: str | None = None,
    ) -> None:
        """Record an expectation; it takes over the reads since the one before it.

        Without reads since then, it has the source of the one before it: one command may list
        all sockets of a host, say.

        Args:
            what: the name of what is judged.
            expected: the expectation in words.
            actual: the value.
            failure: the sentence of the failure, None if the expectation is met.
            remedy: the remedy of this failure; empty for the rule's own remedy.
            host: the host where it was looked at, on the way of a connection.
        """
        self.expectations += 1
        sources = list(dict.fromkeys(read.source for read in self._pending if read.source))
        # Drop the read that the expectation itself repeats.
        repeated = (what, host)
        self.observations += [r for r in self._pending if (r.what, r.host) != repeated]
        self._pending.clear()
        self._source = sys.intern("; ".join(sources)) or self._source
        seen = Observation(sys.intern(what), self._source, sys.intern(expected), actual, host)
        self.observations.append(seen)
        if failure is not None:
            self.fail(failure, remedy)

    def fail(self, sentence: str, remedy: str = "") -> None:
        """Record a failure, and its remedy if it has one of its own."""
        self.failures.append(sentence)
        self.remedies.setdefault(remedy)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave out the reads of the block, which are no part of the verdict."""
        pending, unreadable = self._pending.copy(), self.unreadable.copy()
        try:
            yield
        finally:
            self._pending, self.unreadable = pending, unreadable

    def close(self) -> None:
        """Turn reads that no expectation took over into observations of their own."""
        self.observations += self._pending
        self._pending.clear()

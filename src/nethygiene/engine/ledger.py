"""The ledger of one evaluation: what a rule read, what it expected, what it could not read.

Facts write into it by themselves. That is what keeps a rule honest: whatever the
rule does with the exception of an unreadable fact, the ledger remembers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from nethygiene.engine.outcomes import Observation, Reason, Unreadable


class UnreadableFactError(Exception):
    """Ends a rule whose fact could not be read. No KeyError: `Mapping.get` would swallow that."""

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
        # In the order of failing; "" is one whose rule's own remedy holds. Without repeats.
        self.remedies: dict[str, None] = {}
        self.unreadable: list[Unreadable] = []
        self.expectations = 0
        # In the order of reading; a dict, for a host may have a hundred thousand sockets.
        self._pending: dict[Observation, None] = {}
        self._source = ""

    def read(self, what: str, source: str, actual: object) -> None:
        """Record that `what` was read from `source` and found to be `actual`."""
        # The same few hundred names on each of thousands of hosts: one copy of each is kept.
        seen = Observation(sys.intern(what), sys.intern(source), None, str(actual))
        self._pending.setdefault(seen)

    def cannot_read(self, unreadable: Unreadable) -> NoReturn:
        """Record that something could not be read, and end the rule.

        Raises:
            UnreadableFactError: always.
        """
        self.note_unreadable(unreadable)
        raise UnreadableFactError(unreadable)

    def undecidable(self, detail: str) -> NoReturn:
        """End the rule: the facts were read, but do not decide the question.

        Raises:
            UnreadableFactError: always.
        """
        self.cannot_read(Unreadable(Reason.UNDECIDABLE, "", detail))

    def note_unreadable(self, unreadable: Unreadable) -> None:
        """Record that something could not be read, without ending the rule."""
        if unreadable not in self.unreadable:
            self.unreadable.append(unreadable)

    def expect(
        self, what: str, expected: str, actual: str, failure: str | None, remedy: str = ""
    ) -> None:
        """Record an expectation; it takes over the reads since the one before it.

        Where there were none, what is judged comes from where the one before it was read: of
        all sockets of a host, say, that one command lists.

        Args:
            what: the name of what is judged.
            expected: the expectation in words.
            actual: what was found.
            failure: the sentence that says how it was not met, None if it was.
            remedy: what mends this failure; empty where the rule's own remedy does.
        """
        self.expectations += 1
        sources = list(dict.fromkeys(read.source for read in self._pending if read.source))
        # A read of the very thing that is judged is told by the expectation's own line.
        self.observations += [read for read in self._pending if read.what != what]
        self._pending.clear()
        self._source = sys.intern("; ".join(sources)) or self._source
        seen = Observation(sys.intern(what), self._source, sys.intern(expected), actual)
        self.observations.append(seen)
        if failure is not None:
            self.fail(failure, remedy)

    def fail(self, sentence: str, remedy: str = "") -> None:
        """Record a failure, and what mends it where it has a remedy of its own."""
        self.failures.append(sentence)
        self.remedies.setdefault(remedy)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let facts be asked for what is no part of the verdict: it leaves no trace here."""
        pending, unreadable = self._pending.copy(), self.unreadable.copy()
        try:
            yield
        finally:
            self._pending, self.unreadable = pending, unreadable

    def close(self) -> None:
        """Turn reads that no expectation took over into observations of their own."""
        self.observations += self._pending
        self._pending.clear()

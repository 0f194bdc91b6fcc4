"""The facts of all hosts of a run, which a rule of scope `ends` gets for each probe it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar, cast

from nethygiene.engine.each import MemberLedger
from nethygiene.engine.fact import Fact, UnreadableFact
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Reason, Unreadable

F = TypeVar("F")


class Across(Generic[F]):
    """The fact of every host of the run, by host name.

    Nothing is recorded of a host until its fact is asked for.
    """

    __slots__ = ("_facts", "_ledger", "_probe", "dialler")

    def __init__(
        self,
        dialler: str,
        probe: str,
        facts: Mapping[str, Mapping[str, Fact | Unreadable]],
        ledger: Ledger,
    ) -> None:
        """Collect the facts.

        Args:
            dialler: the host that is judged, which dials.
            probe: the probe of the facts.
            facts: by host name and probe.
            ledger: receives what is read.
        """
        self.dialler = dialler
        self._probe = probe
        self._facts = facts
        self._ledger = ledger

    def __iter__(self) -> Iterator[str]:
        """The names of the hosts."""
        return iter(self._facts)

    def __contains__(self, host: str) -> bool:
        """Whether a host is part of the run."""
        return host in self._facts

    def of(self, host: str) -> F:
        """The fact of a host; any use of one that is unreadable ends the rule as unknown."""
        if host in self._facts:
            fact = self._facts[host][self._probe]
        else:
            fact = Unreadable(Reason.NOT_COLLECTED, host, "it is no part of this run")
        ledger = MemberLedger(host, self._ledger)
        if isinstance(fact, Unreadable):
            return cast("F", UnreadableFact(fact, ledger))
        return cast("F", fact.bound_to(ledger))

    def glimpse(self, host: str) -> F | Unreadable:
        """The fact of a host, whose reads are recorded nowhere, or why it is unreadable."""
        fact = self._facts[host][self._probe]
        return fact if isinstance(fact, Unreadable) else cast("F", fact)

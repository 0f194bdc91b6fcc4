"""The facts of all hosts of a run, which a rule of scope `ends` gets for each probe it names."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar, cast

from nethygiene.engine.fact import Fact, UnreadableFact
from nethygiene.engine.ledger import Ledger
from nethygiene.engine.outcomes import Reason, Unreadable

F = TypeVar("F")
T = TypeVar("T")


@dataclass(slots=True)
class FactsOfRun:
    """The facts of a run that several hosts are judged by.

    Attributes:
        by_host: by host name and probe; ``connection`` among them.
        known: what rules have worked out from all of them, by a key of their own.
    """

    by_host: dict[str, Mapping[str, Fact | Unreadable]] = field(default_factory=dict)
    known: dict[Hashable, object] = field(default_factory=dict)
    _complete_for: tuple[str, ...] | None = None

    def missing_of(self, hosts: tuple[str, ...]) -> list[str]:
        """The hosts whose facts are not there; the caller adds them."""
        if hosts is self._complete_for:
            return []  # thousands of connections share this tuple of all hosts
        self._complete_for = hosts
        return [host for host in hosts if host not in self.by_host]

    def clear(self) -> None:
        """Drop everything."""
        self.by_host.clear()
        self.known.clear()
        self._complete_for = None


class Across(Generic[F]):
    """The fact of every host of the run, by host name.

    Nothing is recorded of a host until its fact is asked for.
    """

    __slots__ = ("_bound", "_facts", "_ledger", "_probe", "dialler")

    def __init__(
        self,
        dialler: str,
        probe: str,
        facts: FactsOfRun,
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
        self._bound: dict[str, F] = {}

    def __iter__(self) -> Iterator[str]:
        """The names of the hosts."""
        return iter(self._facts.by_host)

    def __contains__(self, host: str) -> bool:
        """Whether a host is part of the run."""
        return host in self._facts.by_host

    def of(self, host: str) -> F:
        """The fact of a host; any use of one that is unreadable ends the rule as unknown."""
        bound = self._bound.get(host)
        if bound is None:
            bound = self._bound[host] = self._bind(host)
        return bound

    def _bind(self, host: str) -> F:
        if host in self._facts.by_host:
            fact = self._facts.by_host[host][self._probe]
        else:
            fact = Unreadable(Reason.NOT_COLLECTED, host, "it is no part of this run")
        ledger = _HostLedger(host, self._ledger)
        if isinstance(fact, Unreadable):
            return cast("F", UnreadableFact(fact, ledger))
        return cast("F", fact.bound_to(ledger))

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """The result of `work`, which runs only for the first connection that asks with a key."""
        if key not in self._facts.known:
            self._facts.known[key] = work()
        return cast("T", self._facts.known[key])

    def glimpse(self, host: str) -> F | Unreadable:
        """The fact of a host, whose reads are recorded nowhere, or why it is unreadable."""
        fact = self._facts.by_host[host][self._probe]
        return fact if isinstance(fact, Unreadable) else cast("F", fact)


class _HostLedger(Ledger):
    """Records the reads of one host in the ledger of the whole way."""

    __slots__ = ("_host", "_way")

    def __init__(self, host: str, way: Ledger) -> None:
        super().__init__()
        self._host = host
        self._way = way

    def read(self, what: str, source: str, actual: object, host: str | None = None) -> None:
        self._way.read(what, source, actual, host or self._host)

    def note_unreadable(self, unreadable: Unreadable) -> None:
        source = f"{self._host}: {unreadable.source}" if unreadable.source else self._host
        self._way.note_unreadable(replace(unreadable, source=source))

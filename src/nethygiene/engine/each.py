"""The facts of a group's members, which a rule of scope `group` gets for each probe it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar, cast

from nethygiene.engine.fact import Fact
from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Unreadable

F = TypeVar("F")
T = TypeVar("T")


class Each(Generic[F]):
    """The fact of every member of a group, by host name.

    A member that was not read is recorded in the ledger and skipped; the rule goes on. It then
    ends as unknown, unless it fails for certain.
    """

    __slots__ = ("_facts", "_ledger")

    def __init__(self, facts: Mapping[str, Fact | Unreadable], ledger: Ledger) -> None:
        self._facts = facts
        self._ledger = ledger
        # At once, so that no rule passes because it asked some other member, or none.
        for host, fact in facts.items():
            if isinstance(fact, Unreadable):
                MemberLedger(host, ledger).note_unreadable(fact)

    def __iter__(self) -> Iterator[tuple[str, F]]:
        """The host name and the fact of each member that was read."""
        for host, fact in self._facts.items():
            if not isinstance(fact, Unreadable):
                yield host, cast("F", fact.bound_to(MemberLedger(host, self._ledger)))

    def read(self, ask: Callable[[F], T]) -> dict[str, T]:
        """The answer of each member's fact, by host name; unreadable answers are left out."""
        answers: dict[str, T] = {}
        for host, fact in self:
            try:
                answers[host] = ask(fact)
            except UnreadableFactError:
                continue  # the ledger has it
        return answers


def read_members(ask: Callable[..., T], *facts: Each[Any]) -> dict[str, T]:
    """The answer of each member of which all these facts were read, by host name.

    Args:
        ask: takes the member's name, then its facts in their order. Unreadable answers are left
            out.
        facts: the facts of the members.
    """
    of_hosts = [dict(each) for each in facts]
    answers: dict[str, T] = {}
    for host in of_hosts[0]:
        if all(host in by_host for by_host in of_hosts):
            try:
                answers[host] = ask(host, *(by_host[host] for by_host in of_hosts))
            except UnreadableFactError:
                continue  # the ledger has it
    return answers


class MemberLedger(Ledger):
    """Records the reads of one member in the group's ledger, under the member's name."""

    __slots__ = ("_group", "_host")

    def __init__(self, host: str, group: Ledger) -> None:
        super().__init__()
        self._host = host
        self._group = group

    def read(self, what: str, source: str, actual: object, host: str | None = None) -> None:
        """Record a read, under the member's name."""
        self._group.read(f"{self._host}: {what}", source, actual, host)

    def note_unreadable(self, unreadable: Unreadable) -> None:
        """Record something unreadable, under the member's name."""
        source = f"{self._host}: {unreadable.source}" if unreadable.source else self._host
        self._group.note_unreadable(replace(unreadable, source=source))

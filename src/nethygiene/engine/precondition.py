"""Preconditions: they find out where a declared item is served, before it is judged."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nethygiene.engine.ledger import Ledger, UnreadableFactError
from nethygiene.engine.outcomes import Observation

if TYPE_CHECKING:  # both import the definition of rules, which may name a precondition
    from nethygiene.engine.items import Named
    from nethygiene.engine.subject import Subject


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A declared item is not here, or perhaps not, so that this host's facts do not decide.

    Attributes:
        why: one line for people.
        surely: it is not here, and the rule is not applicable; otherwise the rule is unknown.
    """

    why: str
    surely: bool


@dataclass(frozen=True, slots=True)
class Instead:
    """The rule judges `item` in place of the declared one, for the reason `why`."""

    item: Named
    why: str


Whereabouts = Elsewhere | Instead | None
"""None: the item is here, as it is declared."""


@dataclass(frozen=True, slots=True, eq=False)
class Precondition:
    """Finds out where a declared item is served. A rule names it as ``judged_if``.

    Attributes:
        where: returns the whereabouts from the item and from facts, which are named by its further
            arguments. The rule judges all the same if a fact is unreadable.
        probes: the names of those facts.
    """

    where: Callable[..., Whereabouts]
    probes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """The answer of a precondition for one item of one host.

    Attributes:
        where: the whereabouts.
        observations: what it looked at.
        crash: the bug that ended it, if one did.
    """

    where: Whereabouts
    observations: tuple[Observation, ...]
    crash: Exception | None = None


def precondition(where: Callable[..., Whereabouts]) -> Precondition:
    """A precondition; the further arguments of `where` name the facts that it takes."""
    _item, *probes = inspect.signature(where).parameters
    return Precondition(where, tuple(probes))


def held(condition: Precondition, subject: Subject, item: Named) -> Held:
    """The answer of a precondition, which is shared by all rules that name it."""
    key = (condition, item.name)
    answer = subject.preconditions.get(key)
    if answer is None:
        answer = subject.preconditions[key] = _found_out(condition, subject, item)
    return answer


def _found_out(condition: Precondition, subject: Subject, item: Named) -> Held:
    ledger = Ledger()
    where: Whereabouts = None
    try:
        facts = {name: subject.bound(name, ledger) for name in condition.probes}
        where = condition.where(item, **facts)
    except UnreadableFactError as error:
        # An unreadable fact must not block audits without privilege: it is an observation only.
        ledger.read("NAT and proxies", "", f"could not be read: {error}")
    except Exception as error:  # noqa: BLE001 - a bug of ours makes the rule unknown, said aloud
        return Held(None, (), error)
    ledger.close()
    return Held(where, tuple(ledger.observations))

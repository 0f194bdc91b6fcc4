"""Preconditions: where a declared item is served, before the host's own sockets are asked of it."""

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
    """A declared item is not, or perhaps not, what this host's facts are about.

    Attributes:
        why: one line for people.
        surely: nothing of it is here, and the rule is not applicable; else the rule is unknown.
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
    """Tells where a declared item is served. A rule names it as ``judged_if``.

    Attributes:
        where: from the item and facts, by the names of its further arguments, to where it is.
            What it cannot read is no reason against judging.
        probes: the names of those facts.
    """

    where: Callable[..., Whereabouts]
    probes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What a precondition came to for one item of one host.

    Attributes:
        where: the answer.
        observations: what it looked at.
        crash: the bug that ended it, None if none did.
    """

    where: Whereabouts
    observations: tuple[Observation, ...]
    crash: Exception | None = None


def precondition(where: Callable[..., Whereabouts]) -> Precondition:
    """A precondition; the further arguments of `where` name the facts that it takes."""
    _item, *probes = inspect.signature(where).parameters
    return Precondition(where, tuple(probes))


def held(condition: Precondition, subject: Subject, item: Named) -> Held:
    """What a precondition comes to; it is worked out once for all rules that name it."""
    key = (condition, item.name)
    known = subject.preconditions.get(key)
    if known is None:
        known = subject.preconditions[key] = _worked_out(condition, subject, item)
    return known


def _worked_out(condition: Precondition, subject: Subject, item: Named) -> Held:
    ledger = Ledger()
    where: Whereabouts = None
    try:
        facts = {name: subject.bound(name, ledger) for name in condition.probes}
        where = condition.where(item, **facts)
    except UnreadableFactError as error:
        # A login without privilege still judges: the observations say what it could not see.
        ledger.read("NAT and proxies", "", f"could not be read: {error}")
    except Exception as error:  # noqa: BLE001 - a bug of ours makes the rule unknown, said aloud
        return Held(None, (), error)
    ledger.close()
    return Held(where, tuple(ledger.observations))

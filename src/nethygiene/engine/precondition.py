"""Preconditions: they find out where a declared item is served, before it is judged."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from nethygiene.engine.items import Named
from nethygiene.engine.outcomes import Observation


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

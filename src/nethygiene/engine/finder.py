"""Finders: they find the items of one kind on a host, for each of which a rule has one result.

A finder stands as FINDER in a module of its own on a subject's shelf. The module has the name of
the argument by which rules ask for its items.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from nethygiene.engine.items import Named
from nethygiene.engine.outcomes import Observation, Outcome

_JUDGED = "judged"
_POLICY = "policy"


@dataclass(frozen=True, slots=True)
class OtherVerdict:
    """What another rule of the run came to, for one item.

    Attributes:
        rule: its id.
        outcome: what it came to.
        observations: what it looked at.
        defaults: what every kernel sets by itself, of the sysctls that it judges.
    """

    rule: str
    outcome: Outcome
    observations: tuple[Observation, ...]
    defaults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds the items of one kind on a host.

    Attributes:
        find: from facts, by the names of its arguments, to the items.
        probes: the names of those facts.
        nothing: what is said where there are none.
        after: a probe; the finder also takes ``judged``, which judges by the other rules of the
            run that read this probe. Empty for none.
        asks_policy: it also takes the host's ``policy``.
    """

    find: Callable[..., Iterable[Named]]
    probes: tuple[str, ...]
    nothing: str
    after: str = ""
    asks_policy: bool = False


def finder(find: Callable[..., Iterable[Named]], nothing: str, *, after: str = "") -> Finder:
    """A finder; the arguments of `find` name the facts that it takes."""
    arguments = inspect.signature(find).parameters
    probes = tuple(name for name in arguments if name not in {_JUDGED, _POLICY})
    return Finder(find, probes, nothing, after=after, asks_policy=_POLICY in arguments)

"""Finders: a finder finds the items of one kind on a host or in a group of hosts.

A rule has one result for each item.

A finder is FINDER in a module of its own on a subject's shelf. The module has the name of the
argument by which rules ask for its items.
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
    """The verdict of another rule of the run for one item.

    Attributes:
        rule: its id.
        outcome: its outcome.
        observations: what it looked at.
        defaults: the kernel's own values of sysctls that it judges, by name.
    """

    rule: str
    outcome: Outcome
    observations: tuple[Observation, ...]
    defaults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds the items of one kind on a host.

    Attributes:
        find: returns the items from facts, which are named by its arguments.
        probes: the names of those facts.
        nothing: the message if there are none.
        after: a probe; the finder also takes ``judged``, which judges by the other rules of the
            run that read this probe. Empty for none.
        asks_policy: the finder also takes the host's ``policy``.
        of_groups: it takes :class:`~nethygiene.engine.each.Each` member's fact, for rules that
            judge several hosts.
    """

    find: Callable[..., Iterable[Named]]
    probes: tuple[str, ...]
    nothing: str
    after: str = ""
    asks_policy: bool = False
    of_groups: bool = False


def finder(
    find: Callable[..., Iterable[Named]], nothing: str, *, after: str = "", of_groups: bool = False
) -> Finder:
    """A finder; the arguments of `find` name the facts that it takes."""
    arguments = inspect.signature(find).parameters
    probes = tuple(name for name in arguments if name not in {_JUDGED, _POLICY})
    asks_policy = _POLICY in arguments
    return Finder(find, probes, nothing, after, asks_policy, of_groups)

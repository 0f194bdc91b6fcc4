"""Matches: each answers for all sources at once, with yes, no or perhaps.

An answer is two masks of source classes: those that match, and those that perhaps do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

from nethygiene.firewall.addresses import (
    Classes,
    Family,
    Intervals,
    common,
    everything,
    holds,
    inverted,
    merged,
)
from nethygiene.firewall.packet import EPHEMERAL, Field, Packet
from nethygiene.firewall.routes import Routes

Answer = tuple[int, int]
"""The classes that match, and those that perhaps do."""

Values = Intervals | tuple[str, ...]
"""Numbers as intervals; names, of which one may end in a star."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What matches are asked on: the classes of sources, and the routes."""

    classes: Classes
    routes: Routes
    masks: dict[Intervals, int] = field(default_factory=dict)

    def mask(self, intervals: Intervals) -> int:
        """The classes in the intervals; they have to be among those that the classes are cut by."""
        known = self.masks.get(intervals)
        if known is None:
            known = self.masks[intervals] = self.classes.mask(intervals)
        return known


class Match(Protocol):
    """One condition of a rule."""

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """Which sources match."""

    def source_sets(self, family: Family) -> Iterator[Intervals]:
        """The sets of source addresses that it tells apart."""


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A condition that cannot be decided; `what` names it."""

    what: str

    def answer(self, packet: Packet, ground: Ground) -> Answer:  # noqa: ARG002
        """Perhaps, for all."""
        return 0, ground.classes.all

    def source_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Never:
    """A condition that no SYN of a new connection meets."""

    def answer(self, packet: Packet, ground: Ground) -> Answer:  # noqa: ARG002
        """No, for all."""
        return 0, 0

    def source_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a set: a value for each field; `perhaps` if it cannot be read wholly."""

    values: tuple[Values, ...]
    perhaps: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """The fields' values are, or are not, an element of a set.

    Attributes:
        fields: what is looked at.
        elements: the set; for a lone field one element, holding all its values.
        inverted: whether it has to be outside.
        bans: the set is one that programs add addresses to, as fail2ban does.
    """

    fields: tuple[Field, ...]
    elements: tuple[Element, ...]
    inverted: bool = False
    bans: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """Which sources are in the set."""
        yes = maybe = 0
        everyone = ground.classes.all
        for element in self.elements:
            good, doubtful = _element(self.fields, element, packet, ground)
            if element.perhaps:
                good, doubtful = 0, good | doubtful
            yes |= good
            maybe |= doubtful
            if yes == everyone:
                break
        maybe &= ~yes
        return (everyone & ~(yes | maybe), maybe) if self.inverted else (yes, maybe)

    def source_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """The source part of each element."""
        for place, one in enumerate(self.fields):
            if one is Field.SADDR:
                for element in self.elements:
                    yield _numbers(element.values[place])


def _element(fields: tuple[Field, ...], element: Element, packet: Packet, ground: Ground) -> Answer:
    yes, maybe = ground.classes.all, 0
    for one, values in zip(fields, element.values, strict=True):
        if one is Field.SADDR:
            good, doubtful = _source(values, packet, ground)
        else:
            known = _one(one, values, packet)
            good = ground.classes.all if known is True else 0
            doubtful = ground.classes.all if known is None else 0
        yes, maybe = yes & good, (yes | maybe) & (good | doubtful) & ~(yes & good)
        if not yes and not maybe:
            return 0, 0
    return yes, maybe


def _source(values: Values, packet: Packet, ground: Ground) -> Answer:
    if packet.masked_source:
        return 0, ground.classes.all
    return ground.mask(_numbers(values)), 0


def _one(one: Field, values: Values, packet: Packet) -> bool | None:
    if one is Field.SPORT:
        return _source_port(_numbers(values), packet)
    value = packet.value(one)
    if value is None:
        return None
    if isinstance(value, int):
        return holds(_numbers(values), value)
    return any(_named(value, name) for name in values if isinstance(name, str))


def _source_port(values: Intervals, packet: Packet) -> bool | None:
    possible = (EPHEMERAL,) if packet.ephemeral else ((0, 65535),)
    shared = common(possible, values)
    if not shared:
        return False
    return True if shared == possible else None


def _named(value: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern or fnmatchcase(value, pattern) if "[" in pattern else value == pattern


def _numbers(values: Values) -> Intervals:
    return tuple(one for one in values if not isinstance(one, str))


def sources(intervals: Intervals, *, inverted: bool = False, bans: bool = False) -> In:
    """The source lies in the intervals."""
    return In((Field.SADDR,), (Element((intervals,)),), inverted, bans)


def numbers(one: Field, intervals: Intervals, *, inverted: bool = False) -> In:
    """A numeric field lies in the intervals."""
    return In((one,), (Element((merged(intervals),)),), inverted)


def names(one: Field, values: tuple[str, ...], *, inverted: bool = False) -> In:
    """A field is one of the names."""
    return In((one,), (Element((values,)),), inverted)


@dataclass(frozen=True, slots=True)
class MarkIs:
    """The packet mark, masked, has a value."""

    mask: int
    values: Intervals
    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """By the mark that rules have set."""
        if packet.mark is None:
            return 0, ground.classes.all
        good = holds(self.values, packet.mark & self.mask) is not self.inverted
        return (ground.classes.all, 0) if good else (0, 0)

    def source_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class ReversePath:
    """There is a route back to the source; `by_iif`: through the interface that it came in by."""

    by_iif: bool
    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """By the routes."""
        yes = maybe = 0
        for intervals, ways in ground.routes.ways(packet.family, packet.daddr):
            mask = ground.mask(intervals)
            if not self.by_iif:
                good: bool | None = bool(ways.devices) if ways.certain else None
            elif packet.iif is None or not ways.certain:
                good = None if ways.devices else False
            else:
                good = packet.iif in ways.devices
            yes |= mask if good is True else 0
            maybe |= mask if good is None else 0
        if self.inverted:
            yes = ground.classes.all & ~(yes | maybe)
        return yes, maybe

    def source_sets(self, family: Family) -> Iterator[Intervals]:
        """None besides those of the routes, by which the classes are cut already."""
        return iter((everything(family),))


@dataclass(frozen=True, slots=True)
class DestinationIsLocal:
    """The destination is an address of the host."""

    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """By the table of local routes."""
        good = ground.routes.is_local(packet.family, packet.daddr) is not self.inverted
        return (ground.classes.all, 0) if good else (0, 0)

    def source_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


__all__ = [
    "Answer",
    "DestinationIsLocal",
    "Element",
    "Ground",
    "In",
    "MarkIs",
    "Match",
    "Never",
    "Perhaps",
    "ReversePath",
    "Values",
    "inverted",
    "names",
    "numbers",
    "sources",
]

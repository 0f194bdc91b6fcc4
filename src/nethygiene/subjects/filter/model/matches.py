"""Matches: each answers for all clients at once, with yes, no or perhaps.

An answer is two masks of classes of client addresses: those that match, and those that perhaps do.
A packet that lacks what is asked for, such as a port, never matches, whether inverted or not.
This is three-valued matching, as in Diekmann, Hupel and Carle (Semantics-Preserving Simplification
of Real-World Firewall Rule Sets, 2015; the tool is fffuu): a match that the model does not know may
or may not hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

from nethygiene.subjects.filter.model.addresses import Classes, Intervals, common, holds, merged
from nethygiene.subjects.filter.model.choices import Choice
from nethygiene.subjects.filter.model.fields import ADDRESS_FIELDS, CLIENT, Bits, Field
from nethygiene.subjects.filter.model.links import Links
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.links.ip.families import Family

Answer = tuple[int, int]
"""The classes that match, and those that perhaps do."""

Values = Intervals | tuple[str, ...]
"""Numbers as intervals; names, of which one may end in a star."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What matches are asked on: the classes of clients' addresses, routes and interfaces.

    Attributes:
        classes: of clients' addresses.
        routes: of both families.
        links: the interfaces; None where they do not matter.
        masks: the classes of intervals that were asked for already.
        kinds: likewise, for :mod:`nethygiene.subjects.filter.model.address_types`.
    """

    classes: Classes
    routes: RoutingTables
    links: Links | None = None
    masks: dict[Intervals, int] = field(default_factory=dict)
    kinds: dict[tuple[Family, str | None], dict[str, Intervals]] = field(default_factory=dict)

    def mask(self, intervals: Intervals) -> int:
        """The classes in the intervals; they have to be among those that the classes are cut by."""
        known = self.masks.get(intervals)
        if known is None:
            known = self.masks[intervals] = self.classes.mask(intervals)
        return known


class Match(Protocol):
    """One condition of a rule."""

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """Which clients match."""

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """The sets of addresses that it tells apart, at either end of a packet."""


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A condition that cannot be decided; `what` names it."""

    what: str

    def answer(self, packet: Packet, ground: Ground) -> Answer:  # noqa: ARG002
        """Perhaps, for all."""
        return 0, ground.classes.all

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Never:
    """A condition that no packet of those that are followed meets."""

    def answer(self, packet: Packet, ground: Ground) -> Answer:  # noqa: ARG002
        """No, for all."""
        return 0, 0

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Varies:
    """A limit, a list or chance: it goes both ways, as the packet says.

    Attributes:
        choice: which.
        wanted: whether it has to be beyond the limit, or on the list.
        list_name: a list that makes it certain if a rule has put the client there on the way.
    """

    choice: Choice
    wanted: bool = True
    list_name: str = ""

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """By what the packet says; perhaps, where it leaves it open."""
        chosen = packet.chosen(self.choice)
        if self.list_name and self.list_name in packet.listed:
            chosen = True
        if chosen is None:
            return 0, ground.classes.all
        return (ground.classes.all, 0) if chosen is self.wanted else (0, 0)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a set: a value for each field.

    Attributes:
        values: as many as the set has fields.
        perhaps: it cannot be read wholly.
        exception: what it holds is not in the set, though elements before it hold it.
    """

    values: tuple[Values, ...]
    perhaps: bool = False
    exception: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """The fields' values are, or are not, an element of a set.

    Attributes:
        fields: what is looked at.
        elements: the set; for a lone field one element, holding all its values. Where there
            are exceptions the last element that holds a packet decides.
        inverted: whether it has to be outside.
        bans: the set is one that programs add addresses to, as fail2ban does.
        protocol: the packet has to be of this protocol first, as ``tcp dport`` asks; 0 for any.
        filled: rules add clients to the set; None where none does.
        excepting: some of its elements are exceptions.
    """

    fields: tuple[Field, ...]
    elements: tuple[Element, ...]
    inverted: bool = False
    bans: bool = False
    protocol: int = 0
    filled: Choice | None = None
    excepting: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """Which clients are in the set."""
        if self.protocol and packet.kind.protocol != self.protocol:
            return 0, 0
        if any(packet.value(one) == () for one in self.fields):
            return 0, 0
        yes = maybe = 0
        everyone = ground.classes.all
        for element in self.elements:
            good, doubtful = _element(self.fields, element, packet, ground)
            if element.perhaps:
                good, doubtful = 0, good | doubtful
            if element.exception:
                yes, maybe = yes & ~(good | doubtful), (maybe | (yes & doubtful)) & ~good
                continue
            yes |= good
            maybe |= doubtful
            if yes == everyone and not self.excepting:
                break
        if self.filled is not None:
            chosen = self.filled.name in packet.listed or packet.chosen(self.filled)
            if chosen is not False:
                yes, maybe = (everyone, 0) if chosen else (yes, everyone)
        maybe &= ~yes
        return (everyone & ~(yes | maybe), maybe) if self.inverted else (yes, maybe)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """The addresses of each element."""
        for place, one in enumerate(self.fields):
            if one in ADDRESS_FIELDS:
                for element in self.elements:
                    yield _numbers(element.values[place])


def _element(fields: tuple[Field, ...], element: Element, packet: Packet, ground: Ground) -> Answer:
    yes, maybe = ground.classes.all, 0
    for one, values in zip(fields, element.values, strict=True):
        found = packet.value(one)
        if found is CLIENT:
            good, doubtful = ground.mask(_numbers(values)), 0
        else:
            known = _among(found, values)
            good = ground.classes.all if known is True else 0
            doubtful = ground.classes.all if known is None else 0
        yes, maybe = yes & good, (yes | maybe) & (good | doubtful) & ~(yes & good)
        if not yes and not maybe:
            return 0, 0
    return yes, maybe


def _among(found: Intervals | tuple[str, ...] | Bits | None, values: Values) -> bool | None:
    """Whether what a packet holds is one of the values; None: perhaps."""
    if found is None:
        return None
    if isinstance(found, Bits):
        return bits_among(found, 0xFFFFFFFF, _numbers(values))
    answers = {
        _one_name(each, values) if isinstance(each, str) else stretch_among(each, _numbers(values))
        for each in found
    }
    return answers.pop() if len(answers) == 1 else None


def _one_name(name: str, values: Values) -> bool:
    return any(_named(name, pattern) for pattern in values if isinstance(pattern, str))


def stretch_among(possible: tuple[int, int], values: Intervals) -> bool | None:
    """Whether all numbers of a stretch are among the values; None: some of them."""
    low, high = possible
    if low == high:
        return holds(values, low)
    shared = common((possible,), values)
    if not shared:
        return False
    return True if shared == (possible,) else None


def bits_among(found: Bits, mask: int, values: Intervals) -> bool | None:
    """Whether the masked bits are one of the values."""
    known = found.known & mask
    if known == mask:
        return holds(values, found.value & mask)
    if sum(high - low for low, high in values) > 64:
        return None
    possible = (one for low, high in values for one in range(low, high + 1))
    fits = any(one & known == found.value & known and not one & ~mask for one in possible)
    return None if fits else False


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
class AnyOf:
    """At least one of several conditions is met; `inverted`: none is."""

    matches: tuple[Match, ...]
    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """By each of them."""
        yes = maybe = 0
        for one in self.matches:
            good, doubtful = one.answer(packet, ground)
            yes, maybe = yes | good, maybe | doubtful
        maybe &= ~yes
        return (ground.classes.all & ~(yes | maybe), maybe) if self.inverted else (yes, maybe)

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """Those of each."""
        for one in self.matches:
            yield from one.client_sets(family)

"""Matches: each answers for all clients at once, with yes, no or perhaps.

An answer is two masks of classes of client addresses: those that match, and those that may match. A
packet without the field in question, such as a port, never matches, even if the match is inverted.
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
"""The classes that match, and those that may match."""

Values = Intervals | tuple[str, ...]
"""Numbers as intervals, or names, of which one may end in a star."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground on which matches answer: classes of clients' addresses, routes and interfaces.

    Attributes:
        classes: the classes of clients' addresses.
        routes: the routes of both families.
        links: the interfaces; None if they do not matter.
        masks: the classes of intervals, kept from earlier questions.
        kinds: likewise, for :mod:`nethygiene.subjects.filter.model.address_types`.
    """

    classes: Classes
    routes: RoutingTables
    links: Links | None = None
    masks: dict[Intervals, int] = field(default_factory=dict)
    kinds: dict[tuple[Family, str | None], dict[str, Intervals]] = field(default_factory=dict)

    def mask(self, intervals: Intervals) -> int:
        """The classes in the intervals, which have to be among those that cut the classes."""
        mask = self.masks.get(intervals)
        if mask is None:
            mask = self.masks[intervals] = self.classes.mask(intervals)
        return mask


class Match(Protocol):
    """One condition of a rule."""

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """Which clients match."""

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """The sets of addresses that it distinguishes, at either end of a packet."""


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A condition that cannot be decided; `what` names it."""

    what: str

    def answer(self, packet: Packet, ground: Ground) -> Answer:  # noqa: ARG002
        """Perhaps, for all."""
        return 0, ground.classes.all

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """No set: this condition asks for no client."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Never:
    """A condition that none of the packets meets that the model follows."""

    def answer(self, packet: Packet, ground: Ground) -> Answer:  # noqa: ARG002
        """No, for all."""
        return 0, 0

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """No set: this condition asks for no client."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Varies:
    """A limit, a list or chance, which goes both ways; the packet says which way it goes.

    Attributes:
        choice: the limit, list or chance.
        wanted: whether it has to be beyond the limit, or on the list.
        list_name: a list on which a rule may have put the client on the way, which decides.
    """

    choice: Choice
    wanted: bool = True
    list_name: str = ""

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """The packet's choice; perhaps, if it leaves it open."""
        chosen = packet.chosen(self.choice)
        if self.list_name and self.list_name in packet.listed:
            chosen = True
        if chosen is None:
            return 0, ground.classes.all
        return (ground.classes.all, 0) if chosen is self.wanted else (0, 0)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """No set: this condition asks for no client."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a set: a value for each field.

    Attributes:
        values: one for each field of the set.
        perhaps: it could not be read completely.
        exception: the set does not hold what it holds, even if earlier elements do.
    """

    values: tuple[Values, ...]
    perhaps: bool = False
    exception: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """The fields' values are, or are not, an element of a set.

    Attributes:
        fields: the fields of a packet.
        elements: the set; for a single field, one element with all its values. With exceptions, the
            last element that holds a packet decides.
        inverted: whether the packet has to be outside.
        bans: programs add addresses to the set, as fail2ban does.
        protocol: the packet has to be of this protocol, as for ``tcp dport``; 0 for any.
        filled: the choice of rules that add clients to the set; None if none does.
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
        if any(packet.value(key) == () for key in self.fields):
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
        for place, key in enumerate(self.fields):
            if key in ADDRESS_FIELDS:
                for element in self.elements:
                    yield _numbers(element.values[place])


def _element(fields: tuple[Field, ...], element: Element, packet: Packet, ground: Ground) -> Answer:
    yes, maybe = ground.classes.all, 0
    for key, values in zip(fields, element.values, strict=True):
        value = packet.value(key)
        if value is CLIENT:
            good, doubtful = ground.mask(_numbers(values)), 0
        else:
            inside = _among(value, values)
            good = ground.classes.all if inside is True else 0
            doubtful = ground.classes.all if inside is None else 0
        yes, maybe = yes & good, (yes | maybe) & (good | doubtful) & ~(yes & good)
        if not yes and not maybe:
            return 0, 0
    return yes, maybe


def _among(value: Intervals | tuple[str, ...] | Bits | None, values: Values) -> bool | None:
    """Whether a packet's value is one of the values; None for perhaps."""
    if value is None:
        return None
    if isinstance(value, Bits):
        return bits_among(value, 0xFFFFFFFF, _numbers(values))
    answers = {
        _one_name(each, values) if isinstance(each, str) else stretch_among(each, _numbers(values))
        for each in value
    }
    return answers.pop() if len(answers) == 1 else None


def _one_name(name: str, values: Values) -> bool:
    return any(_named(name, pattern) for pattern in values if isinstance(pattern, str))


def stretch_among(possible: tuple[int, int], values: Intervals) -> bool | None:
    """Whether all numbers of a stretch are among the values; None if only some are."""
    low, high = possible
    if low == high:
        return holds(values, low)
    shared = common((possible,), values)
    if not shared:
        return False
    return True if shared == (possible,) else None


def bits_among(bits: Bits, mask: int, values: Intervals) -> bool | None:
    """Whether the masked bits are one of the values."""
    read = bits.known & mask
    if read == mask:
        return holds(values, bits.value & mask)
    if sum(high - low for low, high in values) > 64:
        return None
    possible = (number for low, high in values for number in range(low, high + 1))
    fits = any(number & read == bits.value & read and not number & ~mask for number in possible)
    return None if fits else False


def _named(value: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern or fnmatchcase(value, pattern) if "[" in pattern else value == pattern


def _numbers(values: Values) -> Intervals:
    return tuple(value for value in values if not isinstance(value, str))


def sources(intervals: Intervals, *, inverted: bool = False, bans: bool = False) -> In:
    """The source lies in the intervals."""
    return In((Field.SADDR,), (Element((intervals,)),), inverted, bans)


def numbers(key: Field, intervals: Intervals, *, inverted: bool = False) -> In:
    """A numeric field lies in the intervals."""
    return In((key,), (Element((merged(intervals),)),), inverted)


def names(key: Field, values: tuple[str, ...], *, inverted: bool = False) -> In:
    """A field is one of the names."""
    return In((key,), (Element((values,)),), inverted)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of several conditions is met; `inverted`: none is."""

    matches: tuple[Match, ...]
    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """The answers of all conditions together."""
        yes = maybe = 0
        for match in self.matches:
            good, doubtful = match.answer(packet, ground)
            yes, maybe = yes | good, maybe | doubtful
        maybe &= ~yes
        return (ground.classes.all & ~(yes | maybe), maybe) if self.inverted else (yes, maybe)

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """The sets of all conditions."""
        for match in self.matches:
            yield from match.client_sets(family)

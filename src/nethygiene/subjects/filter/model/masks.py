"""Matches of single bits: of a mark, of TCP's flags, of a connection's status, of addresses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from nethygiene.subjects.filter.model.addresses import BITS, Intervals, holds, merged
from nethygiene.subjects.filter.model.choices import Choice, Scope
from nethygiene.subjects.filter.model.fields import ADDRESS_FIELDS, CLIENT, Bits, Field
from nethygiene.subjects.filter.model.matches import Answer, Ground, bits_among
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.links.ip.families import Family


@dataclass(frozen=True, slots=True)
class Masked:
    """Some bits of a field have a value: of a mark, of TCP's flags, of a connection's status.

    Attributes:
        field: the field of a packet.
        mask: the bits of it that count.
        values: the values that they may have.
        inverted: whether they have to have another value.
        protocol: the packet has to be of this protocol; 0 for any.
    """

    field: Field
    mask: int
    values: Intervals
    inverted: bool = False
    protocol: int = 0

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """The answer for the packet's bits."""
        value = packet.value(self.field)
        if value == () or (self.protocol and packet.kind.protocol != self.protocol):
            return 0, 0
        answer: bool | None = None
        if value is CLIENT:
            return self._of_clients(packet, ground)
        if isinstance(value, Bits):
            answer = bits_among(value, self.mask, self.values)
        elif value is not None and len(value) == 1:
            only = value[0]
            if not isinstance(only, str) and only[0] == only[1]:
                answer = holds(self.values, only[0] & self.mask)
        if answer is None:
            return 0, ground.classes.all
        return (ground.classes.all, 0) if answer is not self.inverted else (0, 0)

    @property
    def choice(self) -> Choice:
        """The choice that stands for it if the addresses are too scattered."""
        return Choice(f"{self.field.name} & {self.mask:#x} in {self.values}", Scope.PART)

    def is_choice(self, family: Family) -> bool:
        """Whether a choice stands for it."""
        scattered = masked_stretches(self.mask, self.values, BITS[family]) is None
        return self.field in ADDRESS_FIELDS and scattered

    def _of_clients(self, packet: Packet, ground: Ground) -> Answer:
        stretches = masked_stretches(self.mask, self.values, BITS[packet.family])
        if stretches is None:
            chosen = packet.chosen(self.choice)
            if chosen is None:
                return 0, ground.classes.all
            return (ground.classes.all, 0) if chosen is not self.inverted else (0, 0)
        good = ground.mask(stretches)
        return (ground.classes.all & ~good if self.inverted else good), 0

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """The addresses whose masked bits have one of the values."""
        if self.field in ADDRESS_FIELDS:
            stretches = masked_stretches(self.mask, self.values, BITS[family])
            if stretches is not None:
                yield stretches


_MOST_STRETCHES = 4096


@cache
def masked_stretches(mask: int, values: Intervals, bits: int) -> Intervals | None:
    """The numbers whose masked bits are one of the values; None if they are too scattered."""
    everything_ = (1 << bits) - 1
    mask &= everything_
    low = (mask & -mask).bit_length() - 1 if mask else bits
    holes = [1 << place for place in range(low, bits) if not mask >> place & 1]
    many = sum(last - first + 1 for first, last in values)
    if many << min(len(holes), 16) > _MOST_STRETCHES:
        return None
    numbers = [number for first, last in values for number in range(first, last + 1)]
    starts = [number for number in numbers if not number & ~mask]
    for hole in holes:
        starts += [start | hole for start in starts]
    return merged((start, start | ((1 << low) - 1)) for start in starts)


def any_bit(field: Field, bits: int, *, inverted: bool = False) -> Masked:
    """One of these bits of a field is set; `inverted`: none is."""
    return Masked(field, bits, ((0, 0),), not inverted)

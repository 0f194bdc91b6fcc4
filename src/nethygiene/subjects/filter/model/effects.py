"""The effects of a rule on a packet before its action: marks, tracking, lists, source NAT."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nethygiene.subjects.filter.model.conntrack import CtState
from nethygiene.subjects.filter.model.ends import NewSource
from nethygiene.subjects.filter.model.fields import Bits, Field
from nethygiene.subjects.filter.model.packet import Packet


@dataclass(frozen=True, slots=True)
class SetMark:
    """A mark becomes ``(mark & keep) ^ value``, or ``… ^ (other mark & mask)`` besides.

    Attributes:
        keep: the bits that stay.
        value: what they are changed by; None: nobody can tell what.
        field: which mark: the packet's, or its connection's.
        copied: a mark whose bits are taken besides; None for none.
        mask: which of its bits.
    """

    keep: int = 0
    value: int | None = None
    field: Field = Field.MARK
    copied: Field | None = None
    mask: int = 0xFFFFFFFF

    def applied(self, packet: Packet) -> Packet:
        """The packet with the new mark; without a connection there is no connection's mark."""
        connected = packet.value(Field.CT_MARK) != ()
        if not connected and Field.CT_MARK in {self.field, self.copied}:
            return packet
        change = Bits(self.value or 0, 0 if self.value is None else 0xFFFFFFFF)
        if self.copied is not None:
            source = packet.mark if self.copied is Field.MARK else packet.ct_mark
            change = source.masked(self.mask, change)
        if self.field is Field.MARK:
            return replace(packet, mark=packet.mark.masked(self.keep, change))
        return replace(packet, ct_mark=packet.ct_mark.masked(self.keep, change))


@dataclass(frozen=True, slots=True)
class Untrack:
    """Connection tracking, which sees a packet later, leaves it alone."""

    def applied(self, packet: Packet) -> Packet:
        """The packet, unless connection tracking has seen it already."""
        return packet if packet.seen else replace(packet, untracked=True, state=CtState.UNTRACKED)


@dataclass(frozen=True, slots=True)
class PutInZone:
    """Connection tracking, which sees a packet later, looks for it in another zone.

    An answer that no rule puts into the same zone belongs to no connection (Linux 6.18).
    """

    zone: str

    def applied(self, packet: Packet) -> Packet:
        """The packet, unless connection tracking has seen it already."""
        return packet if packet.seen else replace(packet, zone=self.zone)


@dataclass(frozen=True, slots=True)
class PutOn:
    """The client is put on a list, or taken off it."""

    name: str
    off: bool = False

    def applied(self, packet: Packet) -> Packet:
        """The packet, with the list among its own."""
        changed = packet.listed - {self.name} if self.off else packet.listed | {self.name}
        return replace(packet, listed=changed)


@dataclass(frozen=True, slots=True)
class MaskSource:
    """Source NAT gives the connection another source."""

    to: NewSource

    def applied(self, packet: Packet) -> Packet:
        """The packet, which NAT changes when it has asked all of its chain."""
        return replace(packet, source_nat=self.to)


Effect = SetMark | Untrack | PutInZone | PutOn | MaskSource
"""An effect of a rule on a packet before its action."""

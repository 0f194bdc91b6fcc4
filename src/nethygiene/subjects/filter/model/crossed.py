"""What becomes of one connection at one host: each of its packets, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nethygiene.subjects.filter.model.crosser import Crosser, lose
from nethygiene.subjects.filter.model.crossings import Course
from nethygiene.subjects.filter.model.fields import NO_MARK, Field
from nethygiene.subjects.filter.model.introductions import Introductions
from nethygiene.subjects.filter.model.kinds import (
    ACK_IN,
    DATA_IN,
    DATA_OUT,
    SYN_ACK_OUT,
    PacketKind,
)
from nethygiene.subjects.filter.model.trace import Trace
from nethygiene.subjects.filter.model.traced import TracedPacket

_LATER = frozenset({Field.CT_STATE, Field.CT_STATUS, Field.CT_DIRECTION, Field.CT_MARK})
_FLAGS = frozenset({Field.TCP_FLAGS})


@dataclass(frozen=True)
class ConnectionCourse:
    """Follows TCP connections.

    Attributes:
        crosser: for their packets.
        introductions: the neighbours that have to find each other first.
    """

    crosser: Crosser
    introductions: Introductions

    def followed(self, syn: TracedPacket, kinds: Sequence[PacketKind], out: str | None) -> Course:
        """Follow a connection.

        Args:
            syn: its first packet. Its `near` is the interface on the side of who opens it, "" for
                this host. Its `far` is the interface by which its answers come in: "" for this
                host, None for the one that the SYN leaves by.
            kinds: the packets to follow, in their order, without the SYN.
            out: the interface that the SYN leaves by if the routes do not tell.
        """
        trace = Trace()
        left = self._opened(syn, out, trace)
        return self._followed(left, kinds, left, trace)

    def answered(self, syn: TracedPacket, kinds: Sequence[PacketKind]) -> Course:
        """Follow the answers of a connection whose other packets do not come by this host."""
        trace = Trace()
        packet = replace(syn, outside=syn.inside).next(kinds[0])
        if not self.introductions.is_found(packet, trace):
            return Course((), (), trace)
        left = [
            after
            for after in self._later(packet, syn, trace)
            if self.introductions.finds(after, after.oif, trace)
        ]
        return self._followed(left, kinds[1:], left, trace)

    def _followed(
        self,
        packets: list[TracedPacket],
        kinds: Sequence[PacketKind],
        left: list[TracedPacket],
        trace: Trace,
    ) -> Course:
        for kind in kinds:
            following: dict[TracedPacket, None] = {}
            for before in packets:
                later = self._later(before.next(kind), before, trace)
                following.update(dict.fromkeys(later))
            packets = list(following)
        return Course(packets, left, trace)

    def kinds(self, *, speaks: bool) -> tuple[PacketKind, ...]:
        """The packets after the SYN that rules can distinguish from earlier ones."""
        ruleset = self.crosser.hooks.ruleset
        flags = ruleset.asks(_FLAGS)
        if flags and speaks:
            return SYN_ACK_OUT, ACK_IN, DATA_IN, DATA_OUT
        if flags or ruleset.asks(_LATER):
            return SYN_ACK_OUT, ACK_IN, DATA_OUT
        return (SYN_ACK_OUT,)

    def _opened(self, syn: TracedPacket, out: str | None, trace: Trace) -> list[TracedPacket]:
        crosser = self.crosser
        if syn.near == "":
            came = crosser.goes(syn, trace, out=out)
        else:
            if not self.introductions.is_found(syn, trace):
                return []
            came = crosser.comes(syn, trace, out=out)
        opened: list[TracedPacket] = []
        for packet in came:
            arrived = packet.oif in {"", "lo"}
            far = "" if arrived else packet.oif if syn.far is None else syn.far
            placed = replace(packet, far=far, outside=packet.ends)
            if arrived or self.introductions.finds(placed, packet.oif, trace):
                opened.append(placed)
        return opened

    def _later(
        self, packet: TracedPacket, before: TracedPacket, trace: Trace
    ) -> list[TracedPacket]:
        crosser = self.crosser
        if packet.iif == "":
            # An accepted socket may have the mark of its SYN (tcp_fwmark_accept).
            marks = (NO_MARK, before.mark) if packet.kind.reply and packet.far == "" else (NO_MARK,)
            came = crosser.goes(packet, trace, out=_other(packet), marks=marks)
        else:
            came = crosser.comes(packet, trace, out=_other(packet))
        assert packet.outside is not None
        wanted = packet.inside.turned() if packet.kind.reply else packet.outside
        passed: list[TracedPacket] = []
        for after in came:
            if after.ends == wanted:
                passed.append(after)
            elif packet.kind.reply:
                lose(trace, after, "does not translate the answer back: it is not tracked", "NAT")
            else:
                lose(trace, after, "does not translate it as the SYN: it is not tracked", "NAT")
        return passed


def _other(packet: TracedPacket) -> str | None:
    """The interface on the side where a packet goes."""
    return (packet.near if packet.kind.reply else packet.far) or None

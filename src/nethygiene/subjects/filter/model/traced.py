"""A packet whose both ends are known, as far as they can be, at every point of its way.

Other packets of the model belong to classes of clients. This one belongs to one connection, of
which NAT on this host may change either end: what leaves the host is what the next host sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nethygiene.subjects.filter.model.conntrack import CtState, Entry
from nethygiene.subjects.filter.model.ends import Ends
from nethygiene.subjects.filter.model.fields import NO_MARK, Bits, Field, Value
from nethygiene.subjects.filter.model.kinds import PacketKind
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.readers import has_entry

NOWHERE = Ends(None, (), None, ())


@dataclass(frozen=True, slots=True)
class TracedPacket(Packet):
    """One packet of one connection.

    Its `near` is the interface on the side of who opened the connection, its `far` the interface
    on the other side; "" is the host itself.

    Attributes:
        inside: the ends of the connection's first packet, before NAT.
        outside: its ends as it arrives or leaves, after NAT; None until it does.
        sent: its ends as NAT has made them so far; None where NAT has changed nothing.
        given: the state that connection tracking gives a packet of a protocol without a
            handshake; None to tell it from the earlier packets of a TCP connection.
        routed_by: the mark by which it was routed, of the host's own packets if the output hook
            has routed them anew; None for no mark.
        is_later: earlier packets that are not followed may have marked its connection, or NAT
            changed it.
    """

    inside: Ends = field(default=NOWHERE)
    outside: Ends | None = None
    sent: Ends | None = None
    given: CtState | None = None
    is_later: bool = False
    routed_by: Bits | None = None

    @property
    def ends(self) -> Ends:
        """Its ends as they are now."""
        assert isinstance(self.saddr, tuple | None)
        assert isinstance(self.daddr, tuple | None)
        return Ends(self.saddr, self.sport, self.daddr, self.dport)

    def value(self, field: Field) -> Value:
        """The field's possible values: empty if the packet has no such field."""
        read = _READERS.get(field)
        return Packet.value(self, field) if read is None else read(self)

    def tracked(self) -> Packet:
        """The packet after connection tracking."""
        if self.given is None or self.untracked or self.kind.leaves_alone:
            return Packet.tracked(self)
        # A rule may have put what came before into another zone.
        known = not self.zone or self.given is CtState.NEW
        return replace(self, seen=True, state=self.given if known else None)

    def next(self, kind: PacketKind) -> TracedPacket:
        """Another packet of the same connection, as it comes to the host or leaves its socket."""
        assert self.outside is not None
        ends = self.outside.turned() if kind.reply else self.inside
        return replace(
            self,
            kind=kind,
            saddr=ends.source,
            sport=ends.source_ports,
            daddr=ends.destination,
            dport=ends.ports,
            iif=self.far if kind.reply else self.near,
            oif="",
            mark=NO_MARK,
            seen=False,
            untracked=False,
            zone="",
            state=CtState.INVALID,
            routed_by=None,
        )

    @property
    def is_translatable(self) -> bool:
        """Whether NAT translates it as it did the first packet of its connection."""
        return self.seen and self.state in {CtState.ESTABLISHED, None} and self.sent is not None

    def translated_at(self, *, destination: bool) -> TracedPacket:
        """A later packet after NAT of its destination, or of its source."""
        if not self.is_translatable:
            return self
        assert self.sent is not None
        to = self.inside.turned() if self.kind.reply else self.sent
        if destination:
            return replace(self, daddr=to.destination, dport=to.ports)
        return replace(self, saddr=to.source, sport=to.source_ports)


def traced(
    kind: PacketKind, packet: tuple[str, Ends], near: str | None, far: str | None
) -> TracedPacket:
    """The first packet of a connection: its family and ends, and where it comes from and goes to.

    Args:
        kind: of the packet.
        packet: the family and the ends.
        near: the interface on the side of who opens the connection; "" for this host.
        far: the interface on the other side, likewise.
    """
    family, ends = packet
    given = (kind, family, near, "", ends.source, ends.destination, ends.source_ports, ends.ports)
    return TracedPacket(
        *given,  # type: ignore[arg-type]
        near=near,
        far=far,
        client_ports=ends.source_ports,
        inside=ends,
    )


def _of_connection(read: Callable[[Ends, Ends], Value]) -> Callable[[TracedPacket], Value]:
    """What connection tracking keeps: the ends of the first packet that it saw, and of its answer.

    It is unknown where that packet may be one that is not followed.
    """

    def known(packet: TracedPacket) -> Value:
        if not has_entry(packet):
            return ()
        if packet.is_later:
            return None
        if packet.entry is Entry.PICKED_UP:
            seen = (packet.outside or packet.inside).turned()
            return read(seen, seen.turned())
        return read(packet.inside, (packet.sent or packet.inside).turned())

    return known


def _mark(packet: TracedPacket) -> Value:
    if not has_entry(packet):
        return ()
    return Bits(0, 0) if packet.is_later else packet.ct_mark


def _status(packet: TracedPacket) -> Value:
    status = Packet.value(packet, Field.CT_STATUS)
    return Bits(0, 0) if packet.is_later and status != () else status


def _direction(packet: TracedPacket) -> Value:
    direction = Packet.value(packet, Field.CT_DIRECTION)
    return None if packet.is_later and direction != () else direction


_READERS: dict[Field, Callable[[TracedPacket], Value]] = {
    Field.CT_MARK: _mark,
    Field.CT_STATUS: _status,
    Field.CT_DIRECTION: _direction,
    Field.ORIGINAL_SADDR: _of_connection(lambda asked, _: asked.source),
    Field.ORIGINAL_DADDR: _of_connection(lambda asked, _: asked.destination),
    Field.ORIGINAL_SPORT: _of_connection(lambda asked, _: asked.source_ports or None),
    Field.ORIGINAL_DPORT: _of_connection(lambda asked, _: asked.ports or None),
    Field.REPLY_SADDR: _of_connection(lambda _, answer: answer.source),
    Field.REPLY_SPORT: _of_connection(lambda _, answer: answer.source_ports or None),
}

"""The packets that the model follows through the rules, and the fields that rules look at.

A packet belongs to a client: its address is not a number but a mask of classes, kept beside the
packet. The client is the source of what comes in and the destination of what goes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.choices import Choice, Scope
from nethygiene.subjects.filter.model.conntrack import SEEN, CtState, CtStatus, Entry
from nethygiene.subjects.filter.model.fields import (
    ANY_PORT,
    ARP,
    CLIENT,
    CWR,
    ECE,
    EPHEMERAL,
    ETHERTYPES,
    ICMP,
    ICMPV6,
    NO_MARK,
    PSH,
    TCP,
    URG,
    Address,
    Bits,
    Field,
    Value,
)
from nethygiene.subjects.filter.model.kinds import SYN_IN, PacketKind
from nethygiene.subjects.links.ip.families import Family


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, as far as it is known.

    Attributes:
        kind: the kind of packet.
        family: the family of its addresses.
        iif: the interface by which it came in; "" for none, None if unknown.
        oif: the interface by which it leaves, likewise.
        saddr: its source.
        daddr: its destination.
        sport: the ports that may be its source; empty without ports.
        dport: likewise its destination.
        mark: the packet mark.
        ct_mark: the mark of its connection.
        seen: connection tracking has seen this packet, at priority -200.
        untracked: a rule makes connection tracking leave it alone.
        state: its state in connection tracking; None if unknown.
        entry: connection tracking's entry of the connection, in the zone of this packet.
        zone: the zone in which connection tracking looks for it, by a rule; empty for none.
        kept: connection tracking's entry of the connection in each zone.
        near: the interface of the client's side; None if unknown.
        far: the interface of the other side of a forwarded connection, likewise; otherwise "".
        client_ports: the ports that the client may have.
        server: the address and port to which the client connects.
        translated: the address and port to which destination NAT takes the connection, if it does.
        source_nat: source NAT gives the client another address.
        listed: the lists on which a rule has put the client on the way.
        choices: conditions that go both ways, and which way they go this time.
    """

    kind: PacketKind
    family: Family
    iif: str | None
    oif: str | None
    saddr: Address
    daddr: Address
    sport: Intervals
    dport: Intervals
    near: str | None = None
    far: str | None = ""
    client_ports: Intervals = ()
    server: tuple[Intervals, Intervals] = ((), ())
    mark: Bits = NO_MARK
    ct_mark: Bits = NO_MARK
    seen: bool = False
    untracked: bool = False
    state: CtState | None = CtState.INVALID
    entry: Entry = Entry.NONE
    zone: str = ""
    kept: tuple[tuple[str, Entry], ...] = ()
    translated: tuple[Intervals, Intervals] | None = None
    source_nat: bool = False
    listed: frozenset[str] = frozenset()
    choices: frozenset[tuple[Choice, bool]] = frozenset()

    def value(self, field: Field) -> Value:
        """The field's possible values: empty if the packet has no such field."""
        return _READ[field](self)

    def chosen(self, choice: Choice) -> bool | None:
        """Whether the packet is beyond a limit or on a list this time; None for either."""
        if (choice, True) in self.choices:
            return True
        return False if (choice, False) in self.choices else None

    @property
    def service_port(self) -> int | None:
        """The port of the host's end."""
        ports = self.sport if self.kind.reply else self.dport
        return ports[0][0] if len(ports) == 1 and ports[0][0] == ports[0][1] else None

    @property
    def is_new(self) -> bool:
        """Whether connection tracking takes it for the first of a connection, which NAT asks."""
        return self.seen and self.state is CtState.NEW

    def tracked(self) -> Packet:
        """The packet after connection tracking."""
        if self.kind.arp:
            return self
        if self.untracked or self.kind.leaves_alone:
            return replace(self, seen=True, state=CtState.UNTRACKED)
        kept = dict(self.kept)
        before = kept.get(self.zone, Entry.NONE)
        state, entry = SEEN.get((before, self.kind), (None, before))
        kept[self.zone] = entry
        return replace(self, seen=True, state=state, entry=entry, kept=tuple(kept.items()))

    def to(self, address: Intervals, port: Intervals) -> Packet:
        """The packet after destination NAT; NAT that changes nothing leaves no trace."""
        if (address, port) == (self.daddr, self.dport):
            return self
        return replace(self, daddr=address, dport=port, translated=(address, port))

    def next(self, kind: PacketKind) -> Packet:
        """Another packet of the same connection, as it comes to the host or leaves its socket."""
        address, port = (self.translated or self.server) if kind.reply else self.server
        client: Address = None if kind.reply and self.source_nat else CLIENT
        return replace(
            self,
            kind=kind,
            iif=self.far if kind.reply else self.near,
            oif="",
            saddr=address if kind.reply else client,
            daddr=client if kind.reply else address,
            sport=port if kind.reply else self.client_ports,
            dport=self.client_ports if kind.reply else port,
            mark=NO_MARK,
            seen=False,
            untracked=False,
            zone="",
            state=CtState.INVALID,
        )

    def destination_translated(self) -> Packet:
        """A later packet of the connection after destination NAT."""
        if not self._is_translatable:
            return self
        if self.kind.reply:
            return replace(self, daddr=CLIENT, dport=self.client_ports) if self.source_nat else self
        if self.translated is None:
            return self
        return replace(self, daddr=self.translated[0], dport=self.translated[1])

    def source_moved(self) -> Packet:
        """The first packet after source NAT."""
        return replace(self, saddr=None, sport=ANY_PORT) if self.source_nat else self

    def source_translated(self) -> Packet:
        """A later packet of the connection after source NAT."""
        if not self._is_translatable:
            return self
        if self.kind.reply:
            if self.translated is None:
                return self
            return replace(self, saddr=self.server[0], sport=self.server[1])
        return self.source_moved()

    @property
    def _is_translatable(self) -> bool:
        return self.seen and self.state in {CtState.ESTABLISHED, None}


def new_connection(
    family: Family, iif: str | None, address: int, port: int, ports: Intervals = EPHEMERAL
) -> Packet:
    """The first SYN of a client, to one of the host's addresses, from one of `ports`."""
    to = ((address, address),), ((port, port),)
    return Packet(
        *(SYN_IN, family, iif, "", CLIENT, to[0], ports, to[1]),
        near=iif,
        client_ports=ports,
        server=to,
    )


def _number(number: int) -> Intervals:
    return ((number, number),)


def _name(name: str | None) -> tuple[str, ...] | None:
    return None if name is None else (name,)


def _is_ip(packet: Packet) -> bool:
    return not packet.kind.arp


ODD_FLAGS = PSH | URG | ECE | CWR
SILENT = Choice("a client that says nothing before the service does", Scope.LIST)
ODD_SYN = Choice("a SYN that asks for ECN, or wears flags that no rule need know", Scope.LIST)
"""A listener takes it like any other (tcp_rcv_state_process; Linux 6.18)."""


def _flags(packet: Packet) -> Bits:
    odd = packet.kind is SYN_IN and packet.chosen(ODD_SYN)
    return Bits(packet.kind.flags | ODD_FLAGS if odd else packet.kind.flags)


def _icmp(protocol: int) -> Callable[[Packet], Value]:
    def read(packet: Packet) -> Value:
        kind = packet.kind
        return _number(kind.icmp_type) if kind.protocol == protocol else ()

    return read


def _status(packet: Packet) -> Value:
    if not _has_entry(packet):
        return ()
    bits, known = 0, 0xFFFFFFFF & ~CtStatus.NAT_DONE
    if packet.entry in {Entry.MIDDLE, Entry.PICKED_UP}:
        known &= ~CtStatus.CONFIRMED  # the first of its packets is not, those after it are
    elif packet.state is not CtState.NEW:
        bits |= CtStatus.SEEN_REPLY | CtStatus.CONFIRMED
    if packet.entry is Entry.ESTABLISHED:
        bits |= CtStatus.ASSURED
    if packet.translated:
        bits |= CtStatus.DST_NAT
    if packet.source_nat:
        bits |= CtStatus.SRC_NAT
    return Bits(bits, known)


def _has_entry(packet: Packet) -> bool:
    return packet.seen and packet.state in {CtState.NEW, CtState.ESTABLISHED, None}


def _direction(packet: Packet) -> Value:
    if not _has_entry(packet):
        return ()
    if packet.entry is Entry.PICKED_UP:
        return ("original",) if packet.kind.reply else ("reply",)
    return ("reply",) if packet.kind.reply else ("original",)


def _of_connection(read: Callable[[Packet], Value]) -> Callable[[Packet], Value]:
    """The ends that connection tracking keeps, turned round if it took the host's end first."""

    def known(packet: Packet) -> Value:
        if not _has_entry(packet):
            return ()
        return None if packet.entry is Entry.PICKED_UP else read(packet)

    return known


_READERS: dict[Field, Callable[[Packet], Value]] = {
    Field.SADDR: lambda packet: packet.saddr if _is_ip(packet) else (),
    Field.DADDR: lambda packet: packet.daddr if _is_ip(packet) else (),
    Field.SPORT: lambda packet: packet.sport,
    Field.DPORT: lambda packet: packet.dport,
    Field.IIF: lambda packet: _name(packet.iif),
    Field.OIF: lambda packet: _name(packet.oif),
    Field.ETHERTYPE: lambda packet: _number(ARP if packet.kind.arp else ETHERTYPES[packet.family]),
    Field.PROTOCOL: lambda packet: _number(packet.kind.protocol) if packet.kind.protocol else (),
    Field.TCP_FLAGS: lambda packet: _flags(packet) if packet.kind.protocol == TCP else (),
    Field.ICMP_TYPE: _icmp(ICMP),
    Field.ICMPV6_TYPE: _icmp(ICMPV6),
    Field.ICMPV6_CODE: lambda packet: _number(0) if packet.kind.protocol == ICMPV6 else (),
    Field.ARP_OPERATION: lambda packet: _number(packet.kind.arp) if packet.kind.arp else (),
    Field.ARP_SADDR: lambda packet: packet.saddr if packet.kind.arp else (),
    Field.ARP_DADDR: lambda packet: packet.daddr if packet.kind.arp else (),
    Field.PKTTYPE: lambda packet: (packet.kind.pkttype,),
    Field.TTL: lambda packet: packet.kind.ttl,
    Field.MARK: lambda packet: packet.mark,
    Field.CT_MARK: lambda packet: packet.ct_mark if _has_entry(packet) else (),
    Field.CT_STATE: lambda packet: _name(packet.state),
    Field.CT_STATUS: _status,
    Field.CT_DIRECTION: _direction,
    Field.ORIGINAL_SADDR: _of_connection(lambda _: CLIENT),
    Field.ORIGINAL_DADDR: _of_connection(lambda packet: packet.server[0]),
    Field.ORIGINAL_SPORT: _of_connection(lambda packet: packet.client_ports),
    Field.ORIGINAL_DPORT: _of_connection(lambda packet: packet.server[1]),
    Field.REPLY_SADDR: _of_connection(lambda packet: (packet.translated or packet.server)[0]),
    Field.REPLY_SPORT: _of_connection(lambda packet: (packet.translated or packet.server)[1]),
}
_READ = tuple(_READERS[field] for field in Field)

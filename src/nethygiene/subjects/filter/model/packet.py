"""The packets that the model follows through the rules.

A packet belongs to a client: its address is not a number but a mask of classes, kept beside the
packet. The client is the source of what comes in and the destination of what goes out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.choices import Choice
from nethygiene.subjects.filter.model.conntrack import SEEN, CtState, Entry
from nethygiene.subjects.filter.model.ends import NewSource
from nethygiene.subjects.filter.model.fields import (
    ANY_PORT,
    CLIENT,
    EPHEMERAL,
    NO_MARK,
    Address,
    Bits,
    Field,
    Value,
)
from nethygiene.subjects.filter.model.kinds import SYN_IN, PacketKind
from nethygiene.subjects.filter.model.readers import READ
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
        source_nat: the address that source NAT gives the client; None without it.
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
    source_nat: NewSource | None = None
    listed: frozenset[str] = frozenset()
    choices: frozenset[tuple[Choice, bool]] = frozenset()

    def value(self, field: Field) -> Value:
        """The field's possible values: empty if the packet has no such field."""
        return READ[field](self)

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

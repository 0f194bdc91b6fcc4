"""The packets that are followed through the rules, and what a rule may look at in them.

A packet belongs to a client: its address is not a number but a mask of classes, kept beside the
packet. The client is the source of what comes in and the destination of what goes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum, auto
from typing import Final, Literal

from nethygiene.firewall.addresses import Family, Intervals
from nethygiene.firewall.choices import Choice, Scope

EPHEMERAL: Final[Intervals] = ((32768, 65535),)
"""The ports that clients connect from: 32768-60999 on Linux, 49152-65535 on the others."""
ANY_PORT: Final[Intervals] = ((1, 65535),)

ETHERTYPES: dict[Family, int] = {"ipv4": 0x0800, "ipv6": 0x86DD}
ARP = 0x0806
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


class Role(IntEnum):
    """An address that is no number."""

    CLIENT = auto()


CLIENT: Final = Role.CLIENT
"""The client's address: the mask of classes beside the packet tells it."""
Address = Intervals | Literal[Role.CLIENT] | None
"""What an address may be; None where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Bits:
    """A number of which perhaps only some bits are known.

    Attributes:
        value: the bits; 0 where they are not known.
        known: which of them are known.
    """

    value: int
    known: int = 0xFFFFFFFF

    def masked(self, keep: int, change: Bits) -> Bits:
        """``(self & keep) ^ change``."""
        known = (self.known | ~keep) & change.known & 0xFFFFFFFF
        return Bits(((self.value & keep) ^ change.value) & known, known)


NOTHING_KNOWN = Bits(0, 0)


class Field(IntEnum):
    """What a rule may look at."""

    SADDR = 0
    DADDR = auto()
    SPORT = auto()
    DPORT = auto()
    IIF = auto()
    OIF = auto()
    ETHERTYPE = auto()
    PROTOCOL = auto()
    TCP_FLAGS = auto()
    ICMP_TYPE = auto()
    ICMPV6_TYPE = auto()
    ICMPV6_CODE = auto()
    ARP_OPERATION = auto()
    ARP_SADDR = auto()
    ARP_DADDR = auto()
    PKTTYPE = auto()
    TTL = auto()
    MARK = auto()
    CT_MARK = auto()
    CT_STATE = auto()
    CT_STATUS = auto()
    CT_DIRECTION = auto()
    ORIGINAL_SADDR = auto()
    ORIGINAL_DADDR = auto()
    ORIGINAL_SPORT = auto()
    ORIGINAL_DPORT = auto()
    REPLY_SADDR = auto()
    REPLY_SPORT = auto()


ADDRESS_FIELDS = frozenset(
    {Field.SADDR, Field.DADDR, Field.ARP_SADDR, Field.ARP_DADDR}
    | {Field.ORIGINAL_SADDR, Field.ORIGINAL_DADDR, Field.REPLY_SADDR}
)
NAME_FIELDS = frozenset({Field.IIF, Field.OIF, Field.PKTTYPE, Field.CT_STATE, Field.CT_DIRECTION})


class CtState(StrEnum):
    """What a rule finds as connection tracking's word on a packet."""

    NEW = "new"
    ESTABLISHED = "established"
    UNTRACKED = "untracked"
    INVALID = "invalid"


class CtStatus:
    """The bits of a connection's status (linux/netfilter/nf_conntrack_common.h)."""

    EXPECTED = 1
    SEEN_REPLY = 2
    ASSURED = 4
    CONFIRMED = 8
    SRC_NAT = 16
    DST_NAT = 32
    NAT_DONE = 128 | 256


class Entry(IntEnum):
    """What connection tracking has in its table of a TCP connection."""

    NONE = auto()
    SYN_SENT = auto()
    """It has seen the client's SYN."""
    SYN_RECV = auto()
    """And the answer."""
    ESTABLISHED = auto()
    MIDDLE = auto()
    """It has seen no SYN, and took a later packet of the client's for the first one."""
    PICKED_UP = auto()
    """It has seen no SYN, and took a packet of the host's for the first one."""


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """What sort of packet it is, and when it is sent; each is one object.

    Attributes:
        name: for messages, as ``the SYN``.
        reply: it goes from the host to the client.
        protocol: of layer 4; 0 for none.
        flags: TCP's.
        icmp_type: ICMP's or ICMPv6's; -1 for neither.
        arp: ARP's operation; 0 for no ARP.
        pkttype: as it comes in: ``host``, ``multicast`` or ``broadcast``.
        leaves_alone: connection tracking leaves it untracked, as it does neighbour discovery.
        ttl: its time to live, or hop limit, may be one of these.
    """

    name: str
    reply: bool = False
    protocol: int = TCP
    flags: int = 0
    icmp_type: int = -1
    arp: int = 0
    pkttype: str = "host"
    leaves_alone: bool = False
    ttl: Intervals = ((16, 255),)

    def __str__(self) -> str:
        return self.name


SYN_IN = Kind("the SYN", flags=SYN)
SYN_ACK_OUT = Kind("the answer to the SYN", reply=True, flags=SYN | ACK)
ACK_IN = Kind("the packet that ends the handshake", flags=ACK)
DATA_IN = Kind("the client's data", flags=PSH | ACK)
DATA_OUT = Kind("the service's data", reply=True, flags=PSH | ACK)


def _discovery(name: str, icmp_type: int, reply: bool, pkttype: str = "host") -> Kind:
    """Neighbour discovery has a hop limit of 255, or it is ignored."""
    return Kind(
        name,
        reply,
        ICMPV6,
        icmp_type=icmp_type,
        pkttype=pkttype,
        leaves_alone=True,
        ttl=((255, 255),),
    )


NS_IN = _discovery(
    "the neighbour solicitation before it (ICMPv6 type 135)", 135, reply=False, pkttype="multicast"
)
NA_OUT = _discovery("the host's neighbour advertisement (ICMPv6 type 136)", 136, reply=True)
NS_OUT = _discovery(
    "the host's neighbour solicitation for its router (ICMPv6 type 135)", 135, reply=True
)
NA_IN = _discovery("the router's neighbour advertisement (ICMPv6 type 136)", 136, reply=False)
ARP_IN = Kind("the ARP request before it", False, 0, arp=1, pkttype="broadcast", ttl=())
ARP_OUT = Kind("the host's ARP reply", True, 0, arp=2, ttl=())

_SEEN: dict[tuple[Entry, Kind], tuple[CtState | None, Entry]] = {
    (Entry.NONE, SYN_IN): (CtState.NEW, Entry.SYN_SENT),
    (Entry.NONE, SYN_ACK_OUT): (CtState.INVALID, Entry.NONE),
    (Entry.NONE, ACK_IN): (CtState.NEW, Entry.MIDDLE),
    (Entry.NONE, DATA_IN): (CtState.NEW, Entry.MIDDLE),
    (Entry.NONE, DATA_OUT): (CtState.NEW, Entry.PICKED_UP),
    (Entry.SYN_SENT, SYN_ACK_OUT): (CtState.ESTABLISHED, Entry.SYN_RECV),
    (Entry.SYN_SENT, ACK_IN): (CtState.INVALID, Entry.SYN_SENT),
    (Entry.SYN_SENT, DATA_IN): (CtState.INVALID, Entry.SYN_SENT),
    (Entry.SYN_RECV, ACK_IN): (CtState.ESTABLISHED, Entry.ESTABLISHED),
    (Entry.SYN_RECV, DATA_IN): (CtState.ESTABLISHED, Entry.ESTABLISHED),
    (Entry.SYN_RECV, DATA_OUT): (CtState.ESTABLISHED, Entry.SYN_RECV),
    (Entry.ESTABLISHED, ACK_IN): (CtState.ESTABLISHED, Entry.ESTABLISHED),
    (Entry.ESTABLISHED, DATA_IN): (CtState.ESTABLISHED, Entry.ESTABLISHED),
    (Entry.ESTABLISHED, DATA_OUT): (CtState.ESTABLISHED, Entry.ESTABLISHED),
    (Entry.MIDDLE, ACK_IN): (CtState.NEW, Entry.MIDDLE),
    (Entry.MIDDLE, DATA_IN): (CtState.NEW, Entry.MIDDLE),
    (Entry.MIDDLE, DATA_OUT): (CtState.ESTABLISHED, Entry.ESTABLISHED),
    (Entry.PICKED_UP, DATA_OUT): (CtState.NEW, Entry.PICKED_UP),
}
"""What connection tracking says of a packet, and keeps, by what it has kept before.

Tried on Linux 6.18 with counters of each state, each direction alone hidden by NOTRACK
(nf_conntrack_tcp_loose is 1, as it is unless somebody writes it).
"""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, as far as it is known.

    Attributes:
        kind: what sort of packet.
        family: of its addresses.
        iif: the interface that it came in by; "" for none, None where it cannot be told.
        oif: the interface that it leaves by, likewise.
        saddr: its source.
        daddr: its destination.
        sport: the ports that may be its source; empty without ports.
        dport: likewise its destination.
        mark: the packet mark.
        ct_mark: the mark of its connection.
        seen: connection tracking has seen this packet, at priority -200.
        untracked: a rule told connection tracking to leave it alone.
        state: what connection tracking said of it; None where that cannot be told.
        entry: what connection tracking has of the connection.
        near: the interface of the client's side; None where it cannot be told.
        far: of a connection that is forwarded, the interface of the other side, likewise; else "".
        client_ports: the ports that the client may have.
        server: address and port that the client connects to.
        translated: address and port that destination NAT takes the connection to, if it does.
        source_nat: source NAT gives the client another address.
        tproxied: a transparent proxy takes it.
        listed: the lists on which a rule has put the client on the way.
        choices: conditions that go both ways, and which way they go this time.
    """

    kind: Kind
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
    mark: Bits = Bits(0)
    ct_mark: Bits = Bits(0)
    seen: bool = False
    untracked: bool = False
    state: CtState | None = CtState.INVALID
    entry: Entry = Entry.NONE
    translated: tuple[Intervals, Intervals] | None = None
    source_nat: bool = False
    tproxied: bool = False
    listed: frozenset[str] = frozenset()
    choices: frozenset[tuple[Choice, bool]] = frozenset()

    def value(self, field: Field) -> Value:
        """What a rule may find there: empty where the packet has no such thing."""
        return _READ[field](self)

    def chosen(self, choice: Choice) -> bool | None:
        """Whether the packet is beyond a limit or on a list this time; None: either."""
        if (choice, True) in self.choices:
            return True
        return False if (choice, False) in self.choices else None

    @property
    def service_port(self) -> int | None:
        """The one port of the host's end."""
        ports = self.sport if self.kind.reply else self.dport
        return ports[0][0] if len(ports) == 1 and ports[0][0] == ports[0][1] else None

    @property
    def is_new(self) -> bool:
        """Whether connection tracking takes it for the first of a connection: NAT asks that."""
        return self.seen and self.state is CtState.NEW

    def tracked(self) -> Packet:
        """The packet after connection tracking has seen it."""
        if self.kind.arp:
            return self
        if self.untracked or self.kind.leaves_alone:
            return replace(self, seen=True, state=CtState.UNTRACKED)
        state, entry = _SEEN.get((self.entry, self.kind), (None, self.entry))
        return replace(self, seen=True, state=state, entry=entry)

    def to(self, address: Intervals, port: Intervals) -> Packet:
        """The packet after destination NAT; NAT that changes nothing leaves no trace."""
        if (address, port) == (self.daddr, self.dport):
            return self
        return replace(self, daddr=address, dport=port, translated=(address, port))

    def next(self, kind: Kind) -> Packet:
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
            mark=Bits(0),
            seen=False,
            untracked=False,
            state=CtState.INVALID,
        )

    def destination_translated(self) -> Packet:
        """A later packet of the connection where destination NAT does its work."""
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
        """A later packet of the connection where source NAT does its work."""
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


Value = Intervals | tuple[str, ...] | Bits | Literal[Role.CLIENT] | None
"""All that a field may hold; None where it cannot be told."""


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
ODD_SYN = Choice("a SYN that asks for ECN, or wears flags that no rule need know", Scope.LIST)
"""A listener takes it as any other (tcp_rcv_state_process; Linux 6.18)."""


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
    """What connection tracking keeps of both ends; turned round where it took the host's end."""

    def known(packet: Packet) -> Value:
        if not _has_entry(packet):
            return ()
        return None if packet.entry is Entry.PICKED_UP else read(packet)

    return known


def _client_port(packet: Packet) -> Value:
    return packet.dport if packet.kind.reply else packet.sport


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
    Field.ORIGINAL_SPORT: _of_connection(_client_port),
    Field.ORIGINAL_DPORT: _of_connection(lambda packet: packet.server[1]),
    Field.REPLY_SADDR: _of_connection(lambda packet: (packet.translated or packet.server)[0]),
    Field.REPLY_SPORT: _of_connection(lambda packet: (packet.translated or packet.server)[1]),
}
_READ = tuple(_READERS[field] for field in Field)

"""How the fields that rules look at are read from a packet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.choices import Choice, Scope
from nethygiene.subjects.filter.model.conntrack import CtState, CtStatus, Entry
from nethygiene.subjects.filter.model.fields import (
    ARP,
    CLIENT,
    CWR,
    ECE,
    ETHERTYPES,
    ICMP,
    ICMPV6,
    PSH,
    TCP,
    URG,
    Bits,
    Field,
    Value,
)
from nethygiene.subjects.filter.model.kinds import SYN_IN

if TYPE_CHECKING:
    from nethygiene.subjects.filter.model.packet import Packet


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
    return lambda packet: _number(packet.kind.icmp_type) if packet.kind.protocol == protocol else ()


def _icmp_code(protocol: int) -> Callable[[Packet], Value]:
    def read(packet: Packet) -> Value:
        code = packet.kind.icmp_code if packet.kind.protocol == protocol else -1
        return None if code is None else _number(code) if code >= 0 else ()

    return read


def _status(packet: Packet) -> Value:
    if not has_entry(packet):
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


_TRACKED = frozenset({CtState.NEW, CtState.ESTABLISHED, CtState.RELATED, None})


def has_entry(packet: Packet) -> bool:
    """Whether connection tracking keeps the packet's connection."""
    return packet.seen and packet.state in _TRACKED


def _direction(packet: Packet) -> Value:
    if not has_entry(packet):
        return ()
    if packet.entry is Entry.PICKED_UP:
        return ("original",) if packet.kind.reply else ("reply",)
    return ("reply",) if packet.kind.reply else ("original",)


def _of_connection(read: Callable[[Packet], Value]) -> Callable[[Packet], Value]:
    """The ends that connection tracking keeps, turned round if it took the host's end first."""

    def known(packet: Packet) -> Value:
        if not has_entry(packet):
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
    Field.ICMP_CODE: _icmp_code(ICMP),
    Field.ICMPV6_TYPE: _icmp(ICMPV6),
    Field.ICMPV6_CODE: _icmp_code(ICMPV6),
    Field.ARP_OPERATION: lambda packet: _number(packet.kind.arp) if packet.kind.arp else (),
    Field.ARP_SADDR: lambda packet: packet.saddr if packet.kind.arp else (),
    Field.ARP_DADDR: lambda packet: packet.daddr if packet.kind.arp else (),
    Field.PKTTYPE: lambda packet: (packet.kind.pkttype,),
    Field.TTL: lambda packet: packet.kind.ttl,
    Field.MARK: lambda packet: packet.mark,
    Field.CT_MARK: lambda packet: packet.ct_mark if has_entry(packet) else (),
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
READ = tuple(_READERS[field] for field in Field)
"""The reader of each field, in the order of the fields."""

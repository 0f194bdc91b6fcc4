"""Packets of protocols without connections: ICMP, ICMPv6, VRRP and their like.

What connection tracking makes of such a packet may depend on earlier ones: an answer needs its
question, an error the connection that it is about. (nf_conntrack_proto_icmp.c,
nf_conntrack_proto_icmpv6.c, nf_conntrack_proto_generic.c; Linux 6.18.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.conntrack import CtState
from nethygiene.subjects.filter.model.crosser import Crosser
from nethygiene.subjects.filter.model.crossings import Chosen, Course
from nethygiene.subjects.filter.model.ends import Ends
from nethygiene.subjects.filter.model.fields import ICMP, ICMPV6, Field
from nethygiene.subjects.filter.model.kinds import PacketKind
from nethygiene.subjects.filter.model.trace import Trace
from nethygiene.subjects.filter.model.traced import TracedPacket, traced
from nethygiene.subjects.links.ip.families import Family

_QUESTIONS = {ICMP: frozenset({8, 13, 15, 17}), ICMPV6: frozenset({128, 139})}
_ANSWERS = {ICMP: frozenset({0, 14, 16, 18}), ICMPV6: frozenset({129, 140})}
_ERRORS = {ICMP: frozenset({3, 4, 5, 11, 12}), ICMPV6: frozenset({*range(1, 128), 137})}
# Connection tracking leaves these alone: multicast listeners, routers and neighbours.
_UNTRACKED = frozenset({130, 131, 132, 133, 134, 135, 136, 143})
VRRP = 112
_ANY_PORT: Intervals = ((0, 65535),)
_STATE = frozenset({Field.CT_STATE, Field.CT_STATUS, Field.CT_DIRECTION, Field.CT_MARK})
_STATE |= {Field.ORIGINAL_SADDR, Field.ORIGINAL_DADDR, Field.ORIGINAL_SPORT}
_STATE |= {Field.ORIGINAL_DPORT, Field.REPLY_SADDR, Field.REPLY_SPORT}


@dataclass(frozen=True, slots=True)
class Sort:
    """What sort of packet it is.

    Attributes:
        protocol: of layer 4.
        icmp_type: ICMP's or ICMPv6's; -1 for another protocol.
        icmp_code: likewise; None for any.
        to: ``host``, ``multicast`` or ``broadcast``.
    """

    protocol: int
    icmp_type: int = -1
    icmp_code: int | None = None
    to: str = "host"


Case = tuple[CtState, bool]
"""The state that connection tracking gives it, and whether it is a later packet of its kind."""


def cases(sort: Sort, earlier: bool | None) -> tuple[Case, ...]:
    """The states that it may have.

    Args:
        sort: the packet.
        earlier: whether the host has seen what it answers, or the connection that an error is
            about, or an answer to an earlier one like it; None where that is not known.
    """
    first: list[Case] = []
    later: list[Case] = []
    if sort.icmp_type in _UNTRACKED and sort.protocol == ICMPV6:
        first = later = [(CtState.UNTRACKED, False)]
    elif sort.protocol not in {ICMP, ICMPV6} or sort.icmp_type in _QUESTIONS[sort.protocol]:
        # What goes to a group is answered by none of it, as connection tracking sees it.
        first = [(CtState.NEW, False)]
        later = [(CtState.ESTABLISHED, True)] if sort.to == "host" else [(CtState.NEW, True)]
    else:
        first = later = [(CtState.INVALID, False)]
        if sort.icmp_type in _ANSWERS[sort.protocol]:
            later = [(CtState.ESTABLISHED, True)]
        elif sort.icmp_type in _ERRORS[sort.protocol]:
            later = [(CtState.RELATED, True)]
    if earlier is not None:
        return tuple(later if earlier else first)
    between = [(CtState.NEW, True)] if first[0][0] is CtState.NEW else []
    return tuple(dict.fromkeys([*first, *between, *later]))


@dataclass(frozen=True)
class DatagramCourse:
    """Follows single packets.

    Attributes:
        crosser: for the packets.
    """

    crosser: Crosser

    def packet(
        self, family: Family, sort: Sort, ends: Ends, near: str | None, far: str | None
    ) -> TracedPacket:
        """A packet that comes in by `near` or leaves by `far`; "" is this host."""
        ports = Ends(ends.source, _ANY_PORT, ends.destination, _ANY_PORT)
        kind = _kind(sort, "host" if near == "" else sort.to)
        return traced(kind, (family, ports), near, far)

    @property
    def asks_states(self) -> bool:
        """Whether rules ask for the state that connection tracking gives a packet, or NAT does."""
        ruleset = self.crosser.hooks.ruleset
        return ruleset.asks(_STATE) or any(
            base.nat for table in ruleset.tables.values() for base in table.bases
        )

    def followed(self, packet: TracedPacket, case: Case, out: str | None, chosen: Chosen) -> Course:
        """Follow a packet in one of its states."""
        trace = Trace()
        given = replace(packet, given=case[0], is_later=case[1], choices=chosen)
        follow = self.crosser.goes if packet.near == "" else self.crosser.comes
        passed = follow(given, trace, out=out)
        return Course(passed, passed, trace)


@cache
def _kind(sort: Sort, pkttype: str) -> PacketKind:
    """The kind of packet; hop limits are those that such packets are sent with.

    To rules, what leaves the host itself is for a host, a group or not (Linux 6.18).
    """
    discovery = sort.protocol == ICMPV6 and sort.icmp_type in _UNTRACKED
    hops = ((254, 255),) if discovery or sort.protocol == VRRP else ((1, 255),)
    if sort.protocol in {ICMP, ICMPV6} and not discovery:
        hops = ((16, 255),)
    return PacketKind(
        _name(sort),
        protocol=sort.protocol,
        icmp_type=sort.icmp_type,
        icmp_code=sort.icmp_code,
        pkttype=pkttype,
        leaves_alone=discovery,
        ttl=hops,
        opens=True,
    )


_NAMES = {
    (ICMP, 3): "the ICMP error destination-unreachable",
    (ICMP, 8): "the ICMP echo request",
    (ICMP, 0): "the ICMP echo reply",
    (ICMP, 11): "the ICMP error time-exceeded",
    (ICMPV6, 1): "the ICMPv6 error destination-unreachable",
    (ICMPV6, 2): "the ICMPv6 error packet-too-big",
    (ICMPV6, 128): "the ICMPv6 echo request",
    (ICMPV6, 129): "the ICMPv6 echo reply",
    (ICMPV6, 133): "the router solicitation (ICMPv6 type 133)",
    (ICMPV6, 134): "the router advertisement (ICMPv6 type 134)",
    (ICMPV6, 135): "the neighbour solicitation (ICMPv6 type 135)",
    (ICMPV6, 136): "the neighbour advertisement (ICMPv6 type 136)",
}


def _name(sort: Sort) -> str:
    if sort.protocol == VRRP:
        return "the VRRP advertisement (protocol 112)"
    if sort.protocol not in {ICMP, ICMPV6}:
        return f"the packet of protocol {sort.protocol}"
    protocol = "ICMP" if sort.protocol == ICMP else "ICMPv6"
    name = _NAMES.get((sort.protocol, sort.icmp_type), f"{protocol} type {sort.icmp_type}")
    return name if not sort.icmp_code else f"{name}, code {sort.icmp_code}"

"""The kinds of packets that the model follows; a protocol has a few of them."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.fields import ACK, ICMPV6, PSH, SYN, TCP


@dataclass(frozen=True, eq=False, slots=True)
class PacketKind:
    """What sort of packet it is, and when it is sent; each is one object.

    Attributes:
        name: for messages, as ``the SYN``.
        reply: it goes from the host to the client.
        protocol: of layer 4; 0 for none.
        flags: TCP's.
        icmp_type: ICMP's or ICMPv6's; -1 for neither.
        icmp_code: likewise; None where it may be any.
        arp: ARP's operation; 0 for no ARP.
        pkttype: as it comes in: ``host``, ``multicast`` or ``broadcast``.
        leaves_alone: connection tracking leaves it untracked, as it does neighbour discovery.
        ttl: its time to live, or hop limit, may be one of these.
        opens: the rules that let it pass let the connection pass.
    """

    name: str
    reply: bool = False
    protocol: int = TCP
    flags: int = 0
    icmp_type: int = -1
    icmp_code: int | None = 0
    arp: int = 0
    pkttype: str = "host"
    leaves_alone: bool = False
    ttl: Intervals = ((16, 255),)
    opens: bool = False

    def __str__(self) -> str:
        return self.name


SYN_IN = PacketKind("the SYN", flags=SYN, opens=True)
SYN_ACK_OUT = PacketKind("the answer to the SYN", reply=True, flags=SYN | ACK)
ACK_IN = PacketKind("the packet that ends the handshake", flags=ACK)
DATA_IN = PacketKind("the client's data", flags=PSH | ACK)
DATA_OUT = PacketKind("the service's data", reply=True, flags=PSH | ACK)


def _discovery(name: str, icmp_type: int, reply: bool, pkttype: str = "host") -> PacketKind:
    """Neighbour discovery has a hop limit of 255, or it is ignored."""
    return PacketKind(
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
NS_OUT_ASKING = _discovery(
    "the host's neighbour solicitation for the next host (ICMPv6 type 135)", 135, reply=True
)
NA_IN_ANSWER = _discovery(
    "the next host's neighbour advertisement (ICMPv6 type 136)", 136, reply=False
)
ARP_IN = PacketKind("the ARP request before it", False, 0, arp=1, pkttype="broadcast", ttl=())
ARP_OUT = PacketKind("the host's ARP reply", True, 0, arp=2, ttl=())
ARP_OUT_ASKING = PacketKind(
    "the host's ARP request for the next host", True, 0, arp=1, pkttype="broadcast", ttl=()
)
ARP_IN_ANSWER = PacketKind("the next host's ARP reply", False, 0, arp=2, ttl=())

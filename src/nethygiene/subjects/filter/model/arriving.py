"""Routing at the input: rules may refuse what comes from a wire, even packets to the host itself.

Nearly every host looks up its own addresses first, and refuses nothing. Rules before that look-up
also decide about neighbour discovery, and about hosts that ask for an address by ARP (arp_process
in net/ipv4/arp.c looks up the route from the asker to the address; Linux 6.18).
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_

from nethygiene.subjects.filter.model.addresses import common
from nethygiene.subjects.filter.model.fields import CLIENT
from nethygiene.subjects.filter.model.links import Links
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.ruleset import Action, FilterRule
from nethygiene.subjects.filter.model.trace import Event, Trace


def taken_in(packet: Packet, clients: int, links: Links, ground: Ground, trace: Trace) -> int:
    """The classes whose packets routing does not refuse, by their source, mark or interface."""
    device = packet.iif
    # The routes of a VRF are in a table of its own, which is not followed.
    if device is None or links.vrf_of(device) or not isinstance(packet.daddr, tuple):
        return clients
    # Who goes by the host's own address on a link may ask for any that it has there.
    each = [_refused(packet, low, device, clients, ground) for low, _ in packet.daddr[:_MOST]]
    sure = reduce(and_, (surely for surely, _ in each))
    perhaps = reduce(or_, (surely | other for surely, other in each)) & ~sure
    for mask in filter(None, (sure, perhaps)):
        rule = FilterRule("routing", "a routing rule refuses what comes in", (), Action.DROP)
        trace.lost.append(Event(mask, rule, Action.DROP, False, packet))
        if mask == perhaps:
            trace.doubts.append((mask, rule))
    return clients & ~sure


def _refused(
    packet: Packet, destination: int, device: str, clients: int, ground: Ground
) -> tuple[int, int]:
    """The classes whose packets to one destination are surely refused, and perhaps."""
    sure = perhaps = 0
    for intervals, taken in ground.routes.taken_in(packet.family, destination, packet.mark, device):
        if taken:
            continue
        which, all_of_them = clients, True
        if packet.saddr is CLIENT:
            which &= ground.mask(intervals)
        elif packet.saddr is None:
            all_of_them = False
        else:
            shared = common(packet.saddr, intervals)
            which *= bool(shared)
            all_of_them = shared == packet.saddr
        if taken is False and all_of_them:
            sure |= which
        else:
            perhaps |= which
    return sure, perhaps & ~sure


_MOST = 16

__all__ = ["taken_in"]

"""Routing at the input: rules may refuse what comes from a wire, even what is for the host itself.

Nearly every host looks up its own addresses first, and refuses nothing. Rules before that one are
asked about neighbour discovery, too, and about who asks for an address by ARP (arp_process in
net/ipv4/arp.c looks up the route from the one to the other; Linux 6.18).
"""

from __future__ import annotations

from nethygiene.firewall.addresses import common
from nethygiene.firewall.fields import CLIENT
from nethygiene.firewall.links import Links
from nethygiene.firewall.matches import Ground
from nethygiene.firewall.packet import Packet
from nethygiene.firewall.ruleset import Action, Rule
from nethygiene.firewall.trace import Event, Trace


def taken_in(packet: Packet, clients: int, links: Links, ground: Ground, trace: Trace) -> int:
    """The classes whose packets routing does not refuse, by their source, mark or interface."""
    device = packet.near
    # The routes of a VRF are in a table of its own, which is not followed.
    if device is None or links.vrf_of(device) or not isinstance(packet.daddr, tuple):
        return clients
    left = clients
    for intervals, taken in ground.routes.taken_in(
        packet.family, packet.daddr[0][0], packet.mark, device
    ):
        if taken:
            continue
        sure = taken is False
        which = clients
        if packet.saddr is CLIENT:
            which &= ground.mask(intervals)
        elif packet.saddr is None:
            sure = False
        else:
            shared = common(packet.saddr, intervals)
            which *= bool(shared)
            sure = sure and shared == packet.saddr
        if not which:
            continue
        rule = Rule("routing", "a routing rule refuses what comes in", (), Action.DROP)
        trace.lost.append(Event(which, rule, Action.DROP, False, packet))
        if sure:
            left &= ~which
        else:
            trace.doubts.append((which, rule))
    return left


__all__ = ["taken_in"]

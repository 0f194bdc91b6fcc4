"""Neighbours on a link find each other before one hands the other a connection's first packet.

Who sends the packet asks for who is to get it, by ARP or by IPv6 neighbour discovery. The answer
may go straight to who asked, whose address the question holds (Linux 6.18).
"""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Intervals, holds, merged
from nethygiene.subjects.filter.model.fields import NO_MARK
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.neighbours import Meeting, asked_for, matters, router_asks
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.routes import Ways
from nethygiene.subjects.filter.model.source_choice import chosen_source
from nethygiene.subjects.filter.model.trace import Trace
from nethygiene.subjects.filter.model.traced import TracedPacket
from nethygiene.subjects.filter.model.traced_hooks import TracedHooks


@dataclass(frozen=True)
class Introductions:
    """Questions and answers on the links of one host.

    Attributes:
        hooks: of the family.
        ground: of one class.
    """

    hooks: TracedHooks
    ground: Ground

    def is_found(self, packet: TracedPacket, trace: Trace) -> bool:
        """Whether who hands over a packet perhaps finds this host, where the packet comes in."""
        family, device = packet.family, packet.iif
        ends = packet.ends
        if not matters(family, device, self.hooks, self.ground) or ends.destination is None:
            return True
        to = ends.destination[0][0]
        here = to if self.ground.routes.is_local(family, to) else None
        ways = self._ways(packet, ends.source, here)
        routers: Intervals = ()
        asker: Intervals | None = None
        if ways is not None and ways.certain and ways.devices == {device}:
            routers = merged((router, router) for router in ways.gateways)
            asker = router_asks(family, routers) if routers else ends.source
        meeting = self._meeting(packet, device, asked_for(to, family, device, self.ground), trace)
        found = meeting.asked(asker, 1)
        if found and routers and family == "ipv6" and asker != routers:
            # The answer goes to another address of the router than that which has asked.
            found = meeting.asking(routers, found)
        return bool(found)

    def finds(self, packet: TracedPacket, device: str | None, trace: Trace) -> bool:
        """Whether this host perhaps finds who is to get a packet that leaves by an interface."""
        family, ends = packet.family, packet.ends
        if not matters(family, device, self.hooks, self.ground) or ends.destination is None:
            return True
        ways = self._ways(packet, ends.destination, _number(ends.source))
        if ways is None or (ways.devices and ways.devices != {device}):
            return True
        next_hop = merged((router, router) for router in ways.gateways) or ends.destination
        own = self._asks_from(packet, device, next_hop)
        asking = Trace()
        found = self._meeting(packet, device, own, asking).asking(next_hop, 1, back=False)
        trace.lost += asking.lost
        trace.doubts += asking.doubts
        if not found:
            return self._is_known(packet, device, next_hop, asking, trace)
        source = ends.source
        on_link = source and asked_for(source[0][0], family, device, self.ground) == source
        if own != source or not on_link:
            self._is_asked(packet, device, (next_hop, ways), trace)
        return True

    def _is_known(
        self,
        packet: TracedPacket,
        device: str | None,
        next_hop: Intervals,
        asking: Trace,
        trace: Trace,
    ) -> bool:
        """Whether the next host may have told its entry before, by a question of its own.

        It asks for this host whenever it has anything to send by it.
        """
        own = asked_for(-1, packet.family, device, self.ground)
        heard = self._meeting(packet, device, own, Trace()).heard(next_hop, 1)
        if heard:
            trace.doubts += [(event.mask, event.rule) for event in asking.lost]
        return bool(heard)

    def _is_asked(
        self,
        packet: TracedPacket,
        device: str | None,
        next_hop: tuple[Intervals, Ways],
        trace: Trace,
    ) -> None:
        """The next host may ask for another address of this one, by which its answers go."""
        hop, ways = next_hop
        asker = router_asks(packet.family, hop) if ways.gateways else hop
        source = packet.ends.source
        if source is None:
            return
        own = Trace()
        to = asked_for(source[0][0], packet.family, device, self.ground)
        reached = self._meeting(packet, device, to, own).asked(asker, 1)
        trace.doubts += own.doubts
        trace.lost += own.lost
        if not reached:
            trace.doubts += [(event.mask, event.rule) for event in own.lost]

    def _asks_from(
        self, packet: TracedPacket, device: str | None, next_hop: Intervals
    ) -> Intervals:
        """The address from which this host asks for the next one (arp_solicit, ndisc_solicit).

        All of its addresses on the link, where that cannot be told.
        """
        family, source = packet.family, packet.ends.source
        any_of_them = asked_for(-1, family, device, self.ground)
        if source is None or device is None:
            return any_of_them
        here = asked_for(source[0][0], family, device, self.ground) == source
        if here or (family == "ipv4" and self.ground.routes.is_local("ipv4", source[0][0])):
            return source
        toward = next_hop[0][0] if family == "ipv4" else LINK_LOCAL["ipv6"][0][0]
        chosen = chosen_source(self.hooks.links, family, device, toward, on_link=True)
        return any_of_them if chosen is None else ((chosen, chosen),)

    def _ways(self, packet: TracedPacket, to: Intervals | None, source: int | None) -> Ways | None:
        """The ways to an address; None where it is not known."""
        number = _number(to)
        if number is None:
            return None
        if packet.family == "ipv6" and holds(LINK_LOCAL["ipv6"], number):
            return Ways(frozenset({packet.oif or packet.iif or ""}))
        return self.ground.routes.way(packet.family, number, source, packet.routed_by or NO_MARK)

    def _meeting(
        self, packet: TracedPacket, device: str | None, own: Intervals, trace: Trace
    ) -> Meeting:
        return Meeting(packet.family, device, own, packet.choices, self.hooks, self.ground, trace)


def _number(spans: Intervals | None) -> int | None:
    return spans[0][0] if spans and spans[0][0] == spans[-1][1] else None

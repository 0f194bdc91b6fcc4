"""The hooks as one traced connection meets them: NAT changes its ends, and keeps them known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nethygiene.subjects.filter.model.addresses import Intervals, common
from nethygiene.subjects.filter.model.ends import NewSource
from nethygiene.subjects.filter.model.fields import ANY_PORT, ICMP, ICMPV6, NO_MARK, TCP
from nethygiene.subjects.filter.model.hooks import NAT_AT, NAT_DST, Hooks, lose_answer, merge
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.filter.model.ruleset import Action, FilterRule, Hook, NatTarget
from nethygiene.subjects.filter.model.source_choice import chosen_source
from nethygiene.subjects.filter.model.trace import Event, Flow, Trace
from nethygiene.subjects.filter.model.traced import TracedPacket
from nethygiene.subjects.links.ip.families import Family

_LOOPBACK: dict[Family, int] = {"ipv4": 127 << 24 | 1, "ipv6": 1}
_FREE_PORTS: Intervals = ((1024, 65535),)
# Of two that NAT cannot tell apart, the kernel drops the second (__nf_conntrack_confirm).
_ALIKE = "may give two senders the same source, and drop what the second sends:"


@dataclass(frozen=True)
class TracedHooks(Hooks):
    """The hooks that packets of one family meet, with NAT in both directions.

    Attributes:
        routes: which tell the address that masquerading takes.
    """

    routes: RoutingTables = field(default_factory=lambda: RoutingTables({}, {}))

    def _nat(self, hook: Hook, flows: list[Flow], trace: Trace) -> list[Flow]:
        destination = NAT_AT[hook] == NAT_DST
        done: list[Flow] = []
        fresh: list[Flow] = []
        for packet, mask in flows:
            if not isinstance(packet, TracedPacket) or packet.iif == "lo":
                # Neighbour discovery is not tracked. What comes by lo was translated as it left.
                done.append((packet, mask))
            elif packet.is_new:
                fresh.append((packet, mask))
            else:
                to = packet.translated_at(destination=destination)
                if hook is Hook.OUTPUT and to.daddr != packet.daddr:
                    to = replace(to, routed_by=packet.mark)
                done.append((to, mask))
        for base in self.ruleset.bases(hook):
            if not base.nat:
                continue
            following: list[Flow] = []
            for packet, mask in fresh:
                passed, translated = self._asked(base, (packet, mask), trace)
                for after, which in passed:
                    moved = after.source_nat is not packet.source_nat
                    (done if moved else following).append((after, which))
                for taken, which, target in translated:
                    assert isinstance(taken, TracedPacket)
                    done += self._destinations(taken, which, target, hook, trace)
            fresh = following
        if not destination:
            done = [flow for each in done for flow in self._sources(each, trace)]
        return merge([*done, *fresh])

    def _destinations(
        self, packet: TracedPacket, mask: int, target: NatTarget, hook: Hook, trace: Trace
    ) -> list[Flow]:
        """The packet after destination NAT, for each place to which NAT may take it."""
        if packet.kind.reply:
            lose_answer(packet, mask, trace)
            return []
        if target.unknown:
            rule = FilterRule("NAT", target.unknown, (), Action.UNDECIDED)
            trace.doubts.append((mask, rule))
            trace.lost.append(Event(mask, rule, Action.DROP, False, packet))
            return [(packet, mask)]
        addresses = target.addresses or packet.ends.destination
        if target.here:
            own: int | None = _LOOPBACK[packet.family]
            if hook is not Hook.OUTPUT:
                own = self.links.first_address(packet.iif, packet.family)
            addresses = packet.ends.destination if own is None else ((own, own),)
        return [
            (_taken_to(packet, address, port, hook), mask)
            for address in _each(addresses)
            for port in ([(span,) for span in target.ports] if target.ports else [packet.dport])
        ]

    def _sources(self, flow: Flow, trace: Trace) -> list[Flow]:
        """A packet after source NAT, if a rule has just asked for it."""
        packet, mask = flow
        to = packet.source_nat
        if to is None or not packet.is_new or not isinstance(packet, TracedPacket):
            return [flow]
        if to.unknown:
            address: Intervals | None = None
        elif to.addresses is None:
            address = self._masquerade(packet)
        else:
            address = to.addresses
        ports = _ports(packet.sport, to)
        if packet.kind.protocol not in {TCP, ICMP, ICMPV6}:
            text = f"{_ALIKE} protocol {packet.kind.protocol} has no ports"
            rule = FilterRule("NAT", text, (), Action.UNDECIDED)
            trace.doubts.append((mask, rule))
            trace.lost.append(Event(mask, rule, Action.DROP, False, packet))
        if (address, ports) == (packet.saddr, packet.sport):
            return [(replace(packet, source_nat=None), mask)]
        if packet.kind.reply:
            lose_answer(packet, mask, trace)
            return []
        moved = replace(packet, saddr=address, sport=ports)
        return [(replace(moved, sent=moved.ends), mask)]

    def _masquerade(self, packet: TracedPacket) -> Intervals | None:
        """The address of the interface that the packet leaves by."""
        to = packet.ends.destination
        if packet.oif is None or to is None or to[0][0] != to[0][1]:
            return None
        toward = to[0][0]
        if packet.family == "ipv4":
            mark = packet.routed_by or NO_MARK
            ways = self.routes.way("ipv4", toward, _one(packet.ends.source), mark)
            if len(ways.gateways) > 1:
                return None
            toward = next(iter(ways.gateways), toward)
        chosen = chosen_source(self.links, packet.family, packet.oif, toward, on_link=False)
        return None if chosen is None else ((chosen, chosen),)


def _taken_to(
    packet: TracedPacket, address: Intervals | None, port: Intervals, hook: Hook
) -> TracedPacket:
    if (address, port) == (packet.daddr, packet.dport):
        return packet
    if hook is Hook.OUTPUT:
        # What leaves the host is routed anew (nf_nat_ipv4_local_fn).
        packet = replace(packet, routed_by=packet.mark)
    taken = replace(packet, daddr=address, dport=port, translated=(address or (), port))
    return replace(taken, sent=taken.ends)


def _each(spans: Intervals | None) -> tuple[Intervals | None, ...]:
    """Several alternatives one by one; what is a span stays one."""
    return (None,) if spans is None else tuple((span,) for span in spans)


def _one(spans: Intervals | None) -> int | None:
    """The only number of the spans; None for several."""
    return spans[0][0] if spans and len(spans) == 1 and spans[0][0] == spans[0][1] else None


def _ports(before: Intervals, to: NewSource) -> Intervals:
    """The ports after source NAT.

    It keeps a port that is free, and in the range if it has one; another one is of the same kind
    (get_unique_tuple, nf_nat_l4proto_unique_tuple). A port is hardly ever taken.
    """
    if not before:
        return ()
    kept = to.ports is None or common(before, to.ports) == before
    if kept and not to.random:
        return before
    low = before[0][0] < _FREE_PORTS[0][0]
    return to.ports or (ANY_PORT if low else _FREE_PORTS)

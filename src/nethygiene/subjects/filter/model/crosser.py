"""One packet's way through this host: in from a wire, out to a wire, or from one to the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nethygiene.subjects.filter.model.addresses import Intervals, common, holds
from nethygiene.subjects.filter.model.arriving import taken_in
from nethygiene.subjects.filter.model.fields import NO_MARK, Bits
from nethygiene.subjects.filter.model.hooks import merge
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.own import LINK_LOCAL, LOOPBACK
from nethygiene.subjects.filter.model.ruleset import Action, FilterRule, Hook
from nethygiene.subjects.filter.model.trace import Event, Flow, Trace
from nethygiene.subjects.filter.model.traced import TracedPacket
from nethygiene.subjects.filter.model.traced_hooks import TracedHooks

_ALL = 1
"""The mask of a ground of one class: the packet is on its way."""


@dataclass(frozen=True)
class Crosser:
    """Takes single packets through the hooks of one family.

    Attributes:
        hooks: of the family.
        ground: of one class: the addresses stand in the packet.
        forwards: whether the host forwards; None where that was not read.
        programs: what sees packets beside the filter, by interface, as far as it was asked for.
    """

    hooks: TracedHooks
    ground: Ground
    forwards: bool | None
    programs: dict[str | None, str] = field(default_factory=dict, compare=False)

    def comes(
        self, packet: TracedPacket, trace: Trace, *, out: str | None = None
    ) -> list[TracedPacket]:
        """A packet that comes in by its interface: where it is delivered here, or leaves again.

        Args:
            packet: the packet.
            trace: what happens to it.
            out: the interface that it leaves by if the routes do not tell.

        Returns:
            The packet at its socket, with no interface to leave by, or as it leaves. Several, if
            it cannot be told what becomes of it.
        """
        hooks = self.hooks
        self._unsure_of(packet, packet.iif, trace)
        flows = hooks.ask_device(Hook.INGRESS, packet.iif, [(packet, _ALL)], trace)
        if hooks.links.is_bridge(packet.iif):
            for hook in (Hook.BRIDGE_PREROUTING, Hook.BRIDGE_INPUT):
                hooks.ask_perhaps(hook, flows, trace)
        here: list[Flow] = []
        passed: list[Flow] = []
        for after, mask in hooks.ask(Hook.PREROUTING, flows, trace):
            assert isinstance(after, TracedPacket)
            if not self._is_taken_in(after, trace):
                continue
            if self.is_here(after):
                here.append((after, mask))
            else:
                passed += self._forwarded(after, out, trace)
        return _packets([*hooks.ask(Hook.INPUT, here, trace), *passed])

    def _unsure_of(self, packet: TracedPacket, device: str | None, trace: Trace) -> None:
        """A program beside the filter may lose packets of an interface."""
        if device not in self.programs:
            self.programs[device] = self.hooks.links.programs(device)
        if program := self.programs[device]:
            doubt(trace, packet, program)

    def is_here(self, packet: TracedPacket) -> bool:
        """Whether the host itself takes it; where its address is unknown, NAT has not moved it."""
        to = packet.ends.destination
        if to is None:
            return (packet.near if packet.kind.reply else packet.far) == ""
        if _is_group(packet, to):
            return True
        routes = self.ground.routes
        return routes.is_local(packet.family, to[0][0]) or holds(
            routes.broadcast(packet.family), to[0][0]
        )

    def _is_taken_in(self, packet: TracedPacket, trace: Trace) -> bool:
        """Whether routing does not refuse it (ip_route_input_slow; Linux 6.18)."""
        routes = self.ground.routes
        source, to = packet.ends.source, packet.ends.destination
        if packet.iif == "lo" or to is None or (packet.family == "ipv4" and _is_group(packet, to)):
            return True
        if packet.family == "ipv4":
            if source and source[0][0] == source[-1][1] and routes.is_local("ipv4", source[0][0]):
                lose(trace, packet, "it comes in with an address of this host as its source")
                return False
            into_loopback = holds(LOOPBACK["ipv4"], to[0][0])
            if into_loopback and not self.hooks.links.takes_loopback(packet.iif):
                lose(trace, packet, "127.0.0.0/8 is not routed (route_localnet)")
                return False
        return bool(taken_in(packet, _ALL, self.hooks.links, self.ground, trace))

    def _forwarded(self, packet: TracedPacket, out: str | None, trace: Trace) -> list[Flow]:
        if self.forwards is False:
            lose(trace, packet, f"the host does not forward {packet.family}")
            return []
        if self.forwards is None:
            doubt(trace, packet, f"whether the host forwards {packet.family} was not read")
        local = LINK_LOCAL["ipv6"]
        if packet.family == "ipv6" and any(
            end is not None and common(end, local) == end
            for end in (packet.ends.source, packet.ends.destination)
        ):
            lose(trace, packet, "nothing is forwarded for link-local addresses")
            return []
        forwarded: list[Flow] = []
        for device in self.ways_out(packet, packet.iif, (packet.mark,), out, trace):
            sent = replace(packet, oif=device, routed_by=packet.mark)
            forwarded += self.leaves(self.hooks.ask(Hook.FORWARD, [(sent, _ALL)], trace), trace)
        return forwarded

    def goes(
        self,
        packet: TracedPacket,
        trace: Trace,
        *,
        out: str | None = None,
        marks: tuple[Bits, ...] = (NO_MARK,),
    ) -> list[TracedPacket]:
        """A packet that leaves a socket of this host, as it leaves the host.

        One to the host itself leaves by ``lo``, and comes to its socket by ``lo``.

        Args:
            packet: the packet.
            trace: what happens to it.
            out: the interface that it leaves by if the routes do not tell.
            marks: those that its socket may have.
        """
        gone: list[Flow] = []
        for device in self._ways_from_here(packet, marks, out, trace):
            started = replace(packet, oif=device, iif="")
            flows: list[Flow] = []
            for after, mask in self.hooks.ask(Hook.OUTPUT, [(started, _ALL)], trace, _by_mark):
                assert isinstance(after, TracedPacket)
                flows += self._rerouted(after, mask, out, trace)
            gone += self.leaves(flows, trace)
        passed: list[TracedPacket] = []
        for left in _packets(gone):
            if left.oif != "lo":
                passed.append(left)
                continue
            # Connection tracking and NAT leave it as it is; so does the mark.
            arrived = self.comes(replace(left, iif="lo", oif=""), trace)
            passed += [replace(came, oif="lo") for came in arrived]
        return passed

    def _ways_from_here(
        self, packet: TracedPacket, marks: tuple[Bits, ...], out: str | None, trace: Trace
    ) -> list[str | None]:
        family, source, to = packet.family, packet.ends.source, _one(packet.ends.destination)
        to_itself = packet.near == packet.far == ""
        if to_itself if to is None else self.ground.routes.is_local(family, to):
            return ["lo"]
        ways = self.ways_out(packet, "lo", marks, out, trace)
        if source is None or common(source, LOOPBACK[family]) != source:
            return ways
        # NAT has taken it elsewhere; with route_localnet, IPv4 lets it leave.
        leaving = [way for way in ways if family == "ipv4" and self._takes_loopback(way)]
        if ways and not leaving:
            lose(trace, packet, "what is from loopback does not leave the host")
        return leaving

    def _takes_loopback(self, device: str | None) -> bool:
        return self.hooks.links.takes_loopback(device)

    def _rerouted(
        self, after: TracedPacket, mask: int, out: str | None, trace: Trace
    ) -> list[Flow]:
        """The packet after the output hook: by another interface, if it was routed anew there."""
        if after.routed_by is None:
            return [(after, mask)]
        devices = self._ways_from_here(after, (after.routed_by,), out, trace)
        return [(replace(after, oif=device), mask) for device in devices]

    def leaves(self, flows: list[Flow], trace: Trace) -> list[Flow]:
        """Packets from the routing decision out to the wire."""
        hooks = self.hooks
        gone: list[Flow] = []
        for flow in hooks.ask(Hook.POSTROUTING, flows, trace):
            device = flow[0].oif
            assert isinstance(flow[0], TracedPacket)
            self._unsure_of(flow[0], device, trace)
            if hooks.links.is_bridge(device):
                for hook in (Hook.BRIDGE_OUTPUT, Hook.BRIDGE_POSTROUTING):
                    hooks.ask_perhaps(hook, [flow], trace)
            gone += hooks.ask_device(Hook.EGRESS, device, [flow], trace)
        return gone

    def ways_out(
        self,
        packet: TracedPacket,
        incoming: str | None,
        marks: tuple[Bits, ...],
        out: str | None,
        trace: Trace,
    ) -> list[str | None]:
        """The interfaces that a packet may leave by; none if there is no route."""
        ends = packet.ends
        to = _one(ends.destination)
        on_link = packet.family == "ipv6" and to is not None and holds(LINK_LOCAL["ipv6"], to)
        if on_link:
            out = (packet.near if packet.kind.reply else packet.far) or out
        if to is None or _is_group(packet, ends.destination or ()):
            return [out]
        found: set[str | None] = set()
        for mark in dict.fromkeys(marks):
            ways = self.ground.routes.way(packet.family, to, _one(ends.source), mark, incoming)
            if not ways.devices:
                if ways.certain:
                    lose(trace, packet, "no route to where it goes")
                    return []
                doubt(trace, packet, "no route to where it goes, unless a routing rule has one")
            elif ways.perhaps_none:
                doubt(trace, packet, "a routing rule may refuse it")
            if on_link or (out in ways.devices and not (ways.certain and len(ways.devices) == 1)):
                found.add(out)  # the socket knows the link
            else:
                found |= ways.devices or {None}
        return sorted(found, key=str)


def _by_mark(flows: list[Flow], trace: Trace) -> list[Flow]:  # noqa: ARG001 - as the hooks call it
    """A chain of type route has marked them, and so routes them anew (ip_route_me_harder)."""
    return [
        (replace(packet, routed_by=packet.mark), mask)
        for packet, mask in flows
        if isinstance(packet, TracedPacket)
    ]


def lose(trace: Trace, packet: TracedPacket, text: str, place: str = "routing") -> FilterRule:
    """Lose a packet to routing, or to NAT."""
    rule = FilterRule(place, text, (), Action.DROP)
    trace.lost.append(Event(_ALL, rule, Action.DROP, False, packet))
    return rule


def doubt(trace: Trace, packet: TracedPacket, text: str) -> None:
    """Lose a packet perhaps."""
    trace.doubts.append((_ALL, lose(trace, packet, text)))


def _is_group(packet: TracedPacket, to: Intervals) -> bool:
    """Whether it is to a group of hosts, or to all of a link."""
    if not to:
        return False
    number = to[0][0]
    if packet.family == "ipv6":
        return number >> 120 == 0xFF
    return 224 <= number >> 24 < 240 or number == 0xFFFFFFFF


def _one(spans: Intervals | None) -> int | None:
    return spans[0][0] if spans and len(spans) == 1 and spans[0][0] == spans[0][1] else None


def _packets(flows: list[Flow]) -> list[TracedPacket]:
    return [packet for packet, _ in merge(flows) if isinstance(packet, TracedPacket)]

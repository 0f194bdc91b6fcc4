"""Follows a TCP connection: each of its packets through every hook, one after another.

A connection works when the client gets the service's first data. The loss of any packet before
that, the client's or the answer's, loses the connection.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from nethygiene.subjects.filter.model.arriving import taken_in
from nethygiene.subjects.filter.model.fields import CLIENT, NO_MARK, Bits, Field
from nethygiene.subjects.filter.model.hooks import Hooks, merge
from nethygiene.subjects.filter.model.kinds import (
    ACK_IN,
    DATA_IN,
    DATA_OUT,
    SYN_ACK_OUT,
    SYN_IN,
    PacketKind,
)
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.neighbours import unsure_way_back
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.readers import SILENT
from nethygiene.subjects.filter.model.ruleset import Action, FilterRule, Hook
from nethygiene.subjects.filter.model.trace import Event, Flow, Trace
from nethygiene.subjects.filter.model.ways_back import ways_back

_NO_WAY_BACK = "no route back to the client"
_LOOPBACK = (127 << 24, (128 << 24) - 1)
# These fields distinguish a packet from the first packet in the same direction.
_STATE = frozenset({Field.CT_STATE, Field.CT_STATUS, Field.CT_DIRECTION, Field.CT_MARK})
_FLAGS = frozenset({Field.TCP_FLAGS})


@dataclass(frozen=True)
class ConnectionPath:
    """Connections that pass one family's hooks.

    Attributes:
        hooks: of the family.
        ground: the classes of clients, and the routes.
        forwards: whether the host forwards; None where that was not read.
    """

    hooks: Hooks
    ground: Ground
    forwards: bool | None

    def followed(self, syn: Packet, clients: int, trace: Trace) -> tuple[int, int]:
        """The classes whose connections may work: with the host itself, and with another host."""
        arrived = self._in([(syn, clients)], trace)
        for kind in self._kinds(syn):
            arrived = (
                self._out(arrived, kind, trace)
                if kind.reply
                else self._in([(packet.next(kind), mask) for packet, mask in arrived], trace)
            )
            if not arrived:
                break
        here = elsewhere = 0
        for packet, mask in arrived:
            if packet.far == "":
                here |= mask
            else:
                elsewhere |= mask
        return here, elsewhere

    def _kinds(self, syn: Packet) -> tuple[PacketKind, ...]:
        """The packets after the SYN that rules can distinguish from earlier ones."""
        ruleset = self.hooks.ruleset
        flags = ruleset.asks(_FLAGS)
        if flags and not syn.chosen(SILENT):
            return SYN_ACK_OUT, ACK_IN, DATA_IN, DATA_OUT
        if flags or ruleset.asks(_STATE):
            return SYN_ACK_OUT, ACK_IN, DATA_OUT
        return (SYN_ACK_OUT,)

    def _in(self, flows: list[Flow], trace: Trace) -> list[Flow]:
        """Follow a client's packet to the socket, or out to where NAT takes it."""
        hooks = self.hooks
        device = flows[0][0].near
        flows = hooks.ask_device(Hook.INGRESS, device, flows, trace)
        if hooks.links.is_bridge(device):
            for hook in (Hook.BRIDGE_PREROUTING, Hook.BRIDGE_INPUT):
                hooks.ask_perhaps(hook, flows, trace)
        here: list[Flow] = []
        elsewhere: list[Flow] = []
        for packet, mask in hooks.ask(Hook.PREROUTING, flows, trace):
            assert isinstance(packet.daddr, tuple)
            local = self.ground.routes.is_local(packet.family, packet.daddr[0][0])
            if local and packet.family == "ipv4" and self._is_martian(packet, mask, trace):
                continue
            if which := taken_in(packet, mask, self.hooks.links, self.ground, trace):
                (here if local else elsewhere).append((packet, which))
        here = _not_astray(hooks.ask(Hook.INPUT, here, trace), trace)
        return merge([*here, *self._forwarded(elsewhere, trace)])

    def _is_martian(self, packet: Packet, mask: int, trace: Trace) -> bool:
        """Whether routing drops it: it is for loopback, from another interface."""
        assert isinstance(packet.daddr, tuple)
        number = packet.daddr[0][0]
        if not _LOOPBACK[0] <= number <= _LOOPBACK[1] or packet.near == "lo":
            return False
        if self.hooks.links.takes_loopback(packet.near):
            return False
        _lose(trace, packet, mask, "127.0.0.0/8 is not routed (route_localnet)")
        return True

    def _forwarded(self, flows: list[Flow], trace: Trace) -> list[Flow]:
        passed: list[Flow] = []
        for packet, mask in flows:
            if packet.kind is not SYN_IN:
                passed += self._through(packet, packet.far, mask, trace)
                continue
            routed = self._routed(packet, mask, trace)
            if routed is None:
                continue
            far, which = routed
            sent = replace(packet, far=far)
            unsure_way_back(sent, which, self.hooks, self.ground, trace)
            for through, left in self._through(packet, far, which, trace):
                if far is not None and far == packet.near:
                    passed += self._turned_round(through, left, trace)
                else:
                    passed.append((through, left))
        return passed

    def _through(self, packet: Packet, far: str | None, mask: int, trace: Trace) -> list[Flow]:
        flows = self.hooks.ask(Hook.FORWARD, [(replace(packet, far=far, oif=far), mask)], trace)
        return self._left(far, flows, trace)

    def _routed(self, packet: Packet, mask: int, trace: Trace) -> tuple[str | None, int] | None:
        """The interface by which a SYN is forwarded, and for which clients; None if for nobody."""
        if self.forwards is False:
            _lose(trace, packet, mask, f"the host does not forward {packet.family}")
            return None
        if packet.family == "ipv6" and (local := mask & self.ground.mask(LINK_LOCAL["ipv6"])):
            _lose(trace, packet, local, "nothing is forwarded for link-local addresses")
            mask &= ~local
        assert isinstance(packet.daddr, tuple)
        ways = self.ground.routes.way(
            packet.family, packet.daddr[0][0], None, packet.mark, packet.near
        )
        if not ways.devices:
            _lose(trace, packet, mask, "no route to where NAT takes it")
            return None
        return (next(iter(ways.devices)) if len(ways.devices) == 1 else None), mask

    def _turned_round(self, packet: Packet, mask: int, trace: Trace) -> list[Flow]:
        """A SYN that leaves by the interface that it came in by.

        Where its client is on that link, the answer goes straight to it: from an address that it
        has not asked, unless source NAT makes the host the client. A bridge that netfilter looks
        into (br_netfilter) does not send a frame back to where it came from.
        """
        text = f"{packet.near} leads back to the client, whom the answer may reach past the host"
        if packet.source_nat and not self.hooks.links.is_bridge(packet.near):
            return [(packet, mask)]
        direct = 0
        if packet.translated and not packet.source_nat:
            for intervals, ways in self.ground.routes.ways(packet.family, None):
                if ways.certain and ways.devices == {packet.near} and not ways.gateways:
                    direct |= mask & self.ground.mask(intervals)
            if direct:
                _lose(trace, packet, direct, text)
        if rest := mask & ~direct:
            trace.doubts.append((rest, _lose(trace, packet, rest, text)))
        return [(packet, rest)] if rest else []

    def _left(self, device: str | None, flows: list[Flow], trace: Trace) -> list[Flow]:
        """Follow packets from the routing decision out to the wire."""
        hooks = self.hooks
        flows = hooks.ask(Hook.POSTROUTING, flows, trace)
        if flows and hooks.links.is_bridge(device):
            for hook in (Hook.BRIDGE_OUTPUT, Hook.BRIDGE_POSTROUTING):
                hooks.ask_perhaps(hook, flows, trace)
        return hooks.ask_device(Hook.EGRESS, device, flows, trace)

    def _out(self, flows: list[Flow], kind: PacketKind, trace: Trace) -> list[Flow]:
        """Follow a service's packet from the socket, or from where NAT has taken the client."""
        hooks = self.hooks
        passed: list[Flow] = []
        for before, mask in flows:
            packet = before.next(kind)
            starts = [(packet, mask)]
            if packet.far != "":
                starts = hooks.ask_device(Hook.INGRESS, packet.far, starts, trace)
                starts = hooks.ask(Hook.PREROUTING, starts, trace)
            hook = Hook.OUTPUT if packet.far == "" else Hook.FORWARD
            # An accepted socket may have the mark of its SYN (tcp_fwmark_accept).
            for device, routed in self._back(starts, (NO_MARK, before.mark), trace):
                left = self._left(device, hooks.ask(hook, routed, trace, self._rerouted), trace)
                passed += _not_astray(left, trace)
        return merge(passed)

    def _back(
        self, flows: list[Flow], marks: tuple[Bits, ...], trace: Trace
    ) -> list[tuple[str | None, list[Flow]]]:
        """The interface by which the answer leaves; it is lost without a route."""
        groups: list[tuple[str | None, list[Flow]]] = []
        for packet, mask in flows:
            for way in ways_back(packet, marks, self.ground):
                taken = mask & way.clients
                if not taken:
                    continue
                if way.exists is not True:
                    rule = _lose(trace, packet, taken, _NO_WAY_BACK)
                    if way.exists is False:
                        continue
                    trace.doubts.append((taken, rule))
                groups.append((way.device, [(replace(packet, oif=way.device), taken)]))
        return groups

    def _rerouted(self, flows: list[Flow], trace: Trace) -> list[Flow]:
        """Reroute the host's own answers that a rule has marked, by their mark."""
        kept: list[Flow] = []
        for packet, mask in flows:
            lost = 0
            if packet.far == "" and packet.daddr is CLIENT:
                for way in ways_back(packet, (packet.mark,), self.ground):
                    if way.exists is True or not (taken := mask & way.clients):
                        continue
                    rule = _lose(trace, packet, taken, f"{_NO_WAY_BACK} by the mark of its answer")
                    if way.exists is None:
                        trace.doubts.append((taken, rule))
                    else:
                        lost |= taken
            kept.append((packet, mask & ~lost))
        return merge(kept)


def _not_astray(flows: list[Flow], trace: Trace) -> list[Flow]:
    """The packets that are where NAT has the connection; NAT skips untracked packets."""
    passed: list[Flow] = []
    for packet, mask in flows:
        if packet.kind.reply and packet.source_nat and packet.daddr is not CLIENT:
            _lose(trace, packet, mask, "source NAT does not translate it back: it is not tracked")
        elif packet.translated is None:
            passed.append((packet, mask))
        elif packet.kind.reply:
            if (packet.saddr, packet.sport) == packet.server:
                passed.append((packet, mask))
            else:
                _lose(trace, packet, mask, "NAT does not translate it back: it is not tracked")
        elif (packet.daddr, packet.dport) == packet.translated:
            passed.append((packet, mask))
        else:
            _lose(trace, packet, mask, "NAT does not translate it: it is not tracked")
    return passed


def _lose(trace: Trace, packet: Packet, mask: int, text: str) -> FilterRule:
    rule = FilterRule("routing", text, (), Action.DROP)
    trace.lost.append(Event(mask, rule, Action.DROP, False, packet))
    return rule

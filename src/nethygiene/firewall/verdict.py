"""From the interface to the socket: every hook that the kernel asks about a new connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nethygiene.firewall.addresses import (
    Classes,
    Family,
    Intervals,
    classes_of,
    everything,
    holds,
    merged,
)
from nethygiene.firewall.links import Links
from nethygiene.firewall.matches import Ground
from nethygiene.firewall.packet import CtState, Packet
from nethygiene.firewall.routes import Routes
from nethygiene.firewall.ruleset import Action, BaseChain, Hook, Rule, Ruleset, Target
from nethygiene.firewall.walk import Event, Flow, TooLongError, Trace, Walker

CONNTRACK = -200
"""NF_IP_PRI_CONNTRACK: where connection tracking sees a packet (linux/netfilter_ipv4.h)."""
NAT_DST = -100
NAT_SRC = 100


@dataclass(frozen=True)
class Judgement:
    """What becomes of connections to one address and port, by class of source.

    Attributes:
        classes: the address space, cut into classes.
        asked: the classes that were asked about.
        accepted: those that perhaps get through to the host itself.
        forwarded: those that perhaps get through to another host, by destination NAT.
        lost: those that perhaps do not.
        banned: those that perhaps are lost to a list that a program such as fail2ban keeps.
        trace: what happened on the way.
    """

    classes: Classes
    asked: int
    accepted: int
    forwarded: int
    lost: int
    banned: int
    trace: Trace

    @property
    def surely_in(self) -> int:
        """The classes whose connections certainly get through, here or to another host."""
        return (self.accepted | self.forwarded) & ~(self.lost | self.banned)

    @property
    def surely_out(self) -> int:
        """The classes whose connections certainly do not get through, for no ban."""
        return self.lost & ~(self.accepted | self.forwarded)

    @property
    def undecided(self) -> int:
        """The classes of which nobody can tell."""
        return (self.lost | self.banned) & (self.accepted | self.forwarded)

    def loss(self, mask: int) -> Event | None:
        """The first rule that drops or rejects some of these classes."""
        return next((one for one in self.trace.lost if one.mask & mask), None)

    def pass_by(self, mask: int) -> Event | None:
        """The last rule that let some of these classes pass."""
        return next((one for one in reversed(self.trace.accepted) if one.mask & mask), None)

    def doubt(self, mask: int) -> Rule | None:
        """The first rule that could not be decided for some of these classes."""
        return next((rule for which, rule in self.trace.doubts if which & mask), None)


@dataclass(frozen=True)
class HostFilter:
    """The whole packet filter of a host.

    Attributes:
        rulesets: by family.
        routes: routes and rules of both families.
        links: its interfaces, as far as they matter here.
        forwards: whether it forwards, by family; None where that was not read.
    """

    rulesets: Mapping[Family, Ruleset]
    routes: Routes
    links: Links
    forwards: Mapping[Family, bool | None]
    _grounds: dict[Family, tuple[Ground, Walker]] = field(default_factory=dict, compare=False)
    _known: dict[tuple[Packet, int], Judgement] = field(default_factory=dict, compare=False)

    def ground(self, family: Family) -> Ground:
        """The classes of source addresses that the filter and the routes tell apart."""
        if family not in self._grounds:
            sets: list[Intervals] = [*self.routes.prefixes(family), self.routes.local(family)]
            sets += self.rulesets[family].client_sets()
            ground = Ground(classes_of(family, sets), self.routes)
            self._grounds[family] = (ground, Walker(ground))
        return self._grounds[family][0]

    def arrivals(self, family: Family, daddr: int) -> tuple[tuple[Intervals, frozenset[str]], ...]:
        """By which interfaces packets to `daddr` come in, for all sources; none: no way back."""
        return tuple(
            (intervals, ways.devices) for intervals, ways in self.routes.ways(family, daddr)
        )

    def judge(self, packet: Packet, sources: int) -> Judgement:
        """Follow a packet from the wire to where it ends.

        Args:
            packet: as it is on the wire.
            sources: the classes of :meth:`ground` that it may come from.

        Raises:
            TooLongError: the ruleset is too tangled to follow.
        """
        known = self._known.get((packet, sources))
        if known is None:
            known = self._known[packet, sources] = self._judged(packet, sources)
        return known

    def _judged(self, packet: Packet, sources: int) -> Judgement:
        ground = self.ground(packet.family)
        trace = Trace()
        flows: list[Flow] = [(packet, sources)]
        flows = self._ingress(flows, packet, trace)
        flows = self._hook(Hook.PREROUTING, flows, trace)
        accepted = forwarded = 0
        for arrived, mask in flows:
            if self.routes.is_local(arrived.family, _first(arrived.daddr)):
                for _, passed in self._hook(Hook.INPUT, [(arrived, mask)], trace):
                    accepted |= passed
            else:
                forwarded |= self._forward(arrived, mask, trace)
        lost = banned = 0
        for event in trace.lost:
            if event.bans:
                banned |= event.mask
            else:
                lost |= event.mask
        return Judgement(ground.classes, sources, accepted, forwarded, lost, banned, trace)

    def _ingress(self, flows: list[Flow], packet: Packet, trace: Trace) -> list[Flow]:
        ruleset = self.rulesets[packet.family]
        below = self.links.below(packet.iif)
        for base in ruleset.bases(Hook.INGRESS):
            if base.devices is None or (packet.iif is None and base.devices):
                flows = self._doubtful(base, flows, trace)
            elif packet.iif in base.devices:
                flows = self._base(base, flows, trace)
            elif below & set(base.devices):
                # The frame may still wear a VLAN tag there, behind which rules see no address.
                flows = self._doubtful(base, flows, trace)
        if self.links.is_bridge(packet.iif):
            for hook in (Hook.BRIDGE_PREROUTING, Hook.BRIDGE_INPUT):
                for base in ruleset.bases(hook):
                    flows = self._doubtful(base, flows, trace)
        return flows

    def _doubtful(self, base: BaseChain, flows: list[Flow], trace: Trace) -> list[Flow]:
        """A chain that is perhaps asked: what it would lose is perhaps lost."""
        before = len(trace.lost)
        self._base(base, flows, trace)
        for event in trace.lost[before:]:
            trace.doubts.append((event.mask, event.rule))
        return flows

    def _forward(self, packet: Packet, mask: int, trace: Trace) -> int:
        family = packet.family
        rule = Rule("routing", "", (), Action.DROP)
        if self.forwards.get(family) is False:
            text = f"the host does not forward {family}"
            trace.lost.append(Event(mask, replace(rule, text=text), Action.DROP, False, packet))
            return 0
        ways = self.routes.way(family, _first(packet.daddr), None)
        if not ways.devices:
            text = "no route to where NAT takes it"
            trace.lost.append(Event(mask, replace(rule, text=text), Action.DROP, False, packet))
            return 0
        oif = next(iter(ways.devices)) if len(ways.devices) == 1 else None
        flows = self._hook(Hook.FORWARD, [(replace(packet, oif=oif), mask)], trace)
        passed = 0
        for _, which in flows:
            passed |= which
        return passed

    def _hook(self, hook: Hook, flows: list[Flow], trace: Trace) -> list[Flow]:
        if not flows:
            return []
        ruleset = self.rulesets[flows[0][0].family]
        bases = ruleset.bases(hook)
        nats = [base for base in bases if base.nat]
        before, after = NAT_SRC, NAT_SRC
        if hook is Hook.PREROUTING:
            before = after = NAT_DST
        for base in bases:
            if not base.nat and base.priority < before:
                flows = self._base(base, _at(base.priority, hook, flows), trace)
        flows = self._nat(nats, [(_tracked(packet), mask) for packet, mask in flows], hook, trace)
        for base in bases:
            if not base.nat and base.priority >= after:
                flows = self._base(base, flows, trace)
        return flows

    def _nat(
        self, nats: list[BaseChain], flows: list[Flow], hook: Hook, trace: Trace
    ) -> list[Flow]:
        done: list[Flow] = []
        for base in nats:
            following: list[Flow] = []
            for packet, mask in flows:
                if packet.untracked:
                    done.append((packet, mask))
                    continue
                passed, translated = self._asked(base, (packet, mask), trace)
                following += passed
                for taken, which, target in translated:
                    if hook is Hook.PREROUTING:
                        done += self._translated(taken, which, target, trace)
                    else:
                        done.append((replace(taken, source_nat=True), which))
            flows = following
        return _merge(done + flows)

    def _translated(self, packet: Packet, mask: int, target: Target, trace: Trace) -> list[Flow]:
        """The packet where NAT takes it, for each place that it may be taken to."""
        if target.unknown:
            rule = Rule("NAT", target.unknown, (), Action.UNDECIDED)
            trace.doubts.append((mask, rule))
            trace.lost.append(Event(mask, rule, Action.DROP, False, packet))
            return [(packet, mask)]
        assert isinstance(packet.daddr, tuple)
        addresses = target.addresses or packet.daddr
        if target.here:
            own = self.links.first_address(packet.iif, packet.family)
            addresses = packet.daddr if own is None else ((own, own),)
        ports = target.ports or packet.dport
        return [
            (packet.to(((low, low),), ((first, first),)), mask)
            for low, _ in addresses
            for first, _ in ports
        ]

    def _base(self, base: BaseChain, flows: list[Flow], trace: Trace) -> list[Flow]:
        passed: list[Flow] = []
        for flow in flows:
            passed += self._asked(base, flow, trace)[0]
        return _merge(passed)

    def _asked(
        self, base: BaseChain, flow: Flow, trace: Trace
    ) -> tuple[list[Flow], list[tuple[Packet, int, Target]]]:
        family = flow[0].family
        walker = self._grounds[family][1]
        table = self.rulesets[family].tables[base.table]
        outcome = walker.walk(table, base.chain, flow, trace)
        passed = list(outcome.accepted)
        policy = Rule(base.chain.place, f"policy {base.policy.name.lower()}", (), base.policy)
        for packet, mask in outcome.returned:
            event = Event(mask, policy, base.policy, False, packet)
            if base.policy is Action.DROP:
                trace.lost.append(event)
            else:
                trace.accepted.append(event)
                passed.append((packet, mask))
        return passed, outcome.translated


def _at(priority: int, hook: Hook, flows: Iterable[Flow]) -> list[Flow]:
    """The packets as chains of that priority find them: tracked, or not yet."""
    if hook is Hook.PREROUTING and priority <= CONNTRACK:
        return list(flows)
    return [(_tracked(packet), mask) for packet, mask in flows]


def _tracked(packet: Packet) -> Packet:
    if packet.seen:
        return packet
    state = CtState.UNTRACKED if packet.untracked else CtState.NEW
    return replace(packet, seen=True, state=state)


def _first(address: object) -> int:
    assert isinstance(address, tuple)
    number: int = address[0][0]
    return number


def _merge(flows: Iterable[Flow]) -> list[Flow]:
    joined: dict[Packet, int] = {}
    for packet, mask in flows:
        if mask:
            joined[packet] = joined.get(packet, 0) | mask
    return list(joined.items())


__all__ = [
    "HostFilter",
    "Judgement",
    "TooLongError",
    "everything",
    "holds",
    "merged",
]

"""One hook of netfilter: its base chains, connection tracking and NAT, in the kernel's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from nethygiene.subjects.filter.model.links import Links
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.ruleset import (
    Action,
    BaseChain,
    FilterRule,
    Hook,
    NatTarget,
    Ruleset,
)
from nethygiene.subjects.filter.model.trace import Event, Flow, Trace
from nethygiene.subjects.filter.model.walk import Walker

CONNTRACK = -200
"""NF_IP_PRI_CONNTRACK: where connection tracking sees a packet (linux/netfilter_ipv4.h)."""
NAT_DST = -100
NAT_SRC = 100
NAT_AT = {
    Hook.PREROUTING: NAT_DST,
    Hook.OUTPUT: NAT_DST,
    Hook.INPUT: NAT_SRC,
    Hook.POSTROUTING: NAT_SRC,
}
"""Where NAT changes packets: their destination, or their source."""
_DECIDING = frozenset({Hook.INPUT, Hook.FORWARD})
_MAY_LOSE = frozenset({Action.DROP, Action.REJECT, Action.JUMP, Action.GOTO, Action.UNDECIDED})


Reroute = Callable[[list[Flow], Trace], list[Flow]]


class _Step(Enum):
    """A step at a hook besides the base chains."""

    CONNTRACK = auto()
    NAT = auto()


@dataclass(frozen=True)
class Hooks:
    """The hooks that packets of one family meet."""

    ruleset: Ruleset
    walker: Walker
    links: Links
    _steps: dict[Hook, tuple[BaseChain | _Step, ...]] = field(default_factory=dict)
    _weights: dict[int, tuple[bool, bool]] = field(default_factory=dict)
    _policies: dict[int, FilterRule] = field(default_factory=dict)

    def ask(
        self, hook: Hook, flows: list[Flow], trace: Trace, reroute: Reroute | None = None
    ) -> list[Flow]:
        """The packets that a hook lets pass, as they leave it.

        Args:
            hook: which.
            flows: the packets.
            trace: what happens to them.
            reroute: what becomes of those whose mark a chain of type route changes.
        """
        for step in self._at(hook):
            if not flows:
                break
            if step is _Step.CONNTRACK:
                flows = [(packet if packet.seen else packet.tracked(), m) for packet, m in flows]
            elif step is _Step.NAT:
                flows = self._nat(hook, flows, trace)
            else:
                before = {packet.mark for packet, _ in flows}
                flows = self._base(step, flows, trace)
                if step.reroutes and reroute is not None:
                    marked = [flow for flow in flows if flow[0].mark not in before]
                    others = [flow for flow in flows if flow[0].mark in before]
                    flows = [*others, *reroute(marked, trace)]
        return flows

    def ask_perhaps(self, hook: Hook, flows: list[Flow], trace: Trace) -> None:
        """Pass packets through a hook that the kernel may ask: a loss there is a doubt."""
        for base in self.ruleset.bases(hook):
            self._doubtful(base, flows, trace)

    def ask_device(
        self, hook: Hook, device: str | None, flows: list[Flow], trace: Trace
    ) -> list[Flow]:
        """The chains of netdev tables at an interface."""
        bases = self.ruleset.bases(hook)
        if not bases:
            return flows
        below = self.links.below(device)
        for base in bases:
            if base.devices is None or (device is None and base.devices):
                self._doubtful(base, flows, trace)
            elif device in base.devices:
                flows = self._base(base, flows, trace)
            elif below & set(base.devices):
                # The frame may still have a VLAN tag there, behind which rules see no address.
                self._doubtful(base, flows, trace)
        return flows

    def _doubtful(self, base: BaseChain, flows: list[Flow], trace: Trace) -> None:
        before = len(trace.lost)
        self._base(base, flows, trace)
        for event in trace.lost[before:]:
            trace.doubts.append((event.mask, event.rule))

    def _at(self, hook: Hook) -> tuple[BaseChain | _Step, ...]:
        known_steps = self._steps.get(hook)
        if known_steps is not None:
            return known_steps
        # The kernel asks a chain of the same priority before conntrack, and after NAT.
        placed: list[tuple[float, BaseChain | _Step]] = [
            (base.priority, base) for base in self.ruleset.bases(hook) if not base.nat
        ]
        if hook in {Hook.PREROUTING, Hook.OUTPUT}:
            placed.append((CONNTRACK + 0.5, _Step.CONNTRACK))
        if hook in NAT_AT:
            placed.append((NAT_AT[hook] - 0.5, _Step.NAT))
        steps = tuple(step for _, step in sorted(placed, key=lambda pair: pair[0]))
        self._steps[hook] = steps
        return steps

    def _nat(self, hook: Hook, flows: list[Flow], trace: Trace) -> list[Flow]:
        bases = [base for base in self.ruleset.bases(hook) if base.nat]
        fresh = [flow for flow in flows if flow[0].is_new]
        changed: list[Flow] = []
        for packet, mask in flows:
            if not packet.is_new:
                before = NAT_AT[hook] == NAT_DST
                to = packet.destination_translated() if before else packet.source_translated()
                changed.append((to, mask))
        for base in bases:
            following: list[Flow] = []
            for packet, mask in fresh:
                passed, translated = self._asked(base, (packet, mask), trace)
                following += passed
                for taken, which, target in translated:
                    if taken.kind.reply:
                        lose_answer(taken, which, trace)
                    elif hook is Hook.PREROUTING:
                        changed += self._translated(taken, which, target, trace)
                    else:
                        changed.append((taken, which))
            fresh = following
        return merge(changed + self._moved(fresh, trace))

    def _moved(self, flows: list[Flow], trace: Trace) -> list[Flow]:
        """The first packets of connections after source NAT."""
        moved: list[Flow] = []
        for packet, mask in flows:
            if packet.kind.reply and packet.source_nat:
                own = self.links.first_address(packet.oif, packet.family)
                if own is None or packet.saddr != ((own, own),):
                    lose_answer(packet, mask, trace)
                    continue
            moved.append((packet.source_moved(), mask))
        return moved

    def _translated(self, packet: Packet, mask: int, target: NatTarget, trace: Trace) -> list[Flow]:
        """The packet after NAT, for each place to which NAT may take it."""
        if target.unknown:
            rule = FilterRule("NAT", target.unknown, (), Action.UNDECIDED)
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
            through, taken = self._asked(base, flow, trace)
            passed += through
            for packet, mask, target in taken:
                # This is a transparent proxy, and it is unknown whether one listens there.
                rule = FilterRule(base.chain.place, target.unknown, (), Action.UNDECIDED)
                trace.doubts.append((mask, rule))
                trace.lost.append(Event(mask, rule, Action.DROP, False, packet))
                passed.append((packet, mask))
        return merge(passed)

    def _asked(
        self, base: BaseChain, flow: Flow, trace: Trace
    ) -> tuple[list[Flow], list[tuple[Packet, int, NatTarget]]]:
        table = self.ruleset.tables[base.table]
        start = len(trace.accepted)
        outcome = self.walker.walk(table, base.chain, flow, trace)
        passed = list(outcome.accepted)
        policy = self._policy(base)
        for packet, mask in outcome.returned:
            event = Event(mask, policy, base.policy, False, packet)
            if base.policy is Action.DROP:
                trace.lost.append(event)
            else:
                trace.accepted.append(event)
                passed.append((packet, mask))
        if not base.nat and flow[0].kind.opens:
            # Chains that filter let a connection in, not those of NAT.
            weight = self._weight(base)
            for place in range(start, len(trace.accepted)):
                event = trace.accepted[place]
                heavy = (*weight, event.rule is not policy, -base.priority)
                trace.accepted[place] = Event(
                    event.mask, event.rule, event.action, event.bans, event.packet, heavy
                )
        return passed, outcome.translated

    def _policy(self, base: BaseChain) -> FilterRule:
        """A chain's policy as a rule: one object a chain."""
        policy = self._policies.get(id(base.chain))
        if policy is None:
            text = f"policy {base.policy.name.lower()}"
            policy = FilterRule(base.chain.place, text, (), base.policy)
            self._policies[id(base.chain)] = policy
        return policy

    def _weight(self, base: BaseChain) -> tuple[bool, bool]:
        """The weight of this chain's accept: more if the chain may keep a packet out."""
        weight = self._weights.get(id(base.chain))
        if weight is None:
            may_lose = base.policy is Action.DROP or any(
                rule.action in _MAY_LOSE for rule in base.chain.rules
            )
            weight = self._weights[id(base.chain)] = (base.hook in _DECIDING, may_lose)
        return weight


def lose_answer(packet: Packet, mask: int, trace: Trace) -> None:
    """Lose an answer that NAT changes: connection tracking took it for a new connection.

    It has seen no packet of the client's, which were untracked or go another way: the client gets
    an answer from another address than it asked, or none (Linux 6.18).
    """
    rule = FilterRule(
        "NAT", "changes the answers, of which the questions are untracked", (), Action.DROP
    )
    trace.lost.append(Event(mask, rule, Action.DROP, False, packet))


def merge(flows: Iterable[Flow]) -> list[Flow]:
    """The same packets once."""
    merged_flows = list(flows)
    if len(merged_flows) < 2:
        return [flow for flow in merged_flows if flow[1]]
    joined: dict[Packet, int] = {}
    for packet, mask in merged_flows:
        if mask:
            joined[packet] = joined.get(packet, 0) | mask
    return list(joined.items())

"""The walk of one packet through one chain and the chains that it jumps to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.kinds import SYN_IN
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.program import Program, Segment
from nethygiene.subjects.filter.model.ruleset import (
    COMING,
    GOING,
    Action,
    Chain,
    FilterRule,
    NatTarget,
    Table,
)
from nethygiene.subjects.filter.model.trace import Event, Flow, TooLongError, Trace

_STEPS = 3_000_000
_DEPTH = 64
_NO_PORT = ((0, 0),)
_NOWHERE: tuple[Intervals, Intervals] = ((), ())


class Walker:
    """Walks packets through the chains of one family's ruleset."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._programs: dict[tuple[int, bool], tuple[Chain, Program]] = {}

    def walk(self, table: Table, chain: Chain, flow: Flow, trace: Trace) -> _Outcome:
        """Walk one chain.

        Returns:
            What was accepted, what was translated by NAT, and what fell off its end.

        Raises:
            TooLongError: it takes too many steps.
        """
        outcome = _Outcome()
        outcome.returned = self._chain(table, chain, flow, trace, outcome, bans=False, depth=0)
        return outcome

    def _program(self, chain: Chain, reply: bool) -> Program:
        held = self._programs.get((id(chain), reply))
        if held is None:
            # Keep the chain too, so that no other object gets its id.
            program = Program(chain, GOING if reply else COMING)
            held = self._programs[id(chain), reply] = (chain, program)
        return held[1]

    def _chain(  # noqa: PLR0912 - one branch an action
        self,
        table: Table,
        chain: Chain,
        flow: Flow,
        trace: Trace,
        outcome: _Outcome,
        *,
        bans: bool,
        depth: int,
    ) -> list[Flow]:
        if depth > _DEPTH:
            raise TooLongError(f"{chain.place}: jumps deeper than any kernel allows")
        start = flow[0]
        items = self._program(chain, start.kind.reply).items(start.service_port)
        pending: list[tuple[int, Packet, int]] = [(0, *flow)]
        returned: list[Flow] = []
        plain, plain_of = start, None
        while pending:
            place, packet, live = pending.pop()
            while place < len(items) and live:
                item = items[place]
                place += 1
                if isinstance(item, Segment):
                    if plain_of is not packet:
                        plain, plain_of = _without_service(packet), packet
                    asked = _with_port(plain, packet, item.special)
                    live = self._segment(
                        item, (packet, asked), live, trace, outcome, returned, bans
                    )
                    continue
                yes, maybe = self._asked(item, packet, live, trace)
                if not yes and not maybe:
                    continue
                live &= ~yes
                after = self._after(item, packet, yes, maybe)
                banned = bans or item.bans
                for changed, mask in after:
                    if not mask:
                        continue
                    match item.action:
                        case Action.CONTINUE:
                            pending.append((place, changed, mask))
                        case Action.RETURN:
                            returned.append((changed, mask))
                        case Action.JUMP | Action.GOTO:
                            target = table.chains.get(item.chain)
                            if target is None:
                                raise TooLongError(f"{item}: there is no chain {item.chain}")
                            back = self._chain(
                                *(table, target, (changed, mask), trace, outcome),
                                bans=banned,
                                depth=depth + 1,
                            )
                            if item.action is Action.GOTO:
                                returned += back
                                continue
                            for came, which in back:
                                if came == packet:
                                    live |= which
                                else:
                                    pending.append((place, came, which))
                        case _:
                            _end(item, changed, mask, trace, outcome, banned)
            if live:
                returned.append((packet, live))
        return _joined(returned)

    def _asked(self, rule: FilterRule, packet: Packet, live: int, trace: Trace) -> tuple[int, int]:
        """The live classes that match, and those that may match."""
        trace.steps += 1
        if trace.steps > _STEPS:
            raise TooLongError(f"{rule.place}: the ruleset takes too many steps to follow")
        yes, maybe = live, 0
        for match in rule.matches:
            good, doubtful = match.answer(packet, self._ground)
            yes, maybe = yes & good, (yes | maybe) & (good | doubtful) & ~(yes & good)
            if not yes and not maybe:
                return 0, 0
        if maybe:
            trace.doubts.append((maybe, rule))
        return yes, maybe

    @staticmethod
    def _after(rule: FilterRule, packet: Packet, yes: int, maybe: int) -> list[Flow]:
        """The packet after the rule, for the classes that certainly and that may have matched."""
        if not rule.effects:
            return [(packet, yes | maybe)]
        sure = packet
        for effect in rule.effects:
            sure = effect.applied(sure)
        return [(sure, yes | maybe)] if sure == packet else [(sure, yes), (sure, maybe)]

    def _segment(
        self,
        segment: Segment,
        packets: tuple[Packet, Packet],
        live: int,
        trace: Trace,
        outcome: _Outcome,
        returned: list[Flow],
        bans: bool,
    ) -> int:
        packet, asked = packets
        key = (asked, live, bans)
        results = segment.results.get(key)
        if results is None:
            own, left, back = Trace(), live, 0
            for rule in segment.rules:
                yes, maybe = self._asked(rule, packet, left, own)
                left &= ~yes
                taken = yes | maybe
                if not taken:
                    continue
                if rule.action is Action.RETURN:
                    back |= taken
                else:
                    event = Event(taken, rule, rule.action, bans or rule.bans, packet)
                    (own.accepted if rule.action is Action.ACCEPT else own.lost).append(event)
                if not left:
                    break
            results = segment.results[key] = (left, back, own)
        left, back, own = results
        trace.steps += 1
        trace.lost += own.lost
        trace.accepted += own.accepted
        trace.doubts += own.doubts
        outcome.accepted += [(packet, event.mask) for event in own.accepted]
        if back:
            returned.append((packet, back))
        return left


def _without_service(packet: Packet) -> Packet:
    """The packet without the fields that only rules about the host's port or address look at."""
    translated = _NOWHERE if packet.translated else None
    if packet.kind.reply:
        port = _NO_PORT if packet.sport else ()
        return replace(packet, sport=port, saddr=None, server=_NOWHERE, translated=translated)
    port = _NO_PORT if packet.dport else ()
    return replace(packet, dport=port, daddr=None, server=_NOWHERE, translated=translated)


def _with_port(plain: Packet, packet: Packet, special: frozenset[int]) -> Packet:
    """The same packet with its port, if that is one of the few that some rules except."""
    if packet.service_port not in special:
        return plain
    if packet.kind.reply:
        return replace(plain, sport=packet.sport)
    return replace(plain, dport=packet.dport)


@dataclass(slots=True)
class _Outcome:
    """The outcome of a base chain for a packet.

    Attributes:
        accepted: let pass.
        translated: let pass by NAT, with where it is taken.
        returned: no rule decided: the policy does.
    """

    accepted: list[Flow] = field(default_factory=list)
    translated: list[tuple[Packet, int, NatTarget]] = field(default_factory=list)
    returned: list[Flow] = field(default_factory=list)


def _end(
    rule: FilterRule, packet: Packet, mask: int, trace: Trace, outcome: _Outcome, bans: bool
) -> None:
    event = Event(mask, rule, rule.action, bans, packet)
    match rule.action:
        case Action.DROP | Action.REJECT:
            trace.lost.append(event)
        case Action.NAT:
            if packet.kind is SYN_IN:
                trace.translated.append(event)
            outcome.translated.append(
                (packet, mask, rule.target or NatTarget(unknown="its target"))
            )
        case Action.UNDECIDED:
            trace.doubts.append((mask, rule))
            trace.lost.append(event)
            trace.accepted.append(event)
            outcome.accepted.append((packet, mask))
        case _:
            trace.accepted.append(event)
            outcome.accepted.append((packet, mask))


def _joined(flows: list[Flow]) -> list[Flow]:
    if len(flows) < 2:
        return flows
    joined: dict[Packet, int] = {}
    for packet, mask in flows:
        joined[packet] = joined.get(packet, 0) | mask
    return list(joined.items())

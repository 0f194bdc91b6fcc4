"""The walk of one packet through one chain and those that it jumps to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nethygiene.firewall.addresses import Intervals, holds
from nethygiene.firewall.matches import Ground
from nethygiene.firewall.packet import SYN_IN, Packet
from nethygiene.firewall.ruleset import COMING, GOING, Action, Chain, End, Rule, Table, Target

Flow = tuple[Packet, int]
"""A packet, and the classes of sources from which it perhaps is under way."""

_TERMINAL = frozenset({Action.ACCEPT, Action.DROP, Action.REJECT, Action.RETURN})
_SHORT = 8
_STEPS = 3_000_000
_DEPTH = 64
_NO_PORT = ((0, 0),)
_NOWHERE: tuple[Intervals, Intervals] = ((), ())


class TooLongError(Exception):
    """The walk takes more steps than any ruleset that a kernel accepts should need."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a rule did on the way.

    Attributes:
        mask: to the packets from these classes.
        rule: the rule, or a chain's policy.
        action: what it did.
        bans: on the word of a list that a program such as fail2ban keeps.
        packet: as it was then.
        weight: of an accept, how much it decides; empty where it decides nothing.
    """

    mask: int
    rule: Rule
    action: Action
    bans: bool
    packet: Packet
    weight: tuple[int, ...] = ()

    @property
    def verb(self) -> str:
        """What a loss is, for messages."""
        return "rejected" if self.action is Action.REJECT else "dropped"

    @property
    def told(self) -> str:
        """A loss of another packet than the SYN: which packet, and by which rule."""
        return f"{self.packet.kind} is {self.verb} by {self.rule}"


@dataclass(slots=True)
class Trace:
    """What happened to a packet on its way, all hooks together.

    Attributes:
        lost: where it was dropped or rejected.
        translated: where destination NAT took it.
        accepted: rules that let it pass on.
        doubts: matches that could not be decided, as (classes, rule).
        steps: rules asked so far.
    """

    lost: list[Event] = field(default_factory=list)
    translated: list[Event] = field(default_factory=list)
    accepted: list[Event] = field(default_factory=list)
    doubts: list[tuple[int, Rule]] = field(default_factory=list)
    steps: int = 0


@dataclass(frozen=True, slots=True)
class _Segment:
    """A run of rules that ask neither for port nor for destination, and end what they match.

    Some may be for all ports but a few: those few are `special`.
    """

    rules: tuple[Rule, ...]
    special: frozenset[int]
    results: dict[tuple[Packet, int, bool], tuple[int, int, Trace]] = field(
        default_factory=dict, compare=False
    )


_Item = Rule | _Segment


class Program:
    """A chain made ready: the rules that a port can meet are found without asking all."""

    def __init__(self, chain: Chain, end: End) -> None:
        self._items = tuple(_items(chain.rules, end))
        always: list[int] = []
        self._exact: dict[int, list[int]] = {}
        self._ranges: list[tuple[tuple[tuple[int, int], ...], int]] = []
        for place, item in enumerate(self._items):
            ports = item.ports(end) if isinstance(item, Rule) else None
            if ports is None:
                always.append(place)
            elif sum(high - low + 1 for low, high in ports) <= 64:
                for low, high in ports:
                    for port in range(low, high + 1):
                        self._exact.setdefault(port, []).append(place)
            else:
                self._ranges.append((ports, place))
        self._always = always
        self._by_port: dict[int | None, tuple[_Item, ...]] = {None: self._items}

    def items(self, port: int | None) -> tuple[_Item, ...]:
        """The rules that a packet of this service port can meet, in order; None: of any."""
        found = self._by_port.get(port)
        if found is None:
            assert port is not None
            more = [place for ports, place in self._ranges if holds(ports, port)]
            places = sorted({*self._always, *self._exact.get(port, ()), *more})
            found = self._by_port[port] = tuple(self._items[place] for place in places)
        return found


def _items(rules: Sequence[Rule], end: End) -> list[_Item]:
    items: list[_Item] = []
    run: list[Rule] = []
    for rule in rules:
        excluded = None
        if rule.action in _TERMINAL and not (rule.effects or rule.masks_source):
            excluded = rule.excluded_ports(end)
        if excluded is not None:
            run.append(rule)
            continue
        items += _run(run, end)
        run = []
        items.append(rule)
    return items + _run(run, end)


def _run(run: list[Rule], end: End) -> list[_Item]:
    if len(run) < _SHORT:
        return list(run)
    special = frozenset(port for rule in run for port in rule.excluded_ports(end) or ())
    return [_Segment(tuple(run), special)]


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
        known = self._programs.get((id(chain), reply))
        if known is None:
            # With the chain itself, so that its id stays its own.
            program = Program(chain, GOING if reply else COMING)
            known = self._programs[id(chain), reply] = (chain, program)
        return known[1]

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
                if isinstance(item, _Segment):
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

    def _asked(self, rule: Rule, packet: Packet, live: int, trace: Trace) -> tuple[int, int]:
        """The classes that match among the live ones, and those that perhaps do."""
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
    def _after(rule: Rule, packet: Packet, yes: int, maybe: int) -> list[Flow]:
        """The packet as the rule leaves it, for what certainly and what perhaps matched."""
        if not (rule.effects or rule.masks_source):
            return [(packet, yes | maybe)]
        sure = packet
        for effect in rule.effects:
            sure = effect.applied(sure)
        if rule.masks_source:
            sure = replace(sure, source_nat=True)
        return [(sure, yes | maybe)] if sure == packet else [(sure, yes), (sure, maybe)]

    def _segment(
        self,
        segment: _Segment,
        packets: tuple[Packet, Packet],
        live: int,
        trace: Trace,
        outcome: _Outcome,
        returned: list[Flow],
        bans: bool,
    ) -> int:
        packet, asked = packets
        key = (asked, live, bans)
        known = segment.results.get(key)
        if known is None:
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
            known = segment.results[key] = (left, back, own)
        left, back, own = known
        trace.steps += 1
        trace.lost += own.lost
        trace.accepted += own.accepted
        trace.doubts += own.doubts
        outcome.accepted += [(packet, event.mask) for event in own.accepted]
        if back:
            returned.append((packet, back))
        return left


def _without_service(packet: Packet) -> Packet:
    """The packet as rules see it that ask neither for the host's port nor for its address."""
    translated = _NOWHERE if packet.translated else None
    if packet.kind.reply:
        port = _NO_PORT if packet.sport else ()
        return replace(packet, sport=port, saddr=None, server=_NOWHERE, translated=translated)
    port = _NO_PORT if packet.dport else ()
    return replace(packet, dport=port, daddr=None, server=_NOWHERE, translated=translated)


def _with_port(plain: Packet, packet: Packet, special: frozenset[int]) -> Packet:
    """The same with its port, where that is one of those few that some rules except."""
    if packet.service_port not in special:
        return plain
    if packet.kind.reply:
        return replace(plain, sport=packet.sport)
    return replace(plain, dport=packet.dport)


@dataclass(slots=True)
class _Outcome:
    """What a base chain made of a packet.

    Attributes:
        accepted: let pass.
        translated: let pass by NAT, with where it is taken.
        returned: no rule decided: the policy does.
    """

    accepted: list[Flow] = field(default_factory=list)
    translated: list[tuple[Packet, int, Target]] = field(default_factory=list)
    returned: list[Flow] = field(default_factory=list)


def _end(
    rule: Rule, packet: Packet, mask: int, trace: Trace, outcome: _Outcome, bans: bool
) -> None:
    event = Event(mask, rule, rule.action, bans, packet)
    match rule.action:
        case Action.DROP | Action.REJECT:
            trace.lost.append(event)
        case Action.NAT:
            if packet.kind is SYN_IN:
                trace.translated.append(event)
            outcome.translated.append((packet, mask, rule.target or Target(unknown="its target")))
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


__all__ = ["Event", "Flow", "TooLongError", "Trace", "Walker"]

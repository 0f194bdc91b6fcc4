"""Connections that are tried more than once: what limits, lists and chance make of them.

A filter may treat the same client one way now and another way later. Whoever wants in comes back
until it suits them; an ordinary client is served only if none of what ordinary clients meet stops
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from itertools import combinations
from operator import or_

from nethygiene.subjects.filter.model.choices import Choice
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.masks import Masked
from nethygiene.subjects.filter.model.matches import In, Varies
from nethygiene.subjects.filter.model.packet import ODD_FLAGS, ODD_SYN, SILENT, Packet
from nethygiene.subjects.filter.model.ruleset import FilterRule
from nethygiene.subjects.filter.model.verdict import Fate, HostFilter
from nethygiene.subjects.links.ip.families import Family

_FEW, _MOST = 4, 12


def attacked(model: HostFilter, packet: Packet, clients: int) -> Fate:
    """What becomes of connections that are tried until one of them gets in."""
    ruleset = model.rulesets[packet.family]
    if ruleset.asks(frozenset({Field.TCP_FLAGS})):
        # Whoever wants in need not speak first: the service's greeting is enough.
        packet = _chosen(packet, {SILENT: True})
    kinds = [packet]
    if ruleset.asks_flags(ODD_FLAGS):
        kinds.append(_chosen(packet, {ODD_SYN: True}))
    tried: list[Fate] = []
    for one in kinds:
        found = model.judge(one, clients)
        choices = _choices(found)
        if not choices:
            tried.append(found)
        tried += [
            model.judge(_chosen(one, {each: each in some for each in choices}), clients)
            for some in _some(choices)
        ]
    return tried[0] if len(tried) == 1 else _best(tried)


def served(model: HostFilter, packet: Packet, clients: int) -> Fate:
    """What becomes of the connections of ordinary clients."""
    found = model.judge(packet, clients)
    choices = _choices(found)
    if not choices:
        return found
    calm = model.judge(_chosen(packet, dict.fromkeys(choices, False)), clients)
    for some in _some(tuple(one for one in choices if one.meets_clients is not False)):
        if not some:
            continue
        busy = model.judge(_chosen(packet, {each: each in some for each in choices}), clients)
        often = all(one.meets_clients for one in some)
        calm = _harmed(calm, busy, _rule_of(found, some), often=often)
    return calm


def _chosen(packet: Packet, choices: dict[Choice, bool]) -> Packet:
    return replace(packet, choices=packet.choices | frozenset(choices.items()))


def _choices(judged: Fate) -> tuple[Choice, ...]:
    """What keeps a verdict open that goes both ways."""
    found: dict[Choice, None] = {}
    for mask, rule in judged.trace.doubts:
        if mask & judged.undecided:
            found.update(dict.fromkeys(_choices_of(rule, judged.classes.family)))
    return tuple(found)


def _choices_of(rule: FilterRule, family: Family) -> Iterator[Choice]:
    for match in rule.parts():
        if isinstance(match, Varies):
            yield match.choice
        elif isinstance(match, In) and match.filled is not None:
            yield match.filled
        elif isinstance(match, Masked) and match.is_choice(family):
            yield match.choice


def _some(choices: tuple[Choice, ...]) -> Iterator[frozenset[Choice]]:
    """Which of them are beyond the limit at a time: all ways of few, the outermost of many."""
    sizes: Iterable[int] = range(len(choices) + 1)
    if len(choices) > _FEW:
        sizes = (0, 1, len(choices) - 1, len(choices))
        choices = choices[:_MOST]
    for size in sizes:
        for some in combinations(choices, size):
            yield frozenset(some)


def _best(tried: list[Fate]) -> Fate:
    """In, if one of them gets in; open, if of one it cannot be told."""
    first = tried[0]
    inside = reduce(or_, (one.surely_in for one in tried))
    left_open = reduce(or_, (one.undecided for one in tried)) & ~inside
    accepted = forwarded = 0
    trace = replace(first.trace, accepted=[], doubts=[])
    for one in tried:
        accepted |= one.accepted & (one.surely_in | left_open)
        forwarded |= one.forwarded & (one.surely_in | left_open)
        for event in one.trace.accepted:
            if event.mask & one.surely_in:
                trace.accepted.append(replace(event, mask=event.mask & one.surely_in))
        trace.doubts += [(mask, rule) for mask, rule in one.trace.doubts if mask & left_open]
    lost = first.asked & ~inside
    banned = first.banned & ~inside
    return replace(
        first, accepted=accepted, forwarded=forwarded, lost=lost, banned=banned, trace=trace
    )


def _rule_of(judged: Fate, some: frozenset[Choice]) -> FilterRule | None:
    """The first rule that asks for one of these."""
    family = judged.classes.family
    return next(
        (rule for _, rule in judged.trace.doubts if some.intersection(_choices_of(rule, family))),
        None,
    )


def _harmed(calm: Fate, busy: Fate, limit: FilterRule | None, *, often: bool) -> Fate:
    """The verdict of calm times, but for those that are lost in busy ones."""
    harmed = busy.surely_out & calm.surely_in
    if not harmed or limit is None:
        return calm
    trace = replace(calm.trace, lost=list(calm.trace.lost), doubts=list(calm.trace.doubts))
    if not often:
        trace.doubts.append((harmed, limit))
        return replace(calm, lost=calm.lost | harmed, trace=trace)
    for event in busy.trace.lost:
        if event.mask & harmed:
            text = f"{event.rule.text}, now and then: see {limit}"
            rule = event.rule if event.rule is limit else replace(event.rule, text=text)
            trace.lost.append(replace(event, mask=event.mask & harmed, rule=rule))
    return replace(
        calm,
        accepted=calm.accepted & ~harmed,
        forwarded=calm.forwarded & ~harmed,
        lost=calm.lost | harmed,
        trace=trace,
    )

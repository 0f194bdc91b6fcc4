"""The fate of connections that clients try more than once, under limits, lists and chance.

A filter may treat the same client one way now and another way later. Somebody who wants in comes
back until they get in. An ordinary client is served only if none of the conditions stops it that
ordinary clients meet.
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
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.readers import ODD_FLAGS, ODD_SYN, SILENT
from nethygiene.subjects.filter.model.ruleset import FilterRule
from nethygiene.subjects.filter.model.verdict import Fate, HostFilter
from nethygiene.subjects.links.ip.families import Family

_FEW, _MOST = 4, 12


def attacked(model: HostFilter, packet: Packet, clients: int) -> Fate:
    """The fate of connections that somebody tries until one of them gets in."""
    ruleset = model.rulesets[packet.family]
    if ruleset.asks(frozenset({Field.TCP_FLAGS})):
        # Somebody who wants in need not speak first: the service's greeting is enough.
        packet = _chosen(packet, {SILENT: True})
    kinds = [packet]
    if ruleset.asks_flags(ODD_FLAGS):
        kinds.append(_chosen(packet, {ODD_SYN: True}))
    tried: list[Fate] = []
    for kind in kinds:
        fate = model.judge(kind, clients)
        choices = _choices(fate)
        if not choices:
            tried.append(fate)
        tried += [
            model.judge(_chosen(kind, {each: each in some for each in choices}), clients)
            for some in _some(choices)
        ]
    return tried[0] if len(tried) == 1 else _best(tried)


def served(model: HostFilter, packet: Packet, clients: int) -> Fate:
    """The fate of the connections of ordinary clients."""
    fate = model.judge(packet, clients)
    choices = _choices(fate)
    if not choices:
        return fate
    calm = model.judge(_chosen(packet, dict.fromkeys(choices, False)), clients)
    for some in _some(tuple(choice for choice in choices if choice.meets_clients is not False)):
        if not some:
            continue
        busy = model.judge(_chosen(packet, {each: each in some for each in choices}), clients)
        often = all(choice.meets_clients for choice in some)
        calm = _harmed(calm, busy, _rule_of(fate, some), often=often)
    return calm


def _chosen(packet: Packet, choices: dict[Choice, bool]) -> Packet:
    return replace(packet, choices=packet.choices | frozenset(choices.items()))


def _choices(judged: Fate) -> tuple[Choice, ...]:
    """The choices that leave a verdict open."""
    choices: dict[Choice, None] = {}
    for mask, rule in judged.trace.doubts:
        if mask & judged.undecided:
            choices.update(dict.fromkeys(choices_of(rule, judged.classes.family)))
    return tuple(choices)


def choices_of(rule: FilterRule, family: Family) -> Iterator[Choice]:
    """The conditions of a rule that go both ways."""
    for match in rule.parts():
        if isinstance(match, Varies):
            yield match.choice
        elif isinstance(match, In) and match.filled is not None:
            yield match.filled
        elif isinstance(match, Masked) and match.is_choice(family):
            yield match.choice


def _some(choices: tuple[Choice, ...]) -> Iterator[frozenset[Choice]]:
    """The sets of choices that are met together: all sets of a few, the extreme sets of many."""
    sizes: Iterable[int] = range(len(choices) + 1)
    if len(choices) > _FEW:
        sizes = (0, 1, len(choices) - 1, len(choices))
        choices = choices[:_MOST]
    for size in sizes:
        for some in combinations(choices, size):
            yield frozenset(some)


def _best(tried: list[Fate]) -> Fate:
    """The fate is in if one attempt gets in, and open if one is undecided."""
    first = tried[0]
    inside = reduce(or_, (fate.surely_in for fate in tried))
    left_open = reduce(or_, (fate.undecided for fate in tried)) & ~inside
    accepted = forwarded = 0
    trace = replace(first.trace, accepted=[], doubts=[])
    for fate in tried:
        accepted |= fate.accepted & (fate.surely_in | left_open)
        forwarded |= fate.forwarded & (fate.surely_in | left_open)
        for event in fate.trace.accepted:
            if event.mask & fate.surely_in:
                trace.accepted.append(replace(event, mask=event.mask & fate.surely_in))
        trace.doubts += [(mask, rule) for mask, rule in fate.trace.doubts if mask & left_open]
    lost = first.asked & ~inside
    banned = first.banned & ~inside
    return replace(
        first, accepted=accepted, forwarded=forwarded, lost=lost, banned=banned, trace=trace
    )


def _rule_of(judged: Fate, some: frozenset[Choice]) -> FilterRule | None:
    """The first rule that asks for one of these choices."""
    family = judged.classes.family
    return next(
        (rule for _, rule in judged.trace.doubts if some.intersection(choices_of(rule, family))),
        None,
    )


def _harmed(calm: Fate, busy: Fate, limit: FilterRule | None, *, often: bool) -> Fate:
    """The verdict of calm times, without the classes that are lost in busy times."""
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

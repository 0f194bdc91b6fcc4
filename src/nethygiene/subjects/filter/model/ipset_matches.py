"""iptables' ``-m set --match-set NAME src,dst``."""

from __future__ import annotations

import math

from nethygiene.subjects.filter.model.choices import Choice, Scope
from nethygiene.subjects.filter.model.ipsets import IpSet, elements_of
from nethygiene.subjects.filter.model.iptables_options import Context, OptionGroup
from nethygiene.subjects.filter.model.matches import AnyOf, In, Match, Perhaps

_NOTHING_ELSE = frozenset({"--match-set", "--update-counters", "--update-subcounters"})


def set_choice(name: str) -> Choice:
    """Whether a client is in an ipset that rules fill."""
    return Choice(f"ipset {name}", Scope.LIST, math.inf, math.inf)


def set_match(group: OptionGroup, context: Context) -> list[Match]:
    """What the module asks for; one that also counts what came before is a perhaps."""
    option = group.get("--match-set")
    if option is None or len(option.values) != 2:
        return [Perhaps("-m set")]
    name, directions = option.values
    ipset = context.sets.get(name) if context.sets is not None else None
    if ipset is None or not {option.word for option in group.options} <= _NOTHING_ELSE:
        return [Perhaps(f"--match-set {name}")]
    flow = directions.split(",")
    if not ipset.kind.startswith("list:"):
        return [_one(ipset, flow, context, inverted=option.inverted)]
    members = [context.sets.get(entry) for entry, _ in ipset.entries] if context.sets else []
    made = [_one(member, flow, context) for member in members if member is not None]
    if len(made) < len(ipset.entries):
        return [Perhaps(f"--match-set {name}")]
    return [AnyOf(tuple(made), option.inverted)]


def _one(ipset: IpSet, flow: list[str], context: Context, *, inverted: bool = False) -> Match:
    elements = elements_of(ipset, flow, context.family)
    if elements is None:
        return Perhaps(f"--match-set {ipset.name}")
    filled = set_choice(ipset.name) if ipset.name in context.filled else None
    excepting = any(exception for _, exception in ipset.entries)
    return In(*elements, inverted, ipset.bans, filled=filled, excepting=excepting)

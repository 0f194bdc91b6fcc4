"""The source ports that a filter distinguishes: an intruder picks one that gets in."""

from __future__ import annotations

from collections.abc import Iterator

from nethygiene.subjects.filter.model.addresses import Interval, Intervals, holds, merged
from nethygiene.subjects.filter.model.fields import ANY_PORT, Field
from nethygiene.subjects.filter.model.matches import In
from nethygiene.subjects.filter.model.ruleset import Chain, FilterRule, Hook, Ruleset, Table

_COMING = frozenset({Field.SPORT, Field.ORIGINAL_SPORT})
_GOING = frozenset({Field.DPORT, Field.ORIGINAL_SPORT})
_ON_THE_WAY_OUT = frozenset({Hook.OUTPUT, Hook.POSTROUTING, Hook.EGRESS})
_MOST = 32


def kinds_of_source_ports(ruleset: Ruleset) -> tuple[Intervals, ...]:
    """All ports, cut into sets so that each rule treats the ports of one set alike.

    A client's port is the source of what comes in, and the destination of the answers.
    """
    sets: dict[Intervals, None] = {}
    for table in ruleset.tables.values():
        outward = set(_reached_on_the_way_out(table))
        for name, chain in table.chains.items():
            for rule in chain.rules:
                sets.update(dict.fromkeys(_sets(rule, _GOING if name in outward else _COMING)))
        for base in table.bases:
            fields = _GOING if base.hook in _ON_THE_WAY_OUT else _COMING
            for rule in base.chain.rules:
                sets.update(dict.fromkeys(_sets(rule, fields)))
    named = list(sets)[:_MOST]
    last = ANY_PORT[-1][1]
    edges = {
        1,
        *(edge for intervals in named for low, high in intervals for edge in (low, high + 1)),
    }
    cuts = sorted(edge for edge in edges if 1 <= edge <= last)
    kinds: dict[tuple[bool, ...], list[Interval]] = {}
    for low, after in zip(cuts, [*cuts[1:], last + 1], strict=True):
        kinds.setdefault(tuple(holds(intervals, low) for intervals in named), []).append(
            (low, after - 1)
        )
    return tuple(merged(spans) for spans in kinds.values())


def _sets(rule: FilterRule, fields: frozenset[Field]) -> Iterator[Intervals]:
    for match in rule.parts():
        if not isinstance(match, In):
            continue
        for place, key in enumerate(match.fields):
            if key in fields:
                for element in match.elements:
                    yield merged(v for v in element.values[place] if not isinstance(v, str))


def _reached_on_the_way_out(table: Table) -> Iterator[str]:
    """The chains that only answers go through; a chain of both directions counts as inward."""
    inward = _reached(
        table, (base.chain for base in table.bases if base.hook not in _ON_THE_WAY_OUT)
    )
    outward = _reached(table, (base.chain for base in table.bases if base.hook in _ON_THE_WAY_OUT))
    yield from outward - inward


def _reached(table: Table, chains: Iterator[Chain]) -> set[str]:
    names: set[str] = set()
    pending = list(chains)
    while pending:
        for rule in pending.pop().rules:
            if rule.chain and rule.chain not in names and rule.chain in table.chains:
                names.add(rule.chain)
                pending.append(table.chains[rule.chain])
    return names

"""Prepares a chain for walks: it finds the rules that a service's packets can meet fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.addresses import holds
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.ruleset import Action, Chain, End, FilterRule
from nethygiene.subjects.filter.model.trace import Trace

_TERMINAL = frozenset({Action.ACCEPT, Action.DROP, Action.REJECT, Action.RETURN})
_SHORT = 8


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of rules that look at neither port nor destination, and end what they match.

    Some may be for all ports but a few: those few are `special`.
    """

    rules: tuple[FilterRule, ...]
    special: frozenset[int]
    results: dict[tuple[Packet, int, bool], tuple[int, int, Trace]] = field(
        default_factory=dict, compare=False
    )


Item = FilterRule | Segment


class Program:
    """A prepared chain, which finds the rules that a port can meet without asking all."""

    def __init__(self, chain: Chain, end: End) -> None:
        self._items = tuple(_items(chain.rules, end))
        always: list[int] = []
        self._exact: dict[int, list[int]] = {}
        self._ranges: list[tuple[tuple[tuple[int, int], ...], int]] = []
        for place, item in enumerate(self._items):
            ports = item.ports(end) if isinstance(item, FilterRule) else None
            if ports is None:
                always.append(place)
            elif sum(high - low + 1 for low, high in ports) <= 64:
                for low, high in ports:
                    for port in range(low, high + 1):
                        self._exact.setdefault(port, []).append(place)
            else:
                self._ranges.append((ports, place))
        self._always = always
        self._by_port: dict[int | None, tuple[Item, ...]] = {None: self._items}

    def items(self, port: int | None) -> tuple[Item, ...]:
        """The rules that a packet of a service port can meet, in order; None is any port."""
        items = self._by_port.get(port)
        if items is None:
            assert port is not None
            more = [place for ports, place in self._ranges if holds(ports, port)]
            places = sorted({*self._always, *self._exact.get(port, ()), *more})
            items = self._by_port[port] = tuple(self._items[place] for place in places)
        return items


def _items(rules: Sequence[FilterRule], end: End) -> list[Item]:
    items: list[Item] = []
    run: list[FilterRule] = []
    for rule in rules:
        excluded = None
        if rule.action in _TERMINAL and not rule.effects:
            excluded = rule.excluded_ports(end)
        if excluded is not None:
            run.append(rule)
            continue
        items += _run(run, end)
        run = []
        items.append(rule)
    return items + _run(run, end)


def _run(run: list[FilterRule], end: End) -> list[Item]:
    if len(run) < _SHORT:
        return list(run)
    special = frozenset(port for rule in run for port in rule.excluded_ports(end) or ())
    return [Segment(tuple(run), special)]

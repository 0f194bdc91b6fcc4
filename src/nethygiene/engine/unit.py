"""Units: one rule to be judged for one host, for one declared item if the rule has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nethygiene.inventory.model import Host
from nethygiene.rules.definition import ALWAYS_SENT, Rule
from nethygiene.rules.items import DECLARED, Named


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What is judged, selected and reported as one.

    Attributes:
        rule: the rule.
        host: the name of the host.
        item: the declared item; None for a rule without, or a host that declares none.
    """

    rule: Rule
    host: str
    item: Named | None = None

    @property
    def name(self) -> str:
        """The host, and the item if there is one: ``web-1:shop``."""
        return self.host if self.item is None else f"{self.host}:{self.item.name}"

    @property
    def probes(self) -> frozenset[str]:
        """The probes that it needs: next to none where the host declares no such item."""
        idle = self.rule.declared is not None and self.item is None
        return frozenset(ALWAYS_SENT) if idle else self.rule.probes


def units_of(rule: Rule, hosts: Iterable[Host]) -> Iterator[Unit]:
    """The units of a rule on these hosts, in their order."""
    for host in hosts:
        items = () if rule.declared is None else tuple(DECLARED[rule.declared](host.policy))
        yield from (Unit(rule, host.name, item) for item in items)
        if not items:
            yield Unit(rule, host.name)

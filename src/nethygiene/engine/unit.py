"""Units: one rule for one host or group, and for one declared item if the rule has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nethygiene.engine.items import DECLARED, DECLARED_BY_GROUPS, Named
from nethygiene.engine.rule import ALWAYS_SENT, Rule
from nethygiene.inventory.model import Group, Host


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A unit of selection, judging and reporting.

    Attributes:
        rule: the rule.
        hosts: the judged host, or the members of the group; none if there is nothing to judge.
        group: the group that is judged as one; None for a host.
        item: the declared item; None if the rule takes none, or none is declared.
    """

    rule: Rule
    hosts: tuple[str, ...]
    group: Group | None = None
    item: Named | None = None

    @property
    def name(self) -> str:
        """The host or group, and the item if there is one: ``web-1:shop``, ``group=db``."""
        subject = self.hosts[0] if self.group is None else f"group={self.group.name}"
        return subject if self.item is None else f"{subject}:{self.item.name}"

    @property
    def probes(self) -> frozenset[str]:
        """The probes that it needs; only those that are always sent if its item is missing."""
        idle = self.rule.declared is not None and self.item is None
        return frozenset(ALWAYS_SENT) if idle else self.rule.probes


def units_of(
    rule: Rule, hosts: Iterable[Host], groups: Iterable[Group], everyone: Group
) -> Iterator[Unit]:
    """The units of a rule, in the order of hosts or groups.

    Args:
        rule: the rule.
        hosts: the hosts that it may judge.
        groups: the groups that it may judge.
        everyone: the group ``all``. A rule on the run judges it, and its declared items count as
            those of any group. It stands for all groups if none declares an item.
    """
    if rule.scope == "run":
        yield Unit(rule, everyone.members, everyone)
        return
    if rule.scope == "group" and rule.declared is not None:
        declared = [
            Unit(rule, group.members, group, item)
            for group in (everyone, *groups)
            if group.members
            for item in DECLARED_BY_GROUPS[rule.declared](group.policy)
        ]
        yield from declared or (Unit(rule, (), everyone),)
        return
    if rule.scope == "group":
        yield from (Unit(rule, group.members, group) for group in groups)
        return
    for host in hosts:
        items = () if rule.declared is None else tuple(DECLARED[rule.declared](host.policy))
        yield from (Unit(rule, (host.name,), item=item) for item in items)
        if not items:
            yield Unit(rule, (host.name,))

"""Units: one rule for one host or group, and for one declared item if the rule has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nethygiene.engine.items import DECLARED, DECLARED_BY_GROUPS, Named
from nethygiene.engine.rule import ALWAYS_SENT, Rule
from nethygiene.inventory.model import Group, Host
from nethygiene.inventory.policy import Policy, Upstream

# The items that may name hosts.
_NAMING = frozenset({"service", "legacy_port", "upstream", "blocked_port"})


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A unit of selection, judging and reporting.

    Attributes:
        rule: the rule.
        hosts: the judged host, or the members of the group; none if there is nothing to judge.
        group: the group that is judged as one; None for a host.
        item: the declared item; None if the rule takes none, or none is declared.
        others: further hosts that it is judged by.
    """

    rule: Rule
    hosts: tuple[str, ...]
    group: Group | None = None
    item: Named | None = None
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The host or group, and the item if there is one: ``web-1:shop``, ``group=db``."""
        subject = self.hosts[0] if self.group is None else f"group={self.group.name}"
        return subject if self.item is None else f"{subject}:{self.item.name}"

    def item_of(self, policy: Policy) -> Named | None:
        """Its item as that policy of its host has it, in which names may be resolved."""
        kind = self.rule.declared
        if self.item is None or kind not in _NAMING:
            return self.item
        name = self.item.name
        return next((item for item in DECLARED[kind](policy) if item.name == name), self.item)

    @property
    def is_of_several(self) -> bool:
        """Whether it is judged by the facts of several hosts, so that it waits for them."""
        return self.rule.scope != "host"

    @property
    def probes(self) -> frozenset[str]:
        """The probes that it needs; only those that are always sent if its item is missing."""
        idle = self.rule.declared is not None and self.item is None
        idle = idle or (self.rule.scope == "ends" and not self.others)
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
        for item in items:
            between = rule.scope == "ends" and isinstance(item, Upstream) and item.end is not None
            others = everyone.members if between else ()
            yield Unit(rule, (host.name,), item=item, others=others)
        if not items:
            yield Unit(rule, (host.name,))


def units_by_host(units: Iterable[Unit]) -> Mapping[str, tuple[Unit, ...]]:
    """The units that one host's facts decide, by that host."""
    by_host: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        if not unit.is_of_several:
            by_host[unit.hosts[0]].append(unit)
    return {host: tuple(of_host) for host, of_host in by_host.items()}


def asked_of(units: Iterable[Unit]) -> Mapping[str, frozenset[str]]:
    """The probes that units need, by host; many units share one tuple of hosts."""
    shared: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for unit in units:
        shared[unit.hosts] |= unit.probes
        shared[unit.others] |= unit.probes
    asked: dict[str, set[str]] = defaultdict(set)
    for hosts, probes in shared.items():
        for host in hosts:
            asked[host] |= probes
    return {host: frozenset(probes) for host, probes in asked.items()}

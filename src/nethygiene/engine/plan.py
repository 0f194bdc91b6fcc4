"""The hosts of a run, before anything is collected: from an inventory or an evidence file."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nethygiene.collect.evidence_lines import EvidenceHost
from nethygiene.engine.kept_answers import KeptAnswers
from nethygiene.engine.settings import Settings
from nethygiene.errors import UsageError
from nethygiene.inventory.directory import Directory
from nethygiene.inventory.group_policy import GroupPolicy, group_policy_from_plain
from nethygiene.inventory.groups import ALL
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.model import Group, Host
from nethygiene.inventory.pattern import select_hosts
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.inventory.target import Target
from nethygiene.shipped import default_inventory


@dataclass(frozen=True, slots=True)
class Plan:
    """The hosts of a run, and their answers if there are any yet.

    Attributes:
        path: the inventory or evidence file that names them.
        sha256: hash of the inventory.
        hosts: by name, in the file's order.
        everyone: the group ``all``.
        groups: the other groups of these hosts, by name.
        answers: the answers of an evidence file; None for a live run.
        warnings: oddities of the inventory that are no errors.
        cut_short: why the evidence lacks hosts of the run that wrote it.
        directory: what the names in the hosts' policies stand for.
        beside: hosts that these policies name and that are no part of the run, by name.
    """

    path: str
    sha256: str
    hosts: Mapping[str, Host]
    everyone: Group
    groups: Mapping[str, Group]
    answers: KeptAnswers | None = None
    warnings: tuple[str, ...] = ()
    cut_short: str | None = None
    directory: Directory = field(default_factory=Directory)
    beside: Mapping[str, Host] = field(default_factory=dict)

    def in_asking_order(self) -> Iterator[Host]:
        """The hosts in the order in which they are asked.

        Members that share an address come next to each other, wherever they stand in the
        inventory: whether two hold it at once can be told only if they are seen at the same time.
        """
        sharing = (
            group for group in (self.everyone, *self.groups.values()) if group.policy.plain()
        )
        names = dict.fromkeys(name for group in sharing for name in group.members)
        yield from (self.hosts[name] for name in {**names, **dict.fromkeys(self.hosts)})

    def group(self, name: str) -> Group:
        """The group of that name, ``all`` among them.

        Raises:
            KeyError: no host of the run belongs to such a group.
        """
        return self.everyone if name == self.everyone.name else self.groups[name]


def plan_run(settings: Settings) -> Plan:
    """Read the inventory and the evidence that the settings name.

    Raises:
        UsageError: either is wrong; the message has place and cure.
    """
    if settings.from_evidence is None:
        return _from_inventory(settings)
    if settings.inventory is None:
        return _from_evidence_alone(settings.from_evidence, settings.limit)
    plan = _from_inventory(settings)
    answers = KeptAnswers(settings.from_evidence, lambda _host: None, plan.hosts)
    return dataclasses.replace(plan, answers=answers)


def _from_inventory(settings: Settings) -> Plan:
    inventory = load_inventory(settings.inventory or default_inventory(), limit=settings.limit)
    hosts = {host.name: host for host in inventory.hosts}
    if settings.sudo:
        for name, host in hosts.items():
            target = dataclasses.replace(host.target, become=True)
            hosts[name] = dataclasses.replace(host, target=target)
    groups = {group.name: group for group in inventory.groups}
    return Plan(
        str(inventory.path),
        inventory.sha256,
        hosts,
        inventory.everyone,
        groups,
        warnings=inventory.warnings,
        directory=inventory.directory,
        beside={host.name: host for host in inventory.beside},
    )


def _from_evidence_alone(path: Path, limit: str | None) -> Plan:
    every: dict[str, Host] = {}
    sizes: dict[str, int] = {}
    policies: dict[str, GroupPolicy] = {}

    def take(kept: EvidenceHost) -> None:
        try:
            policy = policy_from_plain(kept.policy)
            for group, declared in kept.group_policies.items():
                policies[group] = group_policy_from_plain(declared)
        except UsageError as error:
            raise UsageError(f"{path}: host {kept.host!r}: {error}") from None
        every[kept.host] = Host(kept.host, kept.groups, Target(kept.host, kept.address), policy)
        sizes.update(kept.group_sizes)

    answers = KeptAnswers(path, take)
    hosts = every
    if not hosts:
        raise UsageError(f"{path}: holds no host: the run that wrote it was interrupted?")
    if limit is not None:
        chosen = select_hosts(limit, {name: host.groups for name, host in hosts.items()})
        hosts = {name: host for name, host in hosts.items() if name in chosen}
    found = {group.name: group for group in _groups(every.values(), hosts, sizes, policies)}
    everyone = found.pop(ALL)
    directory = _directory(every, sizes, policies)
    return Plan(
        str(path),
        answers.header.inventory_sha256,
        {name: _linked(host, directory) for name, host in hosts.items()},
        everyone,
        found,
        answers,
        cut_short=answers.cut_short,
        directory=directory,
        beside={name: host for name, host in every.items() if name not in hosts},
    )


def _directory(
    every: Mapping[str, Host], sizes: Mapping[str, int], policies: Mapping[str, GroupPolicy]
) -> Directory:
    """What the names in policies stand for, as far as the hosts of the evidence say it."""
    members: dict[str, list[str]] = {}
    for host in every.values():
        for group in host.groups:
            members.setdefault(group, []).append(host.name)
    members[ALL] = list(every)
    incomplete = {name: _missing(len(members[name]), sizes.get(name)) for name in members}
    return Directory(
        {name: tuple(sorted(names)) for name, names in members.items()},
        {name: host.policy for name, host in every.items()},
        {name: why for name, why in incomplete.items() if why and name != ALL},
        {
            name: {key: item.address for key, item in policy.virtual_addresses.items()}
            for name, policy in policies.items()
        },
    )


def _linked(host: Host, directory: Directory) -> Host:
    return dataclasses.replace(host, policy=directory.linked(host.policy, host.name))


def _groups(
    every: Iterable[Host],
    chosen: Collection[str],
    sizes: Mapping[str, int],
    policies: Mapping[str, GroupPolicy],
) -> Iterator[Group]:
    """The groups with a chosen host, and ``all``, as the hosts of the evidence name them.

    Args:
        every: all hosts of the evidence.
        chosen: those of the run.
        sizes: how many hosts each group has in the inventory that the evidence was collected by.
        policies: what the members of groups are like as one.
    """
    members: dict[str, list[str]] = {}
    for host in every:
        for group in (ALL, *host.groups):
            members.setdefault(group, []).append(host.name)
    for group, names in sorted(members.items()):
        inside = tuple(name for name in names if name in chosen)
        if inside or group == ALL:
            left_out = tuple(name for name in names if name not in chosen)
            missing = _missing(len(names), sizes.get(group))
            yield Group(group, inside, left_out, missing, policies.get(group, GroupPolicy()))


def _missing(seen: int, size: int | None) -> str:
    """Why the evidence lacks members of a group; empty if it has all."""
    if size is None:
        return "evidence of an earlier version does not say how many members the group has"
    if seen < size:
        return f"the evidence holds {seen} of {size} members"
    return ""

"""Loads an inventory file into an :class:`Inventory`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nethygiene.inventory.connection import resolve_target
from nethygiene.inventory.directory import Directory, names_of
from nethygiene.inventory.files import Files
from nethygiene.inventory.form import read_graph
from nethygiene.inventory.groups import ALL, UNGROUPED, Graph, HostEntry
from nethygiene.inventory.located import Place, ProblemLog, joined
from nethygiene.inventory.model import Group, Host, Inventory
from nethygiene.inventory.pattern import select
from nethygiene.inventory.places import KnownPlaces
from nethygiene.inventory.policy import SECTIONS, Policy, policies_of_groups, policies_sha256
from nethygiene.inventory.validation import PolicyReader
from nethygiene.inventory.values import Address
from nethygiene.inventory.variables import POLICY_VARIABLE, Resolver
from nethygiene.inventory.vars_files import VarsFiles


def load_inventory(path: str | Path, *, limit: str | None = None) -> Inventory:
    """Load and validate an inventory.

    Args:
        path: a YAML file in Ansible's layout, a JSON file as ``ansible-inventory --list --export``
            prints it, or a program that prints such JSON. group_vars/ and host_vars/ beside it
            are read as well.
        limit: Ansible's host pattern; only hosts that it leaves are resolved and validated.

    Raises:
        InventoryError: the inventory has problems; it holds all, each with its place and cure.
    """
    path = Path(path)
    problems = ProblemLog()
    files = Files(problems, path.parent)
    read = read_graph(path, files)
    if read is None:
        problems.check()
        raise AssertionError("an inventory without a graph has a problem")
    graph, warnings = read
    chosen = _chosen(graph, str(path), limit, problems)
    vars_files = VarsFiles(path, files, warnings)
    resolver = Resolver(graph, vars_files)
    members = _members(graph)
    known = KnownPlaces(graph.hosts.keys(), members.keys())
    policies = PolicyReader(problems, str(path), known)
    reader = _HostReader(graph, resolver, policies, problems, str(path))
    hosts = reader.read(chosen)
    groups = list(_groups(members, {host.name for host in hosts}, resolver, policies))
    _refuse_ungrouped(resolver, problems)
    directory, beside = _directory(hosts, members, reader)
    policies.check_services((host.policy for host in hosts), directory)
    problems.check()
    vars_files.warn_of_strays(graph.groups)
    return Inventory(
        path=str(path),
        sha256=files.sha256(),
        policy_sha256=policies_sha256(
            [
                *((host.name, host.policy) for host in hosts),
                *policies_of_groups((group.name, group.policy) for group in groups),
            ]
        ),
        hosts=tuple(_linked(hosts, directory)),
        everyone=next(group for group in groups if group.name == ALL),
        groups=tuple(group for group in groups if group.name != ALL),
        warnings=tuple(dict.fromkeys(warnings)),
        directory=directory,
        beside=beside,
    )


@dataclass(slots=True)
class _HostReader:
    """Reads hosts of the graph: how to reach them, and what they should be like."""

    graph: Graph
    resolver: Resolver
    policies: PolicyReader
    problems: ProblemLog
    path: str

    def read(self, entries: Iterable[HostEntry]) -> list[Host]:
        """The hosts of these entries; one whose policy has a problem is left out."""
        hosts = []
        for entry in entries:
            variables = self.resolver.resolve(entry, SECTIONS)
            target = resolve_target(entry, variables.connection, self.path, self.problems)
            policy = self.policies.read(variables.policy)
            if policy is not None:
                hosts.append(
                    Host(
                        name=entry.name,
                        groups=_named_groups(self.graph, entry),
                        target=target,
                        policy=policy,
                        file=entry.place.file,
                        line=entry.place.line,
                    )
                )
        return hosts


def _directory(
    hosts: Sequence[Host], members: Mapping[str, list[str]], reader: _HostReader
) -> tuple[Directory, tuple[Host, ...]]:
    """What the names in policies stand for, and the named hosts that the limit leaves out."""
    distinct = {id(host.policy): host.policy for host in hosts}.values()
    names = dict.fromkeys(name for policy in distinct for name in names_of(policy))
    virtual: dict[str, Mapping[str, Address]] = {}
    stand_for: dict[str, tuple[str, ...]] = {}
    for name in names:
        group = name.rpartition("@")[2]
        if name in members or name in reader.graph.hosts or group not in members:
            stand_for[name] = tuple(members.get(name, (name,)))
            continue
        stand_for[group] = tuple(members[group])
        declared = reader.policies.read_group(reader.resolver.of_group(group)).virtual_addresses
        virtual[group] = {key: item.address for key, item in declared.items()}
    read = {host.name: host for host in hosts}
    absent = dict.fromkeys(host for named in stand_for.values() for host in named)
    entries = (reader.graph.hosts.get(name) for name in absent if name not in read)
    beside = tuple(reader.read(entry for entry in entries if entry is not None))
    read.update({host.name: host for host in beside})
    policies = {name: read[name].policy for name in absent if name in read}
    return Directory(stand_for, policies, virtual=virtual), beside


def _linked(hosts: Iterable[Host], directory: Directory) -> Iterator[Host]:
    """The hosts, whose upstreams lead to the ends that they name."""
    shared: dict[tuple[int, str], Policy] = {}
    for host in hosts:
        # Only a host that is a target of its own policy has another one than its neighbours.
        own = host.name if host.name in directory.named_in(host.policy) else ""
        policy = shared.get((id(host.policy), own))
        if policy is None:
            policy = directory.linked(host.policy, host.name)
            shared[id(host.policy), own] = policy
        yield host if policy is host.policy else replace(host, policy=policy)


def _named_groups(graph: Graph, entry: HostEntry) -> tuple[str, ...]:
    return tuple(sorted(set(graph.groups_of(entry)) - {ALL, UNGROUPED}))


def _groups(
    hosts: Mapping[str, list[str]],
    chosen: Collection[str],
    resolver: Resolver,
    policies: PolicyReader,
) -> Iterator[Group]:
    """The groups with a chosen host, and ``all``, by name."""
    for name, members in sorted(hosts.items()):
        inside = tuple(host for host in members if host in chosen)
        if name == ALL or (inside and name != UNGROUPED):
            left_out = tuple(host for host in members if host not in chosen)
            policy = policies.read_group(resolver.of_group(name))
            yield Group(name, inside, left_out, policy=policy)


def _refuse_ungrouped(resolver: Resolver, problems: ProblemLog) -> None:
    """Refuse what is declared for hosts that have nothing in common."""
    item = resolver.of_group(UNGROUPED)
    if item is not None:
        problems.add(
            item.key_place,
            joined(item.origin, POLICY_VARIABLE),
            f"{UNGROUPED} is no group whose hosts share something",
            "give these hosts a group of their own, and declare it there",
        )


def _members(graph: Graph) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {name: [] for name in graph.groups}
    for entry in graph.in_order():
        for name in graph.groups_of(entry):
            members[name].append(entry.name)
    return members


def _chosen(graph: Graph, file: str, limit: str | None, problems: ProblemLog) -> list[HostEntry]:
    """The hosts that the limit leaves, in the order of the inventory."""
    entries = list(graph.in_order())
    if not entries:
        if not problems:
            problems.add(
                Place(file, None),
                "",
                "the inventory has no hosts",
                "add one under `hosts:` of a group or of all",
            )
        return []
    if limit is None:
        return entries
    names = select(limit, [entry.name for entry in entries], _members(graph), problems)
    return [entry for entry in entries if entry.name in names]

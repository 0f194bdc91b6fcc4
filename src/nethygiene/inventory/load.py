"""Loads an inventory file into an :class:`Inventory`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from nethygiene.inventory.connection import resolve_target
from nethygiene.inventory.files import Files
from nethygiene.inventory.form import read_graph
from nethygiene.inventory.groups import ALL, UNGROUPED, Graph, HostEntry
from nethygiene.inventory.located import Place, ProblemLog, joined
from nethygiene.inventory.model import Group, Host, Inventory
from nethygiene.inventory.pattern import select
from nethygiene.inventory.policy import SECTIONS, policies_of_groups, policies_sha256
from nethygiene.inventory.validation import PolicyReader
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
    policies = PolicyReader(problems, str(path))
    hosts = []
    for entry in chosen:
        variables = resolver.resolve(entry, SECTIONS)
        target = resolve_target(entry, variables.connection, str(path), problems)
        policy = policies.read(variables.policy)
        if policy is not None:
            hosts.append(
                Host(
                    name=entry.name,
                    groups=_named_groups(graph, entry),
                    target=target,
                    policy=policy,
                    file=entry.place.file,
                    line=entry.place.line,
                )
            )
    groups = list(_groups(graph, {host.name for host in hosts}, resolver, policies))
    _refuse_ungrouped(resolver, problems)
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
        hosts=tuple(hosts),
        everyone=next(group for group in groups if group.name == ALL),
        groups=tuple(group for group in groups if group.name != ALL),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _named_groups(graph: Graph, entry: HostEntry) -> tuple[str, ...]:
    return tuple(sorted(set(graph.groups_of(entry)) - {ALL, UNGROUPED}))


def _groups(
    graph: Graph, chosen: Collection[str], resolver: Resolver, policies: PolicyReader
) -> Iterator[Group]:
    """The groups with a chosen host, and ``all``, by name."""
    for name, members in sorted(_members(graph).items()):
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

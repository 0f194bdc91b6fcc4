"""The groups and hosts of an inventory as a graph, in Ansible's order of precedence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nethygiene.inventory.located import Mapping, Place, ProblemLog, Scalar, joined, shown

ALL = "all"
UNGROUPED = "ungrouped"

MAX_CYCLES = 20
"""Cycles among groups that are reported at once."""


@dataclass(slots=True, eq=False)
class Layer:
    """Variables written in one place: `origin` is their key path, as ``all.children.web.vars``."""

    variables: Mapping
    origin: str


@dataclass(slots=True, eq=False)
class DeclaredGroup:
    """A group as declared. Its hosts hold the membership."""

    name: str
    place: Place
    children: dict[str, Place] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    depth: int = 0
    priority: int = 1


@dataclass(slots=True, eq=False)
class HostEntry:
    """A host: its first declaration, its variables in the order of the file, its groups."""

    name: str
    place: Place
    layers: list[Layer] = field(default_factory=list)
    groups: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Graph:
    """All groups and hosts. Fill it with the add methods, then call :meth:`finish` once."""

    groups: dict[str, DeclaredGroup] = field(default_factory=dict)
    hosts: dict[str, HostEntry] = field(default_factory=dict)
    _ancestors: dict[str, frozenset[str]] = field(default_factory=dict)
    _ordered: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def add_group(self, name: str, place: Place) -> DeclaredGroup:
        """The group of that name, made at its first mention."""
        return self.groups.setdefault(name, DeclaredGroup(name, place))

    def add_host(self, name: str, place: Place, group: str) -> HostEntry:
        """The host of that name, put into a group that exists."""
        host = self.hosts.setdefault(name, HostEntry(name, place))
        if place.file == host.place.file and (place.line or 0) < (host.place.line or 0):
            host.place = place
        host.groups[group] = None
        return host

    def finish(self, root: Place, problems: ProblemLog) -> bool:
        """Give every group its place under ``all``, its depth and its priority.

        Returns:
            False if nothing can be resolved: there are more cycles than are reported.
        """
        everything = self.add_group(ALL, root)
        self.add_group(UNGROUPED, root)
        parented = {child for group in self.groups.values() for child in group.children}
        for group in self.groups.values():
            if group.name != ALL and group.name not in parented:
                everything.children[group.name] = group.place
        for host in self.hosts.values():
            if not set(host.groups) - {ALL, UNGROUPED}:
                host.groups[UNGROUPED] = None
            else:
                host.groups.pop(UNGROUPED, None)
        for _ in range(MAX_CYCLES):
            if self._set_depths():
                break
            self._cut_cycle(problems)
        else:
            return False
        for group in self.groups.values():
            self._set_priority(group, problems)
        return True

    def _parents(self) -> dict[str, set[str]]:
        parents: dict[str, set[str]] = {name: set() for name in self.groups}
        for group in self.groups.values():
            for child in group.children:
                parents[child].add(group.name)
        return parents

    def _set_depths(self) -> bool:
        """Set each group's depth, the longest way from ``all``; False if there is a cycle."""
        parents = self._parents()
        waiting = {name: len(above) for name, above in parents.items()}
        ready = [name for name, count in waiting.items() if count == 0]
        self._ancestors.clear()
        while ready:
            name = ready.pop()
            inherited = (self._ancestors[parent] for parent in parents[name])
            self._ancestors[name] = frozenset({name, ALL}).union(*inherited)
            group = self.groups[name]
            for child in group.children:
                self.groups[child].depth = max(self.groups[child].depth, group.depth + 1)
                waiting[child] -= 1
                if waiting[child] == 0:
                    ready.append(child)
        return len(self._ancestors) == len(self.groups)

    def _cut_cycle(self, problems: ProblemLog) -> None:
        """Report one cycle and take one of its links out, so that all else is checked too."""
        parents = self._parents()
        stuck = set(self.groups) - set(self._ancestors)
        # Every group without a place has such a parent, so that the way up is a circle.
        name = min(stuck)
        trail = {name: None}
        while (name := min(parents[name] & stuck)) not in trail:
            trail[name] = None
        around = list(trail)
        cycle = [name, *reversed(around[around.index(name) :])]
        place = self.groups[cycle[0]].children.pop(cycle[1])
        problems.add(
            place,
            joined(cycle[0], "children", cycle[1]),
            f"groups in a circle: {' > '.join(cycle)}",
            "a group cannot be its own descendant: take one of these children out",
        )

    def _set_priority(self, group: DeclaredGroup, problems: ProblemLog) -> None:
        for layer in group.layers:
            item = layer.variables.items.get("ansible_group_priority")
            if item is None:
                continue
            value = item.node.value if isinstance(item.node, Scalar) else None
            text = str(value) if not isinstance(value, bool) else ""
            if text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 10:
                group.priority = int(text)
            else:
                problems.add(
                    item.node.place,
                    joined(layer.origin, "ansible_group_priority"),
                    f"{shown(value)} is not an integer",
                    "write a whole number; of groups as deep, the one with the higher number wins",
                )

    def groups_of(self, host: HostEntry) -> tuple[str, ...]:
        """All groups of a host, ``all`` first, each winning over those before it."""
        direct = tuple(host.groups)
        ordered = self._ordered.get(direct)
        if ordered is None:
            names = frozenset({ALL}).union(*(self._ancestors[name] for name in direct))
            ordered = tuple(sorted(names, key=self._precedence))
            self._ordered[direct] = ordered
        return ordered

    def _precedence(self, name: str) -> tuple[int, int, str]:
        group = self.groups[name]
        return group.depth, group.priority, name

    def in_order(self) -> Iterator[HostEntry]:
        """The hosts in the order of the file."""
        yield from sorted(self.hosts.values(), key=lambda host: host.place.line or 0)

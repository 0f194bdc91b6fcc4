"""The variables of hosts, resolved by Ansible's precedence; ``nethygiene`` merged deeply.

The order is, lowest first: ``vars`` of all, of groups by depth, priority and name; group_vars/ of
all, of groups in the same order; the host's variables in the inventory; host_vars/. Source:
Ansible's "Understanding variable precedence", and VARIABLE_PRECEDENCE of ansible-core.

Ansible replaces a variable as a whole. ``nethygiene`` is merged instead: mappings merge, lists and
values replace, and null takes back an inherited item (``shop: null``) or one field of it. An empty
section (``services:``) takes nothing back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

from nethygiene.inventory.group_policy import GROUP_SECTIONS
from nethygiene.inventory.groups import Graph, HostEntry, Layer
from nethygiene.inventory.located import Item, Mapping, Node, is_null, joined, shown
from nethygiene.inventory.vars_files import VarsFiles

POLICY_VARIABLE = "nethygiene"
_PREFIXES = ("ansible_", "nethygiene")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's value and the key path of its layer."""

    item: Item
    origin: str


@dataclass(frozen=True, slots=True)
class HostVariables:
    """The variables of a host that are read here.

    Attributes:
        connection: the ``ansible_`` and ``nethygiene_`` variables, by name.
        policy: the merged variable ``nethygiene``; None if no layer has one. Hosts of the
            same groups without a policy of their own share one object.
    """

    connection: dict[str, Variable]
    policy: Item | None


@dataclass(slots=True)
class Resolver:
    """Resolves the variables of hosts; hosts of the same groups share what these declare."""

    graph: Graph
    vars_files: VarsFiles
    _group_files: dict[str, list[Layer]] = field(default_factory=dict)
    _shared: dict[tuple[str, ...], HostVariables] = field(default_factory=dict)

    def resolve(self, host: HostEntry, sections: frozenset[str]) -> HostVariables:
        """The variables of one host.

        Args:
            host: a host of the graph.
            sections: keys of the policy that hold mappings, where null takes nothing back.
        """
        groups = self.graph.groups_of(host)
        shared = self._shared.get(groups)
        if shared is None:
            nothing = HostVariables({}, None)
            shared = self._shared[groups] = overlaid(nothing, self._group_layers(groups), sections)
        own = [*host.layers, *self.vars_files.layers("host_vars", host.name)]
        self._refuse_misspelt(own)
        self._refuse_group_sections(own)
        return overlaid(shared, own, sections) if own else shared

    def of_group(self, name: str) -> Item | None:
        """What a group's own variables declare for its members as one; None if nothing.

        The layers of one group merge as those of a host do. Groups around it add nothing.
        """
        declared: Item | None = None
        # This also reads the group's files, if no host of it was resolved yet.
        for layer in self._group_layers((name,)):
            item = layer.variables.items.get(POLICY_VARIABLE)
            if item is None or not isinstance(item.node, Mapping):
                continue  # a policy that is no mapping is reported with the policy of a host
            own = {key: inner for key, inner in item.node.items.items() if key in GROUP_SECTIONS}
            if own:
                top = Item(item.key_place, Mapping(item.node.place, own), layer.origin)
                sections = frozenset(GROUP_SECTIONS)
                declared = top if declared is None else _merged(declared, top, sections)
        return declared

    def _group_layers(self, groups: tuple[str, ...]) -> Iterator[Layer]:
        for name in groups:
            self._refuse_misspelt(self.graph.groups[name].layers)
            yield from self.graph.groups[name].layers
        for name in groups:
            if name not in self._group_files:
                self._group_files[name] = self.vars_files.layers("group_vars", name)
                self._refuse_misspelt(self._group_files[name])
                self._warn_of_priority(name)
            yield from self._group_files[name]

    def _refuse_group_sections(self, layers: Iterable[Layer]) -> None:
        """Refuse what a single host cannot have."""
        for layer in layers:
            item = layer.variables.items.get(POLICY_VARIABLE)
            declared = item.node.items if item and isinstance(item.node, Mapping) else {}
            for key, inner in declared.items():
                if key in GROUP_SECTIONS:
                    self.vars_files.files.problems.add(
                        inner.key_place,
                        joined(layer.origin, POLICY_VARIABLE, key),
                        f"{key} belong to a group, not to a single host",
                        "move it under the `vars:` of the group whose hosts share the address, or "
                        "into group_vars/GROUP.yaml",
                    )

    def _refuse_misspelt(self, layers: Iterable[Layer]) -> None:
        """Refuse a misspelt policy: if it were ignored, the host would look clean."""
        for layer in layers:
            for key, item in layer.variables.items.items():
                if isinstance(key, str) and _is_misspelt(key):
                    self.vars_files.files.problems.add(
                        item.key_place,
                        joined(layer.origin, key),
                        f"unknown variable {shown(key)}",
                        f"did you mean {POLICY_VARIABLE!r}? so named it would be passed over; "
                        "if it is something else, rename it",
                    )

    def _warn_of_priority(self, name: str) -> None:
        for layer in self._group_files[name]:
            item = layer.variables.items.get("ansible_group_priority")
            if item is not None:
                file, line = item.key_place
                self.vars_files.warnings.append(
                    f"{file}:{line}: ansible_group_priority has no effect in group_vars/: "
                    f"put it under the vars of group {name!r} in the inventory"
                )


def _is_misspelt(key: str) -> bool:
    # The length is compared first: an inventory has many variables.
    return (
        abs(len(key) - len(POLICY_VARIABLE)) <= 2
        and not key.startswith(_PREFIXES)
        and _is_like_ours(key.lower())
    )


@lru_cache(maxsize=1024)
def _is_like_ours(key: str) -> bool:
    return SequenceMatcher(None, key, POLICY_VARIABLE).ratio() >= 0.85


def overlaid(
    below: HostVariables, layers: Iterable[Layer], sections: frozenset[str]
) -> HostVariables:
    """Variables with further layers on top; the last layer wins."""
    connection, policy = below.connection, below.policy
    for layer in layers:
        for key, item in layer.variables.items.items():
            if not isinstance(key, str) or not key.startswith(_PREFIXES):
                continue
            if key != POLICY_VARIABLE:
                if connection is below.connection:
                    connection = dict(connection)
                connection[key] = Variable(item, layer.origin)
            elif not is_null(item.node):
                top = Item(item.key_place, _of_each_host(item.node), layer.origin)
                policy = top if policy is None else _merged(policy, top, sections)
    return HostVariables(connection, policy)


def _of_each_host(node: Node) -> Node:
    """A policy without what belongs to a group as one."""
    if not isinstance(node, Mapping) or GROUP_SECTIONS.keys().isdisjoint(node.items):
        return node
    rest = {key: item for key, item in node.items.items() if key not in GROUP_SECTIONS}
    return Mapping(node.place, rest)


def _merged(below: Item, above: Item, sections: frozenset[str]) -> Item:
    """One policy over another; a policy that is no mapping stays, and is reported later."""
    if not isinstance(below.node, Mapping):
        return below
    if not isinstance(above.node, Mapping):
        return above
    merged = _merge(below.node, below.origin, above.node, above.origin, sections)
    return Item(above.key_place, merged, above.origin)


def _merge(
    below: Mapping,
    below_origin: str | None,
    above: Mapping,
    above_origin: str | None,
    sections: frozenset[str] = frozenset(),
) -> Mapping:
    """A new mapping. Its items have an origin; nested items have one only where it differs."""
    items = {key: _with_origin(item, below_origin) for key, item in below.items.items()}
    for key, item in above.items.items():
        inherited = items.get(key)
        if is_null(item.node):
            if key in sections:
                continue
            if inherited is not None and not is_null(inherited.node):
                del items[key]
                continue
        elif (
            inherited is not None
            and isinstance(inherited.node, Mapping)
            and isinstance(item.node, Mapping)
        ):
            origin = item.origin_or(above_origin)
            node = _merge(inherited.node, inherited.origin, item.node, origin)
            items[key] = Item(inherited.key_place, node, inherited.origin)
            continue
        items[key] = _with_origin(item, above_origin)
    return Mapping(above.place, items)


def _with_origin(item: Item, origin: str | None) -> Item:
    return item if item.origin is not None else Item(item.key_place, item.node, origin)

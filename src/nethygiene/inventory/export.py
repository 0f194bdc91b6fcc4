"""The JSON of ``ansible-inventory --list --export``, and of inventory programs, to a graph."""

from __future__ import annotations

from nethygiene.inventory.groups import ALL, Graph, Layer
from nethygiene.inventory.layout import check_host_name, checked_group_name
from nethygiene.inventory.located import (
    Item,
    Mapping,
    Node,
    ProblemLog,
    Scalar,
    Sequence,
    is_null,
    joined,
    kind_of,
    shown,
)

_META = "_meta"
_EXPORT = "ansible-inventory --list --export"


def is_export(root: Mapping, *, is_json: bool) -> bool:
    """Whether a mapping is in this form rather than the YAML layout.

    In JSON, lists of hosts mark this form as well; in YAML they are an error, as in Ansible.
    """
    if _META in root.items:
        return True
    return is_json and any(
        isinstance(node, Sequence)
        for item in root.items.values()
        for node in (item.node, *_sections(item.node))
    )


def _sections(group: Node) -> list[Node]:
    if not isinstance(group, Mapping):
        return []
    return [group.items[key].node for key in ("hosts", "children") if key in group.items]


def read_export(
    root: Mapping, graph: Graph, problems: ProblemLog, *, program: bool = False
) -> list[str]:
    """Read groups, their variables, and ``_meta.hostvars``.

    Args:
        root: the whole JSON.
        graph: receives groups and hosts.
        problems: receives errors.
        program: a program printed it, which has to print ``_meta.hostvars``.

    Returns:
        Warnings: hosts that have variables but stand in no group.
    """
    for key, item in root.items.items():
        if key != _META:
            name = checked_group_name(key, item, str(key), problems)
            if name is not None:
                _read_group(name, item, graph, problems)
    hostvars = _hostvars(root, problems)
    if hostvars is None:
        if program and not any(graph.groups[name].layers for name in graph.groups):
            problems.add(
                root.place,
                _META,
                "the program printed no _meta.hostvars: the variables of its hosts are unknown",
                f"let it print what `{_EXPORT}` prints",
            )
        return []
    if _is_flattened(hostvars, root):
        problems.add(
            hostvars.place,
            "_meta.hostvars",
            "the variables of the groups are flattened into their hosts, so that the variable "
            "nethygiene of several groups cannot be merged",
            f"export it with `{_EXPORT}`, which keeps them; or, if there are no group variables, "
            'say so: "all": {"vars": {}}',
        )
        return []
    return _read_hostvars(hostvars, graph, problems)


def _read_group(name: str, item: Item, graph: Graph, problems: ProblemLog) -> None:
    group = graph.add_group(name, item.key_place)
    if isinstance(item.node, Sequence):
        _read_hosts(item.node, name, name, graph, problems)
        return
    if not isinstance(item.node, Mapping):
        problems.add(
            item.node.place,
            name,
            f"group {shown(name)} is {kind_of(item.node)}",
            "a group is a list of hosts, or a mapping of hosts, children and vars",
        )
        return
    for key, inner in item.node.items.items():
        path = joined(name, key)
        if is_null(inner.node):
            continue
        if key == "hosts" and isinstance(inner.node, Sequence):
            _read_hosts(inner.node, path, name, graph, problems)
        elif key == "children" and isinstance(inner.node, Sequence):
            for node in inner.node.items:
                child_item = Item(node.place, node)
                value = node.value if isinstance(node, Scalar) else None
                child = checked_group_name(value, child_item, path, problems)
                if child is not None:
                    graph.add_group(child, node.place)
                    group.children.setdefault(child, node.place)
        elif key == "vars" and isinstance(inner.node, Mapping):
            group.layers.append(Layer(inner.node, path))
        elif key in {"hosts", "children", "vars"}:
            expected = "a mapping" if key == "vars" else "a list"
            problems.add(
                inner.node.place,
                path,
                f"this has to be {expected}, not {kind_of(inner.node)}",
                f"write it as `{_EXPORT}` does",
            )
        else:
            problems.add(
                inner.key_place,
                path,
                f"unknown key {shown(key)} in group {shown(name)}",
                "a group holds hosts, children and vars",
            )


def _read_hosts(names: Sequence, path: str, group: str, graph: Graph, problems: ProblemLog) -> None:
    for node in names.items:
        item = Item(node.place, node)
        if not isinstance(node, Scalar) or not isinstance(node.value, str):
            problems.add(
                node.place, path, f"a host name cannot be {kind_of(node)}", "write a string"
            )
        elif check_host_name(node.value, item, path, problems):
            graph.add_host(node.value, node.place, group)


def _hostvars(root: Mapping, problems: ProblemLog) -> Mapping | None:
    meta = root.items.get(_META)
    node: Node | None = None if meta is None else meta.node
    for keys in (_META, "_meta.hostvars"):
        if node is None or is_null(node):
            return None
        if not isinstance(node, Mapping):
            problems.add(
                node.place,
                keys,
                f"this has to be a mapping, not {kind_of(node)}",
                f"write it as `{_EXPORT}` does",
            )
            return None
        if keys == _META:
            item = node.items.get("hostvars")
            node = None if item is None else item.node
    return node if isinstance(node, Mapping) else None


def _is_flattened(hostvars: Mapping, root: Mapping) -> bool:
    """Whether hosts have policies, while no group has a ``vars`` of its own.

    Without a policy the flattened form loses nothing: Ansible has merged all else correctly.
    """
    kept = any(
        isinstance(item.node, Mapping) and "vars" in item.node.items
        for key, item in root.items.items()
        if key != _META
    )
    return not kept and any(
        isinstance(item.node, Mapping) and "nethygiene" in item.node.items
        for item in hostvars.items.values()
    )


def _read_hostvars(hostvars: Mapping, graph: Graph, problems: ProblemLog) -> list[str]:
    warnings = []
    for name, item in hostvars.items.items():
        path = joined("_meta.hostvars", name)
        if not isinstance(item.node, Mapping):
            if not is_null(item.node):
                problems.add(
                    item.node.place,
                    path,
                    f"the variables of a host cannot be {kind_of(item.node)}",
                    "write a mapping of variables",
                )
        elif str(name) in graph.hosts:
            graph.hosts[str(name)].layers.append(Layer(item.node, path))
        else:
            warnings.append(
                f"{item.key_place.file}: host {shown(name)} has variables in _meta.hostvars but "
                f"stands in no group, and is left out: add it to the hosts of a group, or of {ALL}"
            )
    return warnings

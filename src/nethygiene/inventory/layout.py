"""Ansible's YAML layout (groups holding ``hosts``, ``children`` and ``vars``) to a graph."""

from __future__ import annotations

import shlex

from nethygiene.inventory.groups import DeclaredGroup, Graph, Layer
from nethygiene.inventory.located import (
    Item,
    Key,
    Mapping,
    ProblemLog,
    Scalar,
    closest,
    is_null,
    joined,
    kind_of,
    shown,
)
from nethygiene.inventory.names import is_group_name, is_host_name
from nethygiene.inventory.ranges import expand, split_port

EXPORT = "ansible-inventory -i {file} --list --export > inventory.json"
"""The command that turns any inventory of Ansible's into one that can be read here."""

# In Ansible's order: if two places set a host's variable, the later one here wins.
_SECTIONS = ("vars", "children", "hosts")


def export_command(file: str) -> str:
    """The command for a cure that exports `file`."""
    return EXPORT.format(file=shlex.quote(file))


def read_layout(root: Mapping, graph: Graph, problems: ProblemLog) -> None:
    """Read an inventory whose top-level keys are groups."""
    if "plugin" in root.items:
        item = root.items["plugin"]
        problems.add(
            item.key_place,
            "plugin",
            "this is the configuration of an Ansible inventory plugin, not an inventory",
            f"export it: {export_command(item.key_place.file)}",
        )
        return
    for key, item in root.items.items():
        if key in _SECTIONS:
            problems.add(
                item.key_place,
                str(key),
                f"`{key}` at the top level is not in a group",
                "top-level keys are groups: put it under `all:`",
            )
        else:
            _read_group(key, item, "", graph, problems)


def _read_group(
    key: Key, item: Item, parent_path: str, graph: Graph, problems: ProblemLog
) -> DeclaredGroup | None:
    path = joined(parent_path, key)
    name = checked_group_name(key, item, path, problems)
    if name is None:
        return None
    group = graph.add_group(name, item.key_place)
    if is_null(item.node):
        return group
    if not isinstance(item.node, Mapping):
        problems.add(
            item.node.place,
            path,
            f"group {shown(name)} is {kind_of(item.node)}",
            f"a group is a mapping of {', '.join(_SECTIONS)}",
        )
        return group
    for section, inner in item.node.items.items():
        if section not in _SECTIONS:
            _report_unknown_section(section, inner, joined(path, section), problems)
    for section in _SECTIONS:
        content = _section(item.node, section, path, problems)
        if content is not None:
            _read_section(section, content, joined(path, section), group, graph, problems)
    return group


def _report_unknown_section(key: Key, item: Item, path: str, problems: ProblemLog) -> None:
    near = closest(key, _SECTIONS)
    meant = f"did you mean `{near}`? " if near else ""
    problems.add(
        item.key_place,
        path,
        f"unknown key {shown(key)} in a group",
        f"{meant}a group holds {', '.join(_SECTIONS)}; hosts go under hosts, "
        "groups under children, variables under vars",
    )


def _read_section(
    section: str,
    content: Mapping,
    path: str,
    group: DeclaredGroup,
    graph: Graph,
    problems: ProblemLog,
) -> None:
    if section == "vars":
        group.layers.append(Layer(content, path))
        return
    for key, item in content.items.items():
        if section == "hosts":
            _read_hosts(key, item, path, group, graph, problems)
        else:
            child = _read_group(key, item, path, graph, problems)
            if child is not None:
                group.children.setdefault(child.name, item.key_place)


def _section(group: Mapping, section: str, path: str, problems: ProblemLog) -> Mapping | None:
    """A section's mapping; Ansible takes one bare name for a mapping as well."""
    item = group.items.get(section)
    if item is None or is_null(item.node):
        return None
    node = item.node
    if isinstance(node, Mapping):
        return node
    if isinstance(node, Scalar) and isinstance(node.value, str) and section != "vars":
        nothing = Scalar(node.place, None, "")
        return Mapping(node.place, {node.value: Item(node.place, nothing)})
    fix = "write `name: value` lines" if section == "vars" else "write each name with a colon"
    problems.add(
        node.place,
        joined(path, section),
        f"`{section}` has to be a mapping, not {kind_of(node)}",
        fix,
    )
    return None


def _read_hosts(
    key: Key,
    item: Item,
    section_path: str,
    group: DeclaredGroup,
    graph: Graph,
    problems: ProblemLog,
) -> None:
    path = joined(section_path, key)
    if not isinstance(key, str):
        problems.add(
            item.key_place,
            path,
            f"host name {shown(key)} is not a string",
            f'put it into quotes: "{key}"',
        )
        return
    pattern, port = split_port(key)
    try:
        names = expand(pattern)
    except ValueError as error:
        problems.add(
            item.key_place,
            path,
            f"bad host range {shown(key)}: {error}",
            "write it as web[01:10], web[1:9:2] or db[a:f]",
        )
        return
    if not all(check_host_name(name, item, path, problems) for name in names):
        return
    if port is not None and not 1 <= port <= 65535:
        problems.add(item.key_place, path, f"{port} is no port", "write a port, 1 to 65535")
        return
    variables = item.node if isinstance(item.node, Mapping) else None
    if variables is None and not is_null(item.node):
        problems.add(
            item.node.place,
            path,
            f"the variables of host {shown(key)} are {kind_of(item.node)}",
            "write a mapping: {ansible_host: 10.0.0.11}",
        )
    for name in names:
        host = graph.add_host(name, item.key_place, group.name)
        if port is not None:
            host.layers.append(Layer(_port_variable(port, item), path))
        if variables is not None and variables.items:
            host.layers.append(Layer(variables, path))


def _port_variable(port: int, item: Item) -> Mapping:
    """The port of ``host:port`` as a variable of the host, as in Ansible."""
    node = Scalar(item.key_place, port, str(port))
    return Mapping(item.key_place, {"ansible_port": Item(item.key_place, node)})


def check_host_name(name: str, item: Item, path: str, problems: ProblemLog) -> bool:
    """Whether a host name is safe to use; otherwise report it."""
    if is_host_name(name):
        return True
    problems.add(
        item.key_place,
        path,
        f"host name {shown(name)} is not safe to use",
        "use letters, digits and . _ @ + - (or an IP address), beginning with a letter or digit; "
        "where to connect to can be said with ansible_host",
    )
    return False


def checked_group_name(key: Key, item: Item, path: str, problems: ProblemLog) -> str | None:
    """A group's name; None after an error."""
    if isinstance(key, str) and is_group_name(key):
        return key
    what = (
        f"{shown(key)} is not safe to use" if isinstance(key, str) else f"{shown(key)} is no string"
    )
    problems.add(
        item.key_place,
        path,
        f"group name {what}",
        "use letters, digits and _, without spaces; put a number into quotes",
    )
    return None

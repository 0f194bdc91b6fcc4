"""Inventories of lab hosts, as a user would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.lab.host import LabHost

Policy = Mapping[str, object]
"""What stands under `nethygiene` in an inventory."""

Variables = Mapping[str, object]
"""Variables of a host or group, by Ansible's names."""


def write_inventory(
    path: Path,
    hosts: Sequence[LabHost],
    everywhere: Variables,
    policy_by_host: Mapping[str, Policy],
    variables_by_host: Mapping[str, Variables],
) -> None:
    """Write one in Ansible's YAML layout: `everywhere` is of the group all, the others by host."""
    entries: dict[str, Variables] = {}
    for host in hosts:
        entry: dict[str, object] = {"ansible_host": host.address, "ansible_user": host.login}
        entry.update(variables_by_host.get(host.name, {}))
        if host.name in policy_by_host:
            entry["nethygiene"] = policy_by_host[host.name]
        entries[host.name] = entry
    write_entries(path, everywhere, entries)


def write_entries(path: Path, everywhere: Variables, entries: Mapping[str, Variables]) -> None:
    """Write an inventory of hosts by name, each with its variables, that need be no lab hosts."""
    document = {"all": {"vars": everywhere, "hosts": entries}}
    # By way of JSON, so that a value used twice does not become a YAML alias.
    path.write_text(yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False))

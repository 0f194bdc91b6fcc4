"""Reads keepalived.conf, with the files that it includes.

It follows keepalived.conf(5) and the parser of keepalived 2.2.7. It reads VRRP alone; what belongs
to virtual servers, scripts and notifications is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence

from nethygiene.subjects.failover.keepalived_conf.blocks import Directive, tree
from nethygiene.subjects.failover.keepalived_conf.configuration import Configuration, VrrpInstance
from nethygiene.subjects.failover.keepalived_conf.files import ConfigurationFiles
from nethygiene.subjects.failover.keepalived_conf.instance import (
    Defaults,
    address_of,
    number,
    read_instance,
)
from nethygiene.subjects.failover.keepalived_conf.statements import statements


def read_configuration(
    files: ConfigurationFiles, paths: Sequence[str], config_id: str
) -> Configuration:
    """The configuration that a keepalived with this id reads from these files.

    Args:
        files: the files, and those that they include.
        paths: the files to begin with.
        config_id: keepalived's ``--config-id``, else the host's name without its domain.

    Raises:
        ConfigurationError: it cannot be read, and keepalived may well do so.
    """
    top = tree(statements(files, paths, config_id))
    defaults = _defaults(top)
    groups = _sync_groups(top)
    instances: dict[str, VrrpInstance] = {}
    for block in top.all("vrrp_instance"):
        name = block.value()
        # keepalived ignores an instance without a name, and a second one of a name.
        if len(block.words) == 2 and name not in instances:
            instances[name] = read_instance(block, defaults, groups.get(name, ""))
    named = [
        block for place in (top, *top.all("global_defs")) for block in place.all("net_namespace")
    ]
    return Configuration(tuple(instances.values()), named[0].value() if named else "")


def _defaults(top: Directive) -> Defaults:
    values = [value for block in top.all("global_defs") for value in block.inside]
    last = {value.keyword: value.value() for value in values}
    groups = dict(Defaults().groups)
    for family in groups:
        group = address_of(last.get(f"vrrp_mcast_group{family}", ""))
        if group is not None and group.version == family:
            groups[family] = group
    return Defaults(
        number(last.get("vrrp_version", ""), 2, 3) or 2,
        groups,
        last.get("vmac_prefix") or "vrrp",
    )


def _sync_groups(top: Directive) -> dict[str, str]:
    """The name of each instance that belongs to a sync group, to the group's."""
    groups: dict[str, str] = {}
    for block in top.all("vrrp_sync_group"):
        for members in list(block.all("group"))[:1]:
            for line in members.inside:
                for name in line.words:
                    groups.setdefault(name, block.value())
    return groups

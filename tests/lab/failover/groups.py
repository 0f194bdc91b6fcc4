"""What rules on several hosts say of one group of lab hosts that shares an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.lab.audit import Finding, audit
from tests.lab.failover.fleet import ITEM, write_groups
from tests.lab.host import LabHost
from tests.lab.lab import Lab

GROUP = "team"


def judge(
    lab: Lab, hosts: Sequence[LabHost], declared: Mapping[str, object], *rules: str
) -> dict[str, Finding]:
    """Audit a group that declares a shared address; returns what each rule came to."""
    policy = {"virtual_addresses": {ITEM: dict(declared)}}
    inventory = write_groups(lab, {GROUP: (hosts, policy)})
    named = " or ".join(rule.replace("-", "_") for rule in rules)
    run = audit(lab, hosts, "-k", named, inventory=inventory)
    return {rule: run.of_group(GROUP, rule, ITEM) for rule in rules}

"""The order in which hosts are asked."""

from __future__ import annotations

from pathlib import Path

from nethygiene.engine.plan import Plan
from nethygiene.inventory.load import load_inventory

INVENTORY = """
all:
  children:
    first_site: {hosts: {db-1: , web-1: , queue-1: }}
    second_site: {hosts: {web-2: , queue-2: , db-2: }}
    db:
      hosts: {db-1: , db-2: }
      vars: {nethygiene: {virtual_addresses: {database: {address: 10.0.3.100}}}}
    queue:
      hosts: {queue-1: , queue-2: }
      vars: {nethygiene: {virtual_addresses: {jobs: {address: 10.0.3.101}}}}
"""


def test_members_that_share_an_address_are_asked_one_after_another(tmp_path: Path) -> None:
    path = tmp_path / "hosts.yaml"
    path.write_text(INVENTORY)
    inventory = load_inventory(path)
    hosts = {host.name: host for host in inventory.hosts}
    groups = {group.name: group for group in inventory.groups}
    plan = Plan(str(path), inventory.sha256, hosts, inventory.everyone, groups)
    asked = [host.name for host in plan.in_asking_order()]
    assert asked == ["db-1", "db-2", "queue-1", "queue-2", "web-1", "web-2"]
    assert set(asked) == set(plan.hosts)

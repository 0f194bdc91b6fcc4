"""The inventory: which hosts there are, how to reach them, and what they should be like."""

from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.model import Inventory
from nethygiene.inventory.pattern import select_hosts
from nethygiene.inventory.policy import Policy, policies_sha256, policy_from_plain
from nethygiene.inventory.schema import inventory_json_schema
from nethygiene.inventory.target import Target

__all__ = [
    "Inventory",
    "Policy",
    "Target",
    "inventory_json_schema",
    "load_inventory",
    "policies_sha256",
    "policy_from_plain",
    "select_hosts",
]

"""The shipped inventories, and the JSON Schema for editors."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from nethygiene.inventory import yaml_reader
from nethygiene.inventory.group_policy import GroupPolicy
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.policy import Policy
from nethygiene.inventory.schema import inventory_json_schema

INVENTORIES = Path(__file__).parents[3] / "inventories"


def as_json(path: Path) -> object:
    """The file as an editor's YAML 1.2 parser sees it: keys and days are strings."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: object = json.loads(json.dumps(data, default=date.isoformat))
    return found


def test_the_committed_schema_is_in_step() -> None:
    committed = json.loads((INVENTORIES / "inventory.schema.json").read_text(encoding="utf-8"))
    assert committed == inventory_json_schema(), "run: make docs"


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(inventory_json_schema())


@pytest.mark.parametrize("name", ["local.yaml", "example.yaml"])
def test_shipped_inventories_load_and_fit_the_schema(name: str) -> None:
    path = INVENTORIES / name
    assert path.read_text(encoding="utf-8").startswith(
        "# yaml-language-server: $schema=inventory.schema.json\n"
    )
    Draft202012Validator(inventory_json_schema()).validate(as_json(path))
    assert load_inventory(path).warnings == ()


@pytest.mark.parametrize(
    "data",
    [
        {"all": {"host": {}}},
        {"all": {"hosts": {"a": {"nethygiene": {"tw_reuse": "x"}}}}},
        {"all": {"vars": {"nethygiene": {"nope": 1}}}},
        {"all": {"vars": {"nethygiene": {"services": {"s": {"prot": 1}}}}}},
        {"all": {"vars": {"nethygiene": {"services": {"a b": {"port": 1}}}}}},
        {"all": {"vars": {"nethygiene": {"limits": {"half_open": "x"}}}}},
        {"all": {"vars": {"ansible_connection": "winrm"}}},
        {"all": {"hosts": {"a": {"nethygiene": {"virtual_addresses": {}}}}}},
        {"db": {"vars": {"nethygiene": {"virtual_addresses": {"x": {"vrrp": "x"}}}}}},
    ],
)
def test_the_schema_refuses_slips(data: object) -> None:
    assert not Draft202012Validator(inventory_json_schema()).is_valid(data)


def test_the_schema_allows_one_layer_of_several() -> None:
    layer = {"services": {"s": {"backlog": 5}, "t": None}, "routes": None, "tw_reuse": None}
    data = {"web": {"hosts": {"a": {"nethygiene": layer}, "b": None}, "children": "x"}, "x": None}
    Draft202012Validator(inventory_json_schema()).validate(data)


def test_the_local_inventory_is_this_machine_with_nothing_declared() -> None:
    (host,) = load_inventory(INVENTORIES / "local.yaml").hosts
    assert (host.name, host.groups, host.target.kind) == ("localhost", (), "local")
    assert host.policy.plain() == {}


def test_the_parser_in_pure_python_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with_c = load_inventory(INVENTORIES / "example.yaml")
    monkeypatch.setattr(yaml_reader, "_Loader", yaml.SafeLoader)
    assert load_inventory(INVENTORIES / "example.yaml") == with_c


def test_the_example_shows_every_key_of_a_policy() -> None:
    written = (INVENTORIES / "example.yaml").read_text(encoding="utf-8")
    of_hosts = Policy.model_json_schema(by_alias=True)
    of_groups = GroupPolicy.model_json_schema(by_alias=True)
    nested = [*of_hosts["$defs"].values(), *of_groups["$defs"].values()]
    for model in (of_hosts, of_groups, *nested):
        for key in model["properties"]:
            assert f"{key}:" in written, f"example.yaml does not show {key}"


def test_the_example_shows_what_it_says() -> None:
    inventory = load_inventory(INVENTORIES / "example.yaml")
    hosts = {host.name: host for host in inventory.hosts}
    assert "web-10.example.com" in hosts
    canary = hosts["web-canary"]
    assert canary.groups == ("production", "web")
    assert list(canary.policy.services) == ["shop"]
    assert canary.policy.services["shop"].backlog == 1024
    assert hosts["home"].policy.selinux == "enforcing"
    assert hosts["cache"].target.kind == "docker"

"""What belongs to a group as one: where it is declared, and every way to get it wrong."""

from __future__ import annotations

from ipaddress import ip_address
from textwrap import indent

import pytest

from nethygiene.errors import UsageError
from nethygiene.inventory.group_policy import group_policy_from_plain
from nethygiene.inventory.model import Group, Inventory
from tests.unit.inventory.folder import Folder

DATABASE = "{address: 10.0.3.100}"
DECLARED = "{nethygiene: {virtual_addresses: {database: {address: 10.0.3.100}}}}"


def group(inventory: Inventory, name: str) -> Group:
    return next(one for one in (inventory.everyone, *inventory.groups) if one.name == name)


def declared(fields: str) -> str:
    return f"""db:
  hosts: {{db-1: , db-2: }}
  vars:
    nethygiene:
      virtual_addresses:
{indent(fields, " " * 8)}
"""


def test_it_belongs_to_its_group_alone(folder: Folder) -> None:
    inventory = folder.load(
        f"""
        db:
          children:
            inner: {{hosts: {{db-1: , db-2: }}}}
          hosts: {{db-3: }}
          vars: {DECLARED}
        web: {{hosts: {{web-1: }}}}
        """
    )
    database = group(inventory, "db").policy.virtual_addresses["database"]
    assert (database.name, database.address) == ("database", ip_address("10.0.3.100"))
    assert (database.interface, database.bound_macs, database.vrrp) == (None, (), "any")
    assert group(inventory, "db").members == ("db-1", "db-2", "db-3")
    assert group(inventory, "inner").policy.plain() == {}
    assert group(inventory, "web").policy.plain() == {}
    assert {str(host.policy.plain()) for host in inventory.hosts} == {"{}"}


def test_all_is_a_group_too(folder: Folder) -> None:
    inventory = folder.load(f"all: {{hosts: {{a: , b: }}, vars: {DECLARED}}}", limit="a")
    assert list(inventory.everyone.policy.virtual_addresses) == ["database"]
    assert (inventory.everyone.members, inventory.everyone.left_out) == (("a",), ("b",))


def test_the_places_that_declare_a_group_are_merged(folder: Folder) -> None:
    folder.write(
        "group_vars/db.yaml",
        """
        nethygiene:
          virtual_addresses:
            database: {interface: eth1}
            gone:
        """,
    )
    inventory = folder.load(
        """
        all:
          children:
            db: {hosts: {db-1: }, vars: {nethygiene: {virtual_addresses: {
              database: {address: 10.0.3.100, interface: eth0}, gone: {address: 10.0.3.101}}}}}
            site:
              children:
                db: {vars: {nethygiene: {selinux: enforcing, virtual_addresses: {
                  queue: {address: 10.0.3.102}}}}}
        """
    )
    of_db = group(inventory, "db").policy.virtual_addresses
    assert set(of_db) == {"database", "queue"}
    assert of_db["database"].interface == "eth1"
    assert inventory.hosts[0].policy.plain() == {"selinux": "enforcing"}


def test_an_export_of_ansible_keeps_it(folder: Folder) -> None:
    inventory = folder.load(
        """
        {"db": {"hosts": ["db-1"], "vars": {"nethygiene":
          {"virtual_addresses": {"database": {"address": "10.0.3.100"}}}}},
         "_meta": {"hostvars": {}}}
        """,
        name="hosts.json",
    )
    assert list(group(inventory, "db").policy.virtual_addresses) == ["database"]


@pytest.mark.parametrize(
    "written",
    ["52:54:00:AB:34:56", "52-54-00-ab-34-56", "5254.00ab.3456"],
)
def test_macs_have_several_spellings(folder: Folder, written: str) -> None:
    inventory = folder.load(
        declared(f"database: {{address: 10.0.3.100, bound_macs: ['{written}']}}")
    )
    database = group(inventory, "db").policy.virtual_addresses["database"]
    assert database.bound_macs == ("52:54:00:ab:34:56",)


def test_declared_for_a_host_it_is_an_error(folder: Folder) -> None:
    problem = folder.problem(f"db: {{hosts: {{db-1: {DECLARED}}}}}\n")
    assert (problem.line, problem.message) == (
        1,
        "virtual_addresses belong to a group, not to a single host",
    )
    assert problem.path == "db.hosts.db-1.nethygiene.virtual_addresses"
    assert "under the `vars:` of the group whose hosts share the address" in problem.fix
    folder.write("host_vars/db-1.yaml", f"nethygiene:\n  virtual_addresses: {{x: {DATABASE}}}\n")
    problem = folder.problem("db: {hosts: {db-1: }}\n")
    assert (problem.file.rpartition("/")[2], problem.line) == ("db-1.yaml", 2)


def test_hosts_without_a_group_share_nothing(folder: Folder) -> None:
    problem = folder.problem(f"ungrouped: {{hosts: {{a: }}, vars: {DECLARED}}}\n")
    assert "ungrouped is no group" in problem.message
    assert "a group of their own" in problem.fix


@pytest.mark.parametrize(
    ("fields", "line", "path", "says", "fix"),
    [
        ("x: {address: 10.0.3.100/24}", 6, "x.address", "not an IP address", "without /prefix"),
        ("x: {address: db.example}", 6, "x.address", "not an IP address", "getent ahosts"),
        ("x: {address: 127.0.0.1}", 6, "x", "no address that members hand on", "of clients"),
        ("x: {address: 224.0.0.18}", 6, "x", "no address that members hand on", "of clients"),
        ("x: {address: '::'}", 6, "x", "no address that members hand on", "of clients"),
        ("x: {address: 'fe80::1'}", 6, "x", "another host on each link", "interface: NAME"),
        ("x:\n  interface: eth0", 6, "x", "`address` is missing", "add `address`"),
        (f"x: {DATABASE}\ny:\n", 7, "y", "nothing stands here", "write a value"),
        ("x: {address: 10.0.0.1, bound_macs: []}", 6, "x", "names no MAC", "remove the key"),
        (
            "x:\n  address: 10.0.0.1\n  bound_macs: [a, 52:54:00:12:34:56]",
            8,
            "x.bound_macs.1",
            "to base 60",
            "'52:54:00:12:34:56'",
        ),
        (
            "x: {address: 10.0.0.1, bound_macs: ['01:00:5e:00:00:12']}",
            6,
            "x.bound_macs.0",
            "no MAC of one interface",
            "ip link",
        ),
        (
            "x: {address: 10.0.0.1, vrrp: broadcast}",
            6,
            "x.vrrp",
            "none of the choices",
            "unicast, multicast or any",
        ),
        ("x: {address: 10.0.0.1, mac: x}", 6, "x.mac", "unknown key 'mac'", "bound_macs"),
        ("x: {address: '{{ vip }}'}", 6, "x.address", "a Jinja template", "write the value out"),
        ("x: !vault |\n  $ANSIBLE_VAULT\n", 6, "x", "Vault", "in the clear"),
        ("a b: {address: 10.0.0.1}", 6, "a b", "not a name", "letters, digits"),
    ],
)
def test_mistakes_are_named_with_line_and_cure(
    folder: Folder, fields: str, line: int, path: str, says: str, fix: str
) -> None:
    problems = folder.problems(declared(fields))
    found = next(one for one in problems if says in one.message)
    assert (found.line, found.path) == (line, f"db.vars.nethygiene.virtual_addresses.{path}")
    assert fix in found.fix


def test_a_misspelt_key_is_recognized(folder: Folder) -> None:
    problem = folder.problem(
        "db: {hosts: {a: }, vars: {nethygiene: {virtual_adresses: {x: {address: 10.0.0.1}}}}}\n"
    )
    assert "did you mean 'virtual_addresses'?" in problem.fix


def test_it_is_no_mapping(folder: Folder) -> None:
    problem = folder.problem(
        "db: {hosts: {a: }, vars: {nethygiene: {virtual_addresses: [10.0.0.1]}}}\n"
    )
    assert problem.path == "db.vars.nethygiene.virtual_addresses"
    assert "a list, not a mapping" in problem.message


def test_it_survives_the_round_trip(folder: Folder) -> None:
    inventory = folder.load(declared("x: {address: 'fd00::1', interface: eth0, vrrp: unicast}"))
    policy = group(inventory, "db").policy
    again = group_policy_from_plain(policy.plain())
    assert again == policy
    assert again.virtual_addresses["x"].name == "x"
    assert not again.virtual_addresses["x"].declares("bound_macs")
    with pytest.raises(UsageError, match="did you mean 'interface'"):
        group_policy_from_plain({"virtual_addresses": {"x": {"address": "fd00::1", "interfce": 1}}})


def test_the_hash_of_the_policy_knows_it(folder: Folder) -> None:
    hashes = {
        folder.load(declared(f"x: {{address: {address}}}")).policy_sha256
        for address in ("10.0.0.1", "10.0.0.2")
    }
    assert len(hashes) == 2

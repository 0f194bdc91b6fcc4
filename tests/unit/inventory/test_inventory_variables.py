"""Precedence of variables, and the deep merge of policies."""

from __future__ import annotations

import pytest

from nethygiene.inventory.model import Inventory
from tests.unit.inventory.folder import Folder


def somaxconn(inventory: Inventory) -> dict[str, int | None]:
    return {host.name: host.policy.min_somaxconn for host in inventory.hosts}


def test_depth_wins_then_priority_then_name_then_the_host(folder: Folder) -> None:
    inventory = folder.load("""
        all:
          vars: {nethygiene: {min_somaxconn: 1}}
          hosts: {in-none: }
          children:
            outer:
              vars: {ansible_group_priority: 99, nethygiene: {min_somaxconn: 2}}
              hosts: {in-outer: }
              children:
                inner:
                  vars: {nethygiene: {min_somaxconn: 3}}
                  hosts: {in-inner: , in-both: , in-two: , own: {nethygiene: {min_somaxconn: 9}}}
            zoo: {vars: {nethygiene: {min_somaxconn: 4}}, hosts: {in-both: , in-names: , ranked: }}
            ape: {vars: {nethygiene: {min_somaxconn: 5}}, hosts: {in-names: }}
            bee:
              vars: {ansible_group_priority: 7, nethygiene: {min_somaxconn: 6}}
              hosts: {ranked: }
        """)
    assert somaxconn(inventory) == {
        "in-none": 1, "in-outer": 2, "in-inner": 3, "in-both": 3, "in-two": 3, "own": 9,
        "in-names": 4, "ranked": 6,
    }  # fmt: skip


def test_files_win_over_inline_and_hosts_over_groups(folder: Folder) -> None:
    folder.write("group_vars/all.yml", "nethygiene: {min_somaxconn: 20, log_window: 20}")
    folder.write("group_vars/web/10-base.yaml", "nethygiene: {log_window: 30}")
    folder.write("group_vars/web/20-more.yml", "nethygiene: {log_window: 31, min_file_max: 31}")
    folder.write("group_vars/web/.hidden.yml", "nethygiene: {default_interface: hidden}")
    folder.write("group_vars/web/notes.txt", "not: [yaml")
    folder.write("host_vars/own.json", '{"nethygiene": {"log_window": 50}}')
    inventory = folder.load("""
        all:
          vars: {nethygiene: {min_somaxconn: 1}}
          children:
            web:
              vars: {nethygiene: {min_somaxconn: 2, log_window: 2, min_file_max: 2}}
              hosts: {plain: , own: {nethygiene: {log_window: 40, min_somaxconn: 40}}}
        """)
    plain, own = (host.policy for host in inventory.hosts)
    # group_vars/all wins over the inline variables of every group, as in Ansible.
    assert (plain.min_somaxconn, plain.log_window, plain.min_file_max) == (20, 31, 31)
    assert not plain.declares("default_interface")
    assert (own.min_somaxconn, own.log_window, own.min_file_max) == (40, 50, 31)


@pytest.mark.parametrize("name", ["web", "web.yml", "web.yaml", "web.json", "web/x.yml", "web/x/y"])
def test_every_name_of_a_variables_file(folder: Folder, name: str) -> None:
    folder.write(f"group_vars/{name}", '{"ansible_user": "found"}')
    (host,) = folder.load("web: {hosts: {a: }}").hosts
    assert host.target.user == "found"


def test_of_two_names_the_first_is_read_and_the_other_warned_of(folder: Folder) -> None:
    folder.write("group_vars/web.yml", "ansible_user: yml")
    folder.write("group_vars/web.yaml", "ansible_user: yaml")
    inventory = folder.load("web: {hosts: {a: }}")
    assert inventory.hosts[0].target.user == "yml"
    assert "web.yaml beside it is not" in inventory.warnings[0]


def test_a_file_named_nearly_like_a_group_is_warned_of(folder: Folder) -> None:
    folder.write("group_vars/webs.yml", "ansible_user: lost")
    folder.write("group_vars/other.yml", "ansible_user: of another inventory")
    (warning,) = folder.load("web: {hosts: {a: }}").warnings
    assert "webs.yml is not read" in warning
    assert "did you mean 'web'?" in warning


def test_priority_in_group_vars_has_no_effect_and_is_warned_of(folder: Folder) -> None:
    folder.write("group_vars/ape.yml", "ansible_group_priority: 9\nansible_user: ape")
    inventory = folder.load("{ape: {hosts: {a: }}, zoo: {vars: {}, hosts: {a: }}}")
    (warning,) = inventory.warnings
    assert "group_vars/ape.yml:1: ansible_group_priority has no effect" in warning


def test_variables_of_ungrouped(folder: Folder) -> None:
    inventory = folder.load("""
        ungrouped: {vars: {ansible_user: lone}, hosts: {b: , c: }}
        all: {hosts: {a: }, vars: {ansible_user: any}, children: {web: {hosts: {c: }}}}
        """)
    users = {host.name: host.target.user for host in inventory.hosts}
    assert users == {"a": "lone", "b": "lone", "c": "any"}


def test_the_hash_sees_the_names_of_files(folder: Folder) -> None:
    folder.write("group_vars/all.yml", "x: 1")
    first = folder.load("all: {hosts: {a: }}")
    (folder.path / "group_vars/all.yml").rename(folder.path / "group_vars/all.yaml")
    assert folder.load("all: {hosts: {a: }}").sha256 != first.sha256


def test_an_encrypted_variables_file_is_warned_of(folder: Folder) -> None:
    folder.write("group_vars/all/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n6135\n")
    (warning,) = folder.load("all: {hosts: {a: }}").warnings
    assert "vault.yml is encrypted" in warning
    assert "ansible-inventory -i" in warning


def test_mappings_merge_lists_and_values_replace(folder: Folder) -> None:
    inventory = folder.load("""
        web:
          vars:
            nethygiene:
              services:
                shop: {port: 443, backlog: 100, allow_from: [10.0.0.0/8, 192.0.2.1]}
                api: {port: 8443}
          hosts:
            a: {nethygiene: {services: {shop: {backlog: 200, allow_from: [any]}, new: {port: 1}}}}
            b:
        """)
    a, b = (host.policy for host in inventory.hosts)
    assert sorted(a.services) == ["api", "new", "shop"]
    shop = a.services["shop"]
    assert (shop.port, shop.backlog, shop.allow_from) == (443, 200, ("any",))
    assert b.services["shop"].backlog == 100


def test_null_takes_back_an_item_or_a_field_but_an_empty_section_nothing(folder: Folder) -> None:
    inventory = folder.load("""
        web:
          vars:
            nethygiene:
              min_somaxconn: 5
              services: {shop: {port: 443, backlog: 100}, api: {port: 1}}
          hosts:
            a: {nethygiene: {min_somaxconn: null, services: {shop: {backlog: null}, api: null}}}
            b: {nethygiene: {services: , limits: }}
            c: {nethygiene: }
        """)
    a, b, c = (host.policy for host in inventory.hosts)
    assert (list(a.services), a.services["shop"].backlog) == (["shop"], None)
    assert not a.services["shop"].declares("backlog")
    assert not a.declares("min_somaxconn")
    assert list(b.services) == ["shop", "api"]
    assert c.plain() == b.plain()


def test_null_with_nothing_to_take_back_is_a_forgotten_value(folder: Folder) -> None:
    problem = folder.problem("""
        all:
          hosts: {a: }
          vars:
            nethygiene:
              blocked_ports:
                3306:
        """)
    assert problem.line == 6
    assert problem.path == "all.vars.nethygiene.blocked_ports.3306"
    assert "{} for an item that has no fields" in problem.fix


def test_a_lower_null_is_overridden(folder: Folder) -> None:
    inventory = folder.load("""
        all: {vars: {nethygiene: {services: , min_somaxconn: null}}}
        web: {hosts: {a: }, vars: {nethygiene: {services: {s: {port: 1}}, min_somaxconn: 3}}}
        """)
    assert inventory.hosts[0].policy.services["s"].port == 1
    assert somaxconn(inventory) == {"a": 3}


def test_an_error_names_the_layer_that_the_value_came_from(folder: Folder) -> None:
    folder.write(
        "group_vars/web.yml", "---\nnethygiene:\n  services:\n    shop:\n      backlog: many\n"
    )
    folder.write("host_vars/a.yml", "nethygiene:\n  services:\n    shop:\n      adress: any\n")
    problems = folder.problems("""
        web:
          vars:
            nethygiene:
              services:
                shop: {port: 0}
          hosts: {a: }
        """)
    base = folder.path
    assert [(problem.file, problem.line, problem.path) for problem in problems] == [
        (f"{base}/hosts.yaml", 5, "web.vars.nethygiene.services.shop.port"),
        (f"{base}/group_vars/web.yml", 5, "nethygiene.services.shop.backlog"),
        (f"{base}/host_vars/a.yml", 4, "nethygiene.services.shop.adress"),
    ]


def test_what_many_hosts_inherit_is_told_once(folder: Folder) -> None:
    problem = folder.problem("""
        web:
          vars: {nethygiene: {selinux: enforce}}
          hosts: {"a[1:50]": {nethygiene: {log_window: 5}}, b: }
        """)
    assert "did you mean 'enforcing'?" in problem.fix


def test_hosts_of_the_same_groups_share_a_policy(folder: Folder) -> None:
    inventory = folder.load("""
        web: {vars: {nethygiene: {log_window: 5}}, hosts: {"a[1:3]": {ansible_port: 1}}}
        """)
    assert len({id(host.policy) for host in inventory.hosts}) == 1


def test_hashes_follow_content_and_policy(folder: Folder) -> None:
    first = folder.load("all: {hosts: {a: {nethygiene: {log_window: 5}}}}")
    moved = folder.load("# comment\nall: {hosts: {a: {nethygiene: {log_window: 5}}}}")
    changed = folder.load("all: {hosts: {a: {nethygiene: {log_window: 6}}}}")
    assert first.sha256 != moved.sha256
    assert first.policy_sha256 == moved.policy_sha256 != changed.policy_sha256
    folder.write("host_vars/a.yml", "unrelated: 1")
    more = folder.load("# comment\nall: {hosts: {a: {nethygiene: {log_window: 5}}}}")
    assert more.sha256 not in {first.sha256, moved.sha256}

"""Ansible's YAML layout: groups, children, ranges, and where hosts are declared."""

from __future__ import annotations

import pytest

from nethygiene.inventory.ranges import expand, split_port
from tests.unit.inventory.folder import Folder

NESTED = """
    all:
      hosts:
        alone:
      children:
        web:
          hosts:
            web-1:
            web-2: {ansible_host: 10.0.0.12}
        prod:
          children:
            web:
            db:
              hosts: {db-1: , web-1: }
    extra:
      hosts: single-host
    """


def test_hosts_in_the_order_of_the_file_with_all_their_groups(folder: Folder) -> None:
    inventory = folder.load(NESTED)
    assert [(host.name, host.groups) for host in inventory.hosts] == [
        ("alone", ()),
        ("web-1", ("db", "prod", "web")),
        ("web-2", ("prod", "web")),
        ("db-1", ("db", "prod")),
        ("single-host", ("extra",)),
    ]


def test_a_host_names_the_line_that_declares_it_first(folder: Folder) -> None:
    inventory = folder.load(NESTED)
    assert {host.name: host.line for host in inventory.hosts}["web-1"] == 7
    assert {host.file for host in inventory.hosts} == {str(folder.path / "hosts.yaml")}


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("web[01:03]", ["web01", "web02", "web03"]),
        ("web[9:11].example", ["web9.example", "web10.example", "web11.example"]),
        ("db-[a:e:2]", ["db-a", "db-c", "db-e"]),
        ("n[1:9:4]", ["n1", "n5", "n9"]),
        ("n[:2]", ["n0", "n1", "n2"]),
        ("r[1:2]-[a:b]", ["r1-a", "r1-b", "r2-a", "r2-b"]),
        ("plain", ["plain"]),
    ],
)
def test_ranges(pattern: str, names: list[str]) -> None:
    assert expand(pattern) == names


@pytest.mark.parametrize(
    "pattern", ["w[1]", "w[1:]", "w[3:1]", "w[01:100]", "w[a:3]", "w[1:5:0]", "w[1:999999999]",
                "a[1:999]b[1:999]", "w[-1:3]", "w[x:yy]", "w[1:2:3:4]"],
)  # fmt: skip
def test_bad_ranges_are_told_with_their_line(folder: Folder, pattern: str) -> None:
    problem = folder.problem(f"all:\n  hosts:\n    ok:\n    {pattern!r}:\n")
    assert problem.line == 4
    assert problem.message.startswith(f"bad host range {pattern!r}")


@pytest.mark.parametrize(
    ("pattern", "split"),
    [
        ("web:2222", ("web", 2222)),
        ("web[1:3]:2222", ("web[1:3]", 2222)),
        ("[2001:db8::1]:22", ("2001:db8::1", 22)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("web[1:3]", ("web[1:3]", None)),
    ],
)
def test_ports_of_host_patterns(pattern: str, split: tuple[str, int | None]) -> None:
    assert split_port(pattern) == split


def test_a_port_in_the_name_wins_over_the_groups_and_yields_to_the_hosts_own(
    folder: Folder,
) -> None:
    inventory = folder.load("""
        all:
          vars: {ansible_port: 22}
          hosts:
            a:2201:
            b:2202: {ansible_port: 2203}
            c:
            2001:db8::1:
        """)
    assert [(host.name, host.target.port) for host in inventory.hosts] == [
        ("a", 2201), ("b", 2203), ("c", 22), ("2001:db8::1", 22)
    ]  # fmt: skip


def test_a_group_may_be_written_in_several_places(folder: Folder) -> None:
    inventory = folder.load("""
        web: {vars: {ansible_user: first, ansible_port: 1}}
        all: {children: {web: {vars: {ansible_user: second}, hosts: {a: }}}}
        """)
    (host,) = inventory.hosts
    assert (host.target.user, host.target.port) == ("second", 1)


def test_merge_keys_and_anchors(folder: Folder) -> None:
    inventory = folder.load("""
        all:
          hosts:
            a: &base {ansible_user: x, ansible_port: 1}
            b: {<<: *base, ansible_port: 2}
            c: {<<: [{ansible_port: 3}, *base]}
        """)
    assert [(host.target.user, host.target.port) for host in inventory.hosts] == [
        ("x", 1), ("x", 2), ("x", 3)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["a;b", "a b", "a|b", "$(id)", "a`id`", "-oProxyCommand=x", "a\nb", "a\x07b", "a/../b",
             "a'b", "../../etc/passwd", "a&b", "a>b", "é b", ""],
)  # fmt: skip
def test_unsafe_host_names_are_refused(folder: Folder, name: str) -> None:
    quoted = name.encode("unicode_escape").decode().replace('"', r"\"")
    problem = folder.problem(f'all:\n  hosts:\n    ok:\n    "{quoted}":\n')
    assert problem.line == 4
    assert "is not safe to use" in problem.message
    assert "\n" not in problem.message
    assert "\x07" not in str(problem)


@pytest.mark.parametrize("name", ["a b", "a;b", "-x", "!x", "a,b", "a\\tb", ""])
def test_unsafe_group_names_are_refused(folder: Folder, name: str) -> None:
    problem = folder.problem(f'all:\n  children:\n    "{name}": {{hosts: {{h: }}}}\n')
    assert (problem.line, "group name" in problem.message) == (3, True)


def test_a_name_that_is_no_address_needs_ansible_host(folder: Folder) -> None:
    problem = folder.problem("all: {hosts: {büro: }}")
    assert "add ansible_host" in problem.fix
    (host,) = folder.load("all: {hosts: {büro: {ansible_host: 10.0.0.1}}}").hosts
    assert (host.name, host.target.address) == ("büro", "10.0.0.1")

"""Bad input ends in one clear message with place and cure, never in another exception."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nethygiene.errors import InventoryError
from nethygiene.inventory.load import load_inventory
from tests.unit.inventory.folder import Folder


def bomb() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines) + "\n"


def nested(levels: int) -> str:
    return "all: " + "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("text", "line", "message", "fix"),
    [
        ("", None, "the inventory is empty", "begin with `all:`"),
        ("# nothing\n", None, "the inventory is empty", "begin with `all:`"),
        ("---\n", None, "the inventory is empty", "begin with `all:`"),
        ("- hosts: all\n  tasks: []\n", 1, "not a list", "playbook"),
        ("just words\n", 1, "not a string", "begin with `all:`"),
        ("all:\n\thosts:\n", 2, "a tab in the indentation", "indent with spaces"),
        ("all:\n  hosts:\n    a:\n \t b:\n", 4, "a tab in the indentation", "indent with spaces"),
        ("all:\n  hosts:\n    a: {}\n    a:\n", 4, "'a', first written on line 3", "one of them"),
        ("all: {hosts: {a: }\n", None, "not valid YAML", "a bracket"),
        ("all:\n  hosts:\n    a: {other: {{ x }}}\n", 3, "cannot be a mapping", "quoted"),
        ("all:\n  hosts: {a: @x}\n", 2, "'@' cannot begin a value", "quotes"),
        ("all: *nowhere\n", 1, "alias *nowhere has no anchor", "write &nowhere"),
        ("all: &a {hosts: *a}\n", 1, "stands inside what it names", "break the circle"),
        ("all: {hosts: {a: }}\n---\nall: {}\n", 2, "a second YAML document", "remove the `---`"),
        ("? [a, b]\n: 1\n", 1, "a key cannot be a list", "plain key"),
        ("all: {hosts: {a: {x: 2027-02-31}}}\n", 1, "'2027-02-31' is no valid timestamp", "quote"),
        ("all: {hosts: {a: {x: 0b_}}}\n", 1, "is no valid int", "quote"),
        ("all:\n  hosts: {12: }\n", 2, "host name 12 is not a string", '"12"'),
        ("12: {}\n", 1, "group name 12 is no string", "quotes"),
        ("all: 5\n", 1, "group 'all' is an integer", "a mapping of vars"),
        ("all:\n  hosts: [a, b]\n", 2, "`hosts` has to be a mapping, not a list", "colon"),
        ("all:\n  vars: [a]\n", 2, "`vars` has to be a mapping", "name: value"),
        ("all:\n  host: {a: }\n", 2, "unknown key 'host' in a group", "did you mean `hosts`?"),
        ("hosts: {a: }\n", 1, "`hosts` at the top level", "under `all:`"),
        ("all:\n  hosts: {a: 5}\n", 2, "the variables of host 'a' are an integer", "mapping"),
        ("all: {children: {a: {children: {b: {children: {a: }}}}}}\n", 1, "groups in a circle", ""),
        ("all: {children: {all: }}\n", 1, "all > all", "descendant"),
        ("all: {children: {a: }}\n", None, "has no hosts", "add one"),
        ("plugin: amazon.aws.aws_ec2\n", 1, "inventory plugin", "ansible-inventory -i"),
        ("[web]\na ansible_host=1.2.3.4\n", 1, "INI inventory", "ansible-inventory -i"),
        ("web1 ansible_host=1.2.3.4\n", 1, "INI inventory", "ansible-inventory -i"),
        ("$ANSIBLE_VAULT;1.1;AES256\n61\n", 1, "encrypted", "ansible-inventory -i"),
        (nested(101), 1, "nested deeper than 100 levels", "indentation"),
        (nested(1_001), 1, "nested deeper than 100 levels", "indentation"),
        (nested(100_000), 1, "nested deeper than 100 levels", "indentation"),
        ("- " * 100_000, 1, "nested deeper than 100 levels", "indentation"),
        (bomb(), 6, "aliases of this file", "write the values out"),
        ("all: {hosts: {a: {nethygiene: [1]}}}\n", 1, "a policy has to be a mapping", "key: value"),
        ("all: {hosts: {a: }, vars: {ansible_group_priority: x}}\n", 1, "not an integer", "whole"),
        ("\x00", 1, "a character that YAML does not allow", "remove it"),
        ("a:\n  b: \x07\n", 2, "a character that YAML does not allow", "remove it"),
        ("all: {<<: 3, hosts: {a: }}\n", 1, "<< takes a mapping", ""),
        ("all: !!python/object:os.system {}\n", 1, "a value tagged", "a mapping of vars"),
        ("!x {all: {hosts: {a: }}}\n", 1, "tagged", ""),
        ("%YAML 3.0\n---\na: 1\n", 1, "not valid YAML", ""),
        ("a" * 2000 + ": {hosts: {b: }}\n", 1, "not valid YAML", ""),
    ],
)  # fmt: skip
def test_bad_yaml(folder: Folder, text: str, line: int | None, message: str, fix: str) -> None:
    problem = folder.problem(text)
    assert problem.file == str(folder.path / "hosts.yaml")
    assert message in problem.message
    assert fix in problem.fix
    assert problem.fix
    if line is not None:
        assert problem.line == line


def test_all_problems_are_told_at_once_in_the_order_of_the_file(folder: Folder) -> None:
    problems = folder.problems("""
        all:
          hosts:
            a: {ansible_port: x}
            a: {}
            b c:
          vars:
            nethygiene: {tw_reuse: off, nope: 1}
        loop: {children: {loop: }}
        """)
    assert [problem.line for problem in problems] == [3, 4, 5, 7, 7, 8]
    assert "YAML read `off` as the boolean false" in {problem.message for problem in problems}


def test_a_missing_file_and_a_directory(folder: Folder) -> None:
    missing = folder.problem(name="nowhere.yaml")
    assert (missing.message, missing.line) == ("there is no such file", None)
    (folder.path / "dir.yaml").mkdir()
    assert "--list --export" in folder.problem(name="dir.yaml").fix


def test_no_regular_file(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe.yaml")
    assert folder.problem(name="pipe.yaml").message == "this is not a regular file"


def test_a_script_that_is_not_executable(folder: Folder) -> None:
    problem = folder.problem("#!/bin/sh\necho '{}'\n", name="cloud.sh")
    assert "chmod +x" in problem.fix


def test_not_utf8(folder: Folder) -> None:
    (folder.path / "hosts.yaml").write_bytes(b"all:\n  hosts:\n    \xff: 1\n")
    problem = folder.problem()
    assert (problem.line, problem.message) == (3, "not UTF-8: byte 0xff at offset 18")


def test_a_byte_order_mark_is_no_problem(folder: Folder) -> None:
    (folder.path / "hosts.yaml").write_bytes(b"\xef\xbb\xbfall: {hosts: {a: }}\n")
    assert len(load_inventory(folder.path / "hosts.yaml").hosts) == 1


def test_bad_files_of_variables_are_told_together(folder: Folder) -> None:
    folder.write("group_vars/all.yml", "- a list\n")
    folder.write("group_vars/web.yml", "a: [\n")
    (folder.path / "host_vars").mkdir()
    (folder.path / "host_vars/a.yml").write_bytes(b"\xff")
    (folder.path / "host_vars/b.yml").symlink_to("nowhere")
    (folder.path / "host_vars/c").symlink_to("c")
    problems = folder.problems("web: {hosts: {a: , b: , c: , ok: }}")
    names = [Path(problem.file).name for problem in problems]
    assert names == ["all.yml", "web.yml", "a.yml", "b.yml", "c"]


@pytest.mark.skipif(os.geteuid() != 0, reason="root reads all; it drops to nobody for this")
def test_unreadable_files_as_an_unprivileged_user(folder: Folder) -> None:
    inventory = folder.write("hosts.yaml", "all: {hosts: {a: }}")
    secret = folder.write("group_vars/all.yml", "x: 1")
    # pytest's own folders are closed to others: stand where nobody may stand.
    program = (
        "import os, sys\n"
        "from nethygiene.errors import InventoryError\n"
        "from nethygiene.inventory.load import load_inventory\n"
        "os.chdir(sys.argv[1])\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for name in sys.argv[2:]:\n"
        "    try: load_inventory(name)\n"
        "    except InventoryError as error: print(error)\n"
    )
    folder.path.chmod(0o755)
    source = Path(__file__).parents[3] / "src"
    command = [sys.executable, "-c", program, str(folder.path), "hosts.yaml"]
    for path, expected in (
        (secret, "group_vars/all.yml: permission denied"),
        (secret.parent, "group_vars: the directory cannot be read"),
        (inventory, "hosts.yaml: permission denied"),
    ):
        mode = path.stat().st_mode
        path.chmod(0)
        run = subprocess.run(
            command, env={"PYTHONPATH": str(source)}, capture_output=True, text=True, check=False
        )
        path.chmod(mode)
        assert run.stderr == ""
        assert expected in run.stdout


def test_the_error_reads_as_place_message_and_fix(folder: Folder) -> None:
    path = folder.write("hosts.yaml", "all:\n  hosts: {a: {nethygiene: {selinx: any}}}\n")
    with pytest.raises(InventoryError) as caught:
        load_inventory(path)
    assert str(caught.value).startswith(
        f"{path}:2: unknown key 'selinx' at all.hosts.a.nethygiene.selinx\n"
        "    fix: did you mean 'selinux'? the keys here are "
    )


@pytest.mark.parametrize(
    "name", ["nethygine", "nethygien", "net_hygiene", "net-hygiene", "NetHygiene", "netyhgiene"]
)
@pytest.mark.parametrize("where", ["vars", "host", "group_vars", "host_vars"])
def test_a_policy_under_a_misspelt_name_is_not_passed_over(
    folder: Folder, name: str, where: str
) -> None:
    policy = f"{name}: {{min_somaxconn: 5}}"
    file = f"{where}/{'all' if where == 'group_vars' else 'a'}.yml"
    if where in {"group_vars", "host_vars"}:
        folder.write(file, f"{policy}\n")
    shared = policy if where == "vars" else ""
    own = policy if where == "host" else ""
    path = folder.write("hosts.yaml", f"all: {{vars: {{{shared}}}, hosts: {{a: {{{own}}}}}}}\n")
    with pytest.raises(InventoryError, match="did you mean 'nethygiene'") as caught:
        load_inventory(path)
    assert f"1: unknown variable '{name}'" in str(caught.value)


def test_variables_of_others_are_no_misspelt_policy(folder: Folder) -> None:
    others = ("hygiene", "netplan", "networking", "ethernets", "engine", "nagios_gen")
    text = ", ".join(f"{name}: 1" for name in others)
    assert folder.load(f"all: {{vars: {{{text}}}, hosts: {{a: }}}}\n").hosts

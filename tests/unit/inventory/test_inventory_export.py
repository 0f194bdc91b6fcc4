"""JSON as ``ansible-inventory --list --export`` prints it, from a file or from a program."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from nethygiene.inventory import executable
from tests.unit.inventory.folder import Folder

EXPORT = {
    "_meta": {"hostvars": {"web1": {"ansible_host": "10.0.0.1", "nethygiene": {"log_window": 3}}}},
    "all": {"children": ["ungrouped", "web", "prod"], "vars": {"nethygiene": {"min_somaxconn": 1}}},
    "prod": {"children": ["web"], "vars": {"nethygiene": {"min_somaxconn": 2}}},
    "web": {
        "hosts": ["web1", "web2"],
        "vars": {"nethygiene": {"blocked_ports": {"3306": {}}, "services": {"s": {"port": 1}}}},
    },
    "ungrouped": {"hosts": ["lone"]},
}

PROGRAM = """
    #!/bin/sh
    test "$1" = --list || exit 3
    cat <<'END'
    {}
    END
    """


def test_an_exported_file(folder: Folder) -> None:
    inventory = folder.load(json.dumps(EXPORT, indent=1), name="inventory.json")
    hosts = {host.name: host for host in inventory.hosts}
    assert list(hosts) == ["web1", "web2", "lone"]
    assert hosts["web1"].groups == ("prod", "web")
    assert hosts["web1"].target.address == "10.0.0.1"
    policy = hosts["web1"].policy
    assert (policy.log_window, policy.min_somaxconn, list(policy.blocked_ports)) == (3, 2, [3306])
    assert hosts["lone"].policy.min_somaxconn == 1
    assert {host.line for host in hosts.values()} == {None}


def test_variables_files_beside_an_export(folder: Folder) -> None:
    folder.write("host_vars/web2.yml", "nethygiene: {log_window: 9}")
    inventory = folder.load(json.dumps(EXPORT), name="inventory.json")
    assert inventory.hosts[1].policy.log_window == 9


def test_the_yaml_layout_written_as_json(folder: Folder) -> None:
    (host,) = folder.load('{"all": {"hosts": {"a": {"ansible_port": 3}}}}', name="x.json").hosts
    assert host.target.port == 3


def test_flow_style_yaml_that_begins_like_json(folder: Folder) -> None:
    (host,) = folder.load("{all: {hosts: {a: {ansible_port: 3}}}}").hosts
    assert host.target.port == 3


def test_surrogate_pairs_unsafe_strings_and_tabs(folder: Folder) -> None:
    text = (
        r'{"all": {"hosts": {"a": {"note": "\ud83d\ude00",'
        '\n\t"ansible_user": {"__ansible_unsafe": "audit"}}}}}'
    )
    (host,) = folder.load(text, name="x.json").hosts
    assert host.target.user == "audit"


def test_an_unsafe_string_of_an_export_is_no_template(folder: Folder) -> None:
    waiver = {"rule": "x", "until": "2030-01-01", "owner": "o"}
    waivers = {"w": {**waiver, "reason": {"__ansible_unsafe": "{{ plain }}"}}}
    data = {"web": {"hosts": ["a"], "vars": {"nethygiene": {"waivers": waivers}}}}
    (host,) = folder.load(json.dumps(data), name="x.json").hosts
    assert host.policy.waivers["w"].reason == "{{ plain }}"


def test_the_flattened_form_is_refused(folder: Folder) -> None:
    flat = {
        "_meta": {"hostvars": {"a": {"nethygiene": {"log_window": 3}}, "b": {}}},
        "all": {"children": ["web"]},
        "web": {"hosts": ["a", "b"]},
    }
    problem = folder.problem(json.dumps(flat), name="inventory.json")
    assert "flattened" in problem.message
    assert "ansible-inventory --list --export" in problem.fix
    flat["all"] = {"children": ["web"], "vars": {}}
    assert len(folder.load(json.dumps(flat), name="inventory.json").hosts) == 2


def test_hostvars_of_a_host_in_no_group_are_warned_of(folder: Folder) -> None:
    text = json.dumps({"_meta": {"hostvars": {"ghost": {"x": 1}}}, "web": ["a"]})
    inventory = folder.load(text, name="inventory.json")
    assert [host.name for host in inventory.hosts] == ["a"]
    assert "'ghost'" in inventory.warnings[0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('{"web": {"hosts": ["a b"]}}', "host name 'a b' is not safe"),
        ('{"web": {"hosts": [1]}}', "a host name cannot be an integer"),
        ('{"web": {"hosts": ["a"], "children": "x"}}', "has to be a list, not a string"),
        ('{"web": {"hosts": ["a"], "vars": [1]}}', "has to be a mapping, not a list"),
        ('{"web": {"hosts": ["a"], "var": {}}}', "unknown key 'var'"),
        ('{"web": ["a"], "db": 3}', "group 'db' is an integer"),
        ('{"web": ["a"], "_meta": 3}', "has to be a mapping, not an integer"),
        ('{"web": ["a"], "_meta": {"hostvars": [1]}}', "has to be a mapping, not a list"),
        ('{"web": ["a"], "_meta": {"hostvars": {"a": 1}}}', "cannot be an integer"),
        ('{"web": ["a"], "web": ["b"]}', "duplicate key 'web'"),
        ('{"web": ["a"],}', "not valid JSON"),
        ('{"web": ["a"]} x', "Extra data"),
        ('{"web": ["a"', "not valid JSON"),
        ('{"a": ' + "[" * 5000, "nested deeper than 100 levels"),
        ('{"a": ' + "[" * 101 + "]" * 101 + "}", "nested deeper than 100 levels"),
        ('{"a":' * 101 + "1" + "}" * 101, "nested deeper than 100 levels"),
        ("{" + "[" * 1_100, "not valid JSON"),
        ('{"a": 1, ' + '{"b":' * 5_000, "not valid JSON"),
        ("{1: 2}", "property name enclosed in double quotes"),
        ('{"\\ud800": 1}', "half of a surrogate pair"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ('{"a": ' + "9" * 5000 + "}", "too many digits"),
        ('["a"]', "an inventory has to be a mapping, not a list"),
        ('{"a": {"hosts": ["x"], "children": ["b"]}, "b": {"children": ["a"]}}', "circle"),
        ('{"_meta": {"hostvars": {}}}', "has no hosts"),
    ],
)
def test_bad_exports(folder: Folder, data: str, message: str) -> None:
    assert message in folder.problem(data, name="inventory.json").message


def test_a_vault_value_in_an_export(folder: Folder) -> None:
    text = '{"web": {"hosts": ["a"], "vars": {"ansible_user": {"__ansible_vault": "x"}}}}'
    assert "Ansible Vault" in folder.problem(text, name="inventory.json").message


def test_a_program(folder: Folder) -> None:
    path = folder.program("cloud", PROGRAM.replace("{}", json.dumps(EXPORT)))
    inventory = folder.load(path.read_text(), name="cloud")
    assert [host.name for host in inventory.hosts] == ["web1", "web2", "lone"]
    assert {(host.file, host.line) for host in inventory.hosts} == {(str(path), None)}


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("#!/bin/sh\necho oops >&2; exit 3\n", "ended with status 3: 'oops'"),
        ("#!/bin/sh\nexit 1\n", "status 1 and said nothing"),
        ("#!/bin/sh\nkill -9 $$\n", "ended with status -9"),
        ("#!/bin/sh\necho hello\n", "not valid JSON"),
        ("#!/bin/sh\n", "printed nothing"),
        ("#!/bin/sh\nprintf '\\377'\n", "not UTF-8"),
        ("#!/bin/sh\necho '[]'\n", "has to be a mapping"),
        ('#!/bin/sh\necho \'{"web": {"hosts": ["a"]}}\'\n', "no _meta.hostvars"),
        ("#!/no/such/interpreter\n", "cannot be started"),
        ("no first line\n", "cannot be started"),
    ],
)
def test_programs_that_fail(folder: Folder, script: str, message: str) -> None:
    folder.program("cloud", script)
    problem = folder.problem(name="cloud")
    assert message in problem.message
    assert problem.line is None
    assert problem.fix


@pytest.mark.slow
def test_a_program_past_its_deadline_is_ended_with_its_children(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.program("cloud", "#!/bin/sh\nsleep 300 & echo $! > child\nwait\n")
    monkeypatch.chdir(folder.path)
    started = time.monotonic()
    with pytest.raises(executable.ProgramError, match=r"not done after 3 seconds"):
        executable.run_inventory_program(path, deadline_seconds=3.0)
    assert time.monotonic() - started < 60
    child = int((folder.path / "child").read_text())
    assert not _is_alive(child)


def test_a_flood_is_cut(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executable, "MAX_OUTPUT_BYTES", 1 << 20)
    path = folder.program("cloud", "#!/bin/sh\nexec cat /dev/zero\n")
    with pytest.raises(executable.ProgramError, match="more than 1 MiB"):
        executable.run_inventory_program(path)


def _is_alive(pid: int) -> bool:
    for _ in range(3000):
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return False
        if state == "Z":
            return False
        time.sleep(0.02)
    return True


def test_an_executable_yaml_file_is_data(folder: Folder) -> None:
    path = folder.write("hosts.yaml", "all: {hosts: {a: }}")
    path.chmod(0o755)
    assert len(folder.load(path.read_text()).hosts) == 1

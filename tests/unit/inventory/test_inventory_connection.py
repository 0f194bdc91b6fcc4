"""Ansible's connection variables to a target."""

from __future__ import annotations

from pathlib import Path

import pytest

from nethygiene.errors import Problem
from nethygiene.inventory.target import Target
from tests.unit.inventory.folder import Folder

KEY = "SHA256:" + "x" * 43


def target(folder: Folder, variables: str) -> Target:
    (host,) = folder.load(f"all: {{hosts: {{web: {{{variables}}}}}}}").hosts
    return host.target


def refusal(folder: Folder, variables: str) -> Problem:
    return folder.problem(f"all: {{hosts: {{web: {{{variables}}}}}}}")


def test_defaults(folder: Folder) -> None:
    assert target(folder, "") == Target("web", "web")


def test_all_variables(folder: Folder) -> None:
    (host,) = folder.load(f"""
        all:
          hosts: {{web: {{ansible_host: 10.0.0.1}}}}
          vars:
            ansible_port: "2222"
            ansible_user: audit
            ansible_connection: ssh
            ansible_ssh_private_key_file: ~/key
            ansible_ssh_common_args: -J b1,b2 -oPort=3 -F '/etc/my config'
            ansible_become: "Yes"
            ansible_become_method: sudo
            ansible_become_user: admin
            ansible_python_interpreter: /usr/bin/python3
            nethygiene_host_keys: [{KEY}]
        """).hosts
    assert host.target == Target(
        name="web",
        address="10.0.0.1",
        port=2222,
        user="audit",
        kind="ssh",
        identity_file=str(Path.home() / "key"),
        common_args=("-J", "b1,b2", "-o", "Port=3", "-F", "/etc/my config"),
        become=True,
        become_user="admin",
        host_keys=(KEY,),
    )


@pytest.mark.parametrize(
    ("written", "kind"),
    [("smart", "paramiko"), ("paramiko_ssh", "paramiko"), ("ansible.builtin.ssh", "ssh"),
     ("local", "local"), ("community.docker.docker", "docker"), ("podman", "podman"),
     ("kubectl", "kubectl")],
)  # fmt: skip
def test_connection_kinds(folder: Folder, written: str, kind: str) -> None:
    assert target(folder, f"ansible_connection: {written}").kind == kind


def test_synonyms_of_old(folder: Folder) -> None:
    found = target(folder, "ansible_ssh_host: a, ansible_ssh_port: 1, ansible_ssh_user: u")
    assert (found.address, found.port, found.user) == ("a", 1, "u")
    # As in Ansible's own plugins, the older name wins where both are set.
    assert target(folder, "ansible_ssh_host: old, ansible_host: new").address == "old"


@pytest.mark.parametrize("value", ["yes", "'on'", "1", "True", "'T'", "'y'", "1.0"])
def test_become_as_ansible_takes_it(folder: Folder, value: str) -> None:
    assert target(folder, f"ansible_become: {value}").become is True


@pytest.mark.parametrize("value", ["no", "'off'", "0", "False", "'N'", "null"])
def test_no_become(folder: Folder, value: str) -> None:
    assert target(folder, f"ansible_become: {value}").become is False


@pytest.mark.parametrize(
    ("variables", "message", "cure"),
    [
        ("ansible_password: secret123", "ansible_password is not honoured", "log in with a key"),
        ("ansible_ssh_pass: secret123", "ansible_ssh_pass is not honoured", "log in with a key"),
        ("ansible_become_password: secret123", "not honoured", "sudo -n"),
        ("ansible_become_method: su", "'su' is not honoured", "write sudo"),
        ("ansible_ssh_extra_args: -R 1", "not honoured", "ansible_ssh_common_args"),
        ("ansible_ssh_args: -C", "not honoured", "ansible_ssh_common_args"),
        ("ansible_ssh_executable: /x", "not honoured", "remove it"),
        ("ansible_connection: winrm", "'winrm' is not supported", "--limit"),
        ("ansible_host_key_checking: false", "always checked", "nethygiene_host_keys"),
        ("ansible_shell_type: powershell", "Windows", "--limit"),
        ("ansible_connection: docker, ansible_docker_user: x", "not honoured", "ansible_host"),
        ("ansible_port: 70000", "is no port", "1 to 65535"),
        ("ansible_port: true", "is no string", "quotes"),
        ("ansible_port: ssh", "'ssh' is no port", "1 to 65535"),
        ("ansible_host: 'a;b'", "'a;b' is no address", "DNS name"),
        ("ansible_host: -oProxyCommand=x", "is no address", "DNS name"),
        ('ansible_host: "a\\nb"', "'a\\nb' is no address", "DNS name"),
        ("ansible_user: 'a b'", "'a b' is no user", "login name"),
        ("ansible_user: '$(id)'", "is no user", "login name"),
        ("ansible_become_user: -x", "is no user", "login name"),
        ("ansible_become: maybe", "'maybe' is no boolean", "true or false"),
        ("ansible_host: [a]", "cannot be a list", "one value"),
        ("ansible_ssh_common_args: -v", "'-v' is not honoured", "-o OPTION=VALUE"),
        ("ansible_ssh_common_args: -o", "-o has no value", "honoured"),
        ("ansible_ssh_common_args: \"-o 'x\"", "no closing quotation", "close the quote"),
        ("ansible_ssh_common_args: -o Port", "'Port' is no option", "Keyword=value"),
        ("nethygiene_host_keys: SHA256:x", "a list is wanted", "list of fingerprints"),
        ("nethygiene_host_keys: [MD5:x]", "'MD5:x' is no fingerprint", "list of fingerprints"),
        ("nethygiene_hostkeys: [x]", "unknown variable", "'nethygiene_host_keys'"),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured(folder: Folder, variables: str, message: str, cure: str) -> None:
    problem = refusal(folder, variables)
    assert message in problem.message
    assert cure in problem.fix
    assert problem.line == 1
    assert "secret123" not in str(problem)


@pytest.mark.parametrize(
    "variables",
    ["ansible_host: '{{ ip }}'", "ansible_user: !vault x", "nethygiene: {log_window: '{{ x }}'}",
     "nethygiene: !vault x", "nethygiene_host_keys: '{{ keys }}'",
     "nethygiene: {services: {s: !vault x}}"],
)  # fmt: skip
def test_templates_and_vault_values_that_are_needed(folder: Folder, variables: str) -> None:
    problem = refusal(folder, variables)
    assert f"ansible-inventory -i {folder.path}/hosts.yaml --list --export" in problem.fix


def test_templates_and_vault_values_that_are_not_needed(folder: Folder) -> None:
    text = (
        "ansible_python_interpreter: '{{ x }}', secret: !vault y, other: !!python/name:os.system z"
    )
    assert target(folder, text) == Target("web", "web")


def test_an_unsafe_string_is_no_template(folder: Folder) -> None:
    (host,) = folder.load("""
        all:
          hosts: {a: }
          vars:
            nethygiene:
              waivers:
                w: {rule: x, until: 2030-01-01, owner: o, reason: !unsafe "{{ plain }}"}
        """).hosts
    assert host.policy.waivers["w"].reason == "{{ plain }}"


def test_problems_of_hosts_outside_the_limit_do_not_matter(folder: Folder) -> None:
    text = "{web: {hosts: {a: }}, win: {vars: {ansible_connection: winrm}, hosts: {b: }}}"
    assert [host.name for host in folder.load(text, limit="all:!win").hosts] == ["a"]

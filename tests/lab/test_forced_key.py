"""A key with the forced command: it audits in full, and does nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from nethygiene.forced_command import forced_command
from nethygiene.inventory.policy import policy_from_plain
from tests.lab.audit import audit
from tests.lab.cases.case import SHOP
from tests.lab.host import LabHost
from tests.lab.lab import Lab

FILE = "/usr/local/bin/nethygiene-audit"
POLICY = {"min_somaxconn": 128, **SHOP, "blocked_ports": {3306: {}}}


def force(host: LabHost, program: str) -> None:
    host.write_file(FILE, program, 0o755)
    keys = host.spec.authorized_keys.strip().splitlines()
    forced = "".join(f'restrict,command="{FILE}" {key}\n' for key in keys)
    host.write_file("/etc/ssh/lab_authorized_keys", forced)


@pytest.fixture(scope="module")
def forced(lab: Lab) -> Iterator[dict[str, LabHost]]:
    made = {host.name: host for host in lab.hosts("paramiko", "openssh", "stale", "free")}
    program = forced_command([policy_from_plain(dict(POLICY))])
    force(made["paramiko"], program)
    force(made["openssh"], program)
    force(made["stale"], forced_command())
    yield made
    for host in made.values():
        lab.remove(host)


def test_the_audit_is_the_same_and_another_policy_is_refused(
    lab: Lab, forced: dict[str, LabHost]
) -> None:
    inventory = lab.inventory(
        list(forced.values()),
        policy=POLICY,
        variables_by_host={"openssh": {"ansible_connection": "ssh"}},
    )
    run = audit(lab, list(forced.values()), inventory=inventory)
    expected = run.outcomes("free")
    assert expected["host-reachable", None] == "passed"
    assert "unknown" not in expected.values()
    assert run.outcomes("paramiko") == expected
    assert run.outcomes("openssh") == expected
    stale = run.one("stale", "host-reachable")
    assert stale.outcome == "failed"
    assert "or what its inventory declares is newer; first strange line: nh_run" in stale.message
    assert "`nethygiene forced-command --inventory=FILE`" in stale.message
    others = {one.outcome for one in run.of("stale") if one is not stale}
    assert others == {"unknown", "not-applicable"}


@pytest.mark.parametrize(
    "asked",
    [
        ["touch", "/tmp/harm"],
        ["/bin/sh", "-c", "'touch /tmp/harm'", "nethygiene-0123456789abcdef"],
        ["/bin/sh", "-c", "true", "'nethygiene-$(touch /tmp/harm)'"],
        ["/bin/sh", "-s"],
        [],
    ],
)
def test_the_key_does_nothing_else(lab: Lab, forced: dict[str, LabHost], asked: list[str]) -> None:
    host = forced["paramiko"]
    options = ["BatchMode=yes", f"UserKnownHostsFile={lab.known_hosts}", "UpdateHostKeys=no"]
    command = ["ssh", "-F", "none", "-i", str(lab.identity), "-l", "root"]
    command += [word for option in options for word in ("-o", option)]
    done = subprocess.run(
        lab.entering(*command, host.address, *asked),
        input="touch /tmp/harm\n",
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 126
    assert "nethygiene: " in done.stderr
    assert host.shell("test -e /tmp/harm", check=False).returncode == 1

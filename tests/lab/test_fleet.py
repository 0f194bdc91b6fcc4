"""Twenty hosts at once, one of them broken."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.lab.audit import AuditRun, audit
from tests.lab.host import LabHost
from tests.lab.lab import REPOSITORY, Lab

NAMES = [f"fleet-{number:02}" for number in range(1, 21)]
BROKEN = "fleet-13"


@pytest.fixture(scope="module")
def fleet(lab: Lab) -> Iterator[list[LabHost]]:
    hosts = lab.hosts(*NAMES)
    yield hosts
    for host in hosts:
        lab.remove(host)


@pytest.fixture(scope="module")
def run(lab: Lab, fleet: list[LabHost]) -> AuditRun:
    broken = fleet[NAMES.index(BROKEN)]
    broken.sysctl("net.core.somaxconn", 64)
    # sshd asks for 128 in listen(), and was started before.
    return audit(lab, fleet, policy={"services": {"ssh": {"port": 22, "backlog": 128}}})


def test_the_one_broken_host_is_named_and_no_other(run: AuditRun) -> None:
    failed = {(found.host, found.rule) for found in run.findings if found.outcome == "failed"}
    assert failed == {(BROKEN, "somaxconn-covers-backlog")}
    assert run.status == 1
    assert BROKEN in run.stdout
    assert {found.host for found in run.findings if found.group is None} == set(NAMES)


def test_each_host_is_asked_once(run: AuditRun, fleet: list[LabHost]) -> None:
    assert run.document
    for host in fleet:
        log = host.sshd.log()
        assert log.count("Accepted publickey for") == 1, log
        assert log.count("Starting session: command") == 1, log


def test_more_hosts_than_descriptors_are_audited(lab: Lab, host: LabHost) -> None:
    """Every connection is closed again: 60 hosts, and 64 descriptors for all of pytest."""
    listed = lab.inventory([host])
    text = listed.read_text(encoding="utf-8")
    entry = text[text.index(f"    {host.name}:") :]
    assert "ansible_host" in entry
    many = "".join(entry.replace(f"{host.name}:", f"again-{number}:") for number in range(60))
    inventory = lab.directory / "many.yaml"
    inventory.write_text(text.replace(entry, many), encoding="utf-8")
    done = subprocess.run(
        lab.entering(
            *("prlimit", "--nofile=64:64", sys.executable, "-m", "pytest", "checks", "-q"),
            *("-p", "no:cacheprovider", f"--inventory={inventory}", "--forks=4", "--window=0.05"),
            f"--known-hosts={lab.known_hosts}",
        ),
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    assert "60 hosts (0 not reached)" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0

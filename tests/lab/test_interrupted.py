"""An audit that is ended over real SSH leaves nothing running on its hosts, by either client."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.plugin.conftest import CHECKS
from tests.plugin.started import Started

# Slept in parts of 4.9817 s.
WINDOW, PART = "488.2066", "4.9817"
# A part that had begun when the connection ended.
GONE_SECONDS = 120.0
PROCESSES = "for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$one; echo; done"


def running(host: LabHost) -> list[str]:
    """Processes of the audit on a host: its logins, its script and what that waits for."""
    lines = host.shell(PROCESSES, check=False).stdout.splitlines()
    ours = ("sshd: ", "/bin/sh -s", "sleep ")
    return [one for one in lines if one.startswith(ours) and "[listener]" not in one]


def test_nothing_is_left_on_the_hosts(lab: Lab, tmp_path: Path) -> None:
    hosts = lab.hosts("cut-paramiko", "cut-ssh")
    kinds = {"cut-paramiko": "paramiko", "cut-ssh": "ssh"}
    variables = {name: {"ansible_connection": kind} for name, kind in kinds.items()}
    inventory = lab.inventory(hosts, variables_by_host=variables, name="cut")
    run = Started(
        tmp_path,
        inventory,
        str(CHECKS),
        "-k",
        "accept_queue",
        f"--known-hosts={lab.known_hosts}",
        f"--window={WINDOW}",
        enter=lab.entering(),
    )
    deadline = time.monotonic() + GONE_SECONDS
    while not all(any(PART in one for one in running(host)) for host in hosts):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    run.send(signal.SIGTERM)
    left = run.end()
    assert left.status == 2, left.output
    assert left.run.cut_short == "interrupted by SIGTERM while hosts were read"
    assert "CUT SHORT" in left.output
    deadline = time.monotonic() + GONE_SECONDS
    while found := [one for host in hosts for one in running(host)]:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    for host in hosts:
        lab.remove(host)

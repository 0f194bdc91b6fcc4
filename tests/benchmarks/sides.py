"""One side of the fleet's ratio, timed inside its own process after everything was imported."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import paramiko
import pytest

import nethygiene.plugin  # noqa: F401 - Python's start is apart on both sides
from nethygiene.collect.fleet import collect_fleet
from nethygiene.collect.host import Job
from nethygiene.engine.catalogue import all_probes, commands_for, versions
from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.target import Target
from nethygiene.transport import ConnectSettings


def baseline(inventory: str, known_hosts: str, identity: str, window: float, forks: int) -> None:
    """Log in with plain paramiko, run `sleep WINDOW`, on as many threads."""

    def one(target: Target) -> None:
        client = paramiko.SSHClient()
        client.load_host_keys(known_hosts)
        client.connect(
            target.address,
            port=target.port or 22,
            username=target.user,
            key_filename=identity,
            allow_agent=False,
            look_for_keys=False,
        )
        _, stdout, _ = client.exec_command(f"sleep {window}")
        if stdout.channel.recv_exit_status() != 0:
            raise RuntimeError(f"{target.name}: sleep failed")
        client.close()

    targets = [host.target for host in load_inventory(inventory).hosts]
    with ThreadPoolExecutor(forks) as pool:
        list(pool.map(one, targets))


def audit(inventory: str, known_hosts: str, _identity: str, window: float, forks: int) -> None:
    """The whole of what a user runs."""
    status = pytest.main(
        [
            *("checks", "-q", "-p", "no:cacheprovider", f"--inventory={inventory}"),
            # What was imported beforehand, to be out of the timing, pytest cannot rewrite.
            *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
            *(f"--known-hosts={known_hosts}", f"--window={window}", f"--forks={forks}"),
        ]
    )
    if status != 0:
        raise RuntimeError(f"the audit ended with {status}")


def collect(inventory: str, known_hosts: str, _identity: str, window: float, forks: int) -> None:
    """Collecting alone, with all probes."""
    settings = ConnectSettings(known_hosts=(known_hosts,))
    names = tuple(all_probes())
    jobs = [
        Job(host.target, settings, versions(names), commands_for(names, host.policy), window)
        for host in load_inventory(inventory).hosts
    ]
    with ThreadPoolExecutor(forks) as pool:
        failures = [one.failure for one in collect_fleet(jobs, pool) if one.failure is not None]
    if failures:
        raise RuntimeError(str(failures[0]))


# Modules that are imported when a rule asks for their facts: Python's start is apart on both sides.
all_probes()

SIDES: dict[str, Callable[[str, str, str, float, int], None]] = {
    "baseline": baseline,
    "audit": audit,
    "collect": collect,
}


def cpu() -> float:
    """CPU seconds of this process and of those it waited for (ssh -G)."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """Run the side that the command line names, and print what it took as JSON."""
    side, inventory, known_hosts, identity, window, forks = sys.argv[1:]
    start, used = time.monotonic(), cpu()
    SIDES[side](inventory, known_hosts, identity, float(window), int(forks))
    print(json.dumps({"seconds": time.monotonic() - start, "cpu": cpu() - used}))  # noqa: T201


if __name__ == "__main__":
    main()

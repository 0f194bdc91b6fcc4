"""A fleet of lab hosts: an audit, against logging in with paramiko and sleeping for the window."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.lab.lab import Lab

FORKS = 32


@dataclass(frozen=True, slots=True)
class FleetTimes:
    """Best of the rounds, Python's start apart.

    Attributes:
        audit: seconds of `pytest checks` with all rules.
        baseline: seconds of plain paramiko, as many threads.
        collect_cpu: seconds of client CPU a host for collecting, connection included.
        baseline_cpu: likewise for plain paramiko.
    """

    audit: float
    baseline: float
    collect_cpu: float
    baseline_cpu: float

    @property
    def ratio(self) -> float:
        """How much longer the audit takes."""
        return self.audit / self.baseline

    def __str__(self) -> str:
        return (
            f"fleet: audit {self.audit:.2f} s, baseline {self.baseline:.2f} s; client CPU a host: "
            f"collecting {self.collect_cpu * 1e3:.1f} ms, baseline {self.baseline_cpu * 1e3:.1f} ms"
        )


def measure_fleet(*, hosts: int, window: float, rounds: int) -> FleetTimes:
    """Measure on `hosts` lab hosts, each with two declared services."""
    ssh = {"port": 22, "backlog": 128, "allow_from": ["any"]}
    policy = {"services": {"ssh": ssh, "login": ssh}}
    with Lab() as lab:
        fleet = lab.hosts(*[f"bench-{number:03}" for number in range(hosts)])
        inventory = lab.inventory(fleet, policy=policy)
        sides: dict[str, list[dict[str, float]]] = {"baseline": [], "audit": [], "collect": []}
        for _ in range(rounds):
            for side, measured in sides.items():
                measured.append(_run(lab, side, inventory, window))
    return FleetTimes(
        audit=min(one["seconds"] for one in sides["audit"]),
        baseline=min(one["seconds"] for one in sides["baseline"]),
        collect_cpu=min(one["cpu"] for one in sides["collect"]) / hosts,
        baseline_cpu=min(one["cpu"] for one in sides["baseline"]) / hosts,
    )


def _run(lab: Lab, side: str, inventory: Path, window: float) -> dict[str, float]:
    command = lab.entering(
        *(sys.executable, "-m", "tests.benchmarks.sides", side, str(inventory)),
        *(str(lab.known_hosts), str(lab.identity), str(window), str(FORKS)),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"{side}: {done.stdout}\n{done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured

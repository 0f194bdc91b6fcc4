"""2,000 hosts of a light SSH server, some of them faulty: an audit against plain paramiko."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.lab.connections.faults.table import TABLE
from tests.lab.lab import Lab
from tests.lab.load.fleet import baseline, load, standing

_SHARE = 0.05
_SEED = 6


@dataclass(frozen=True, slots=True)
class LoadTimes:
    """One round; Python's start counts on both sides.

    Attributes:
        audit: seconds of the whole audit, all rules and the summary.
        baseline: seconds of connecting and sleeping, as :mod:`tests.lab.load.baseline` has it.
        peak_megabytes: of the audit's memory.
    """

    audit: float
    baseline: float
    peak_megabytes: float

    @property
    def ratio(self) -> float:
        """How much longer the audit takes."""
        return self.audit / self.baseline

    def __str__(self) -> str:
        return (
            f"load: audit {self.audit:.1f} s, baseline {self.baseline:.1f} s, "
            f"{self.peak_megabytes:.0f} MB"
        )


def measure_load(*, hosts: int, window: float, forks: int) -> LoadTimes:
    """Audit `hosts` hosts of which 5 % have a fault of the table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab() as lab,
        standing(
            lab, Path(folder), hosts=hosts, window=window, faults=TABLE, share=_SHARE, seed=_SEED
        ) as fleet,
    ):
        loaded = load(fleet, forks=forks)
        took = loaded.collect_seconds()
        held = {name: took[name] for name in fleet.faulty}
        seconds = baseline(fleet, forks=forks, held=held)
    return LoadTimes(loaded.run.seconds, seconds, loaded.footprint.peak_kib / 1000)

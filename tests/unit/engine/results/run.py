"""A real run of the suite, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]

# No kernel meets it, so that it fails for certain; --window=0 leaves rates unknown for certain.
INVENTORY = """\
all:
  vars:
    ansible_connection: local
    nethygiene: {min_somaxconn: 2147483647}
  hosts:
    strict:
    lenient:
      nethygiene:
        waivers:
          small:
            rule: somaxconn-meets-policy
            until: 2999-12-31
            owner: netops
            reason: for this test
"""


@dataclass(frozen=True)
class Ran:
    """A run: its exit status, and its results file as JSON."""

    status: int
    document: dict[str, Any]


def run_suite(folder: Path) -> Ran:
    """A run on this machine with a failure, the same failure waived, and unknowns."""
    (folder / "hosts.yaml").write_text(INVENTORY)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "checks", "-q", "-p", "no:cacheprovider"),
            *(f"--inventory={folder / 'hosts.yaml'}", f"--results={folder / 'results.json'}"),
            *("--window=0", "--label", "ticket=NET-412"),
        ],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (folder / "results.json").is_file(), done.stdout + done.stderr
    return Ran(done.returncode, json.loads((folder / "results.json").read_text()))

"""A pytest plugin (`-p tests.lab.footprint`): what the audit's process took, and still holds.

It writes one JSON object to the file that NETHYGIENE_FOOTPRINT names when pytest is done.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import pytest

VARIABLE = "NETHYGIENE_FOOTPRINT"


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one process took.

    Attributes:
        peak_kib: the most memory that it ever held, resident.
        descriptors: what its open descriptors lead to: sockets, pipes and files.
        children: command lines of its child processes.
        threads: names of its threads.
    """

    peak_kib: int
    descriptors: list[str]
    children: list[str]
    threads: list[str]

    @classmethod
    def of_this_process(cls) -> Self:
        """As it is now."""
        status = Path("/proc/self/status").read_text().split()
        children = Path("/proc/self/task").glob("*/children")
        pids = [pid for file in children for pid in file.read_text().split()]
        return cls(
            int(status[status.index("VmHWM:") + 1]),
            sorted(_links()),
            [_command(pid) for pid in pids],
            [thread.name for thread in threading.enumerate()],
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """From the file that the plugin wrote."""
        return cls(**json.loads(path.read_text()))


def _links() -> list[str]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(entry))  # noqa: PTH115 - a Path would resolve it
    return found


def _command(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Write it down, after everything else was closed."""
    path = os.environ.get(VARIABLE)
    if path is not None:
        Path(path).write_text(json.dumps(asdict(Footprint.of_this_process())))

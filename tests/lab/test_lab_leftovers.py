"""A lab goes away with the run that made it, however that ends; and where it cannot be built."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab import leftovers
from tests.lab.lab import REPOSITORY, Lab
from tests.lab.requirements import give_up

GONE_WITHIN_SECONDS = 120.0


def interfaces() -> str:
    return subprocess.run(["ip", "-o", "link"], check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class OtherRun:
    """A lab in a process of its own, which waits to be killed."""

    process: subprocess.Popen[str]
    directory: Path
    inner: int
    outer: int
    host: int


OTHER_RUN = """
import sys
from tests.lab.lab import Lab
with Lab() as lab:
    host = lab.host("doomed")
    with host.listen(80):
        print(lab.directory, lab.keeper_pid, lab.keeper_guardian_pid, host.machine_pid, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def other_run() -> Iterator[OtherRun]:
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER_RUN],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    directory, inner, outer, host = process.stdout.readline().split()
    yield OtherRun(process, Path(directory), int(inner), int(outer), int(host))
    process.kill()
    process.communicate()


def end(run: OtherRun, signal_: int) -> None:
    run.process.send_signal(signal_)
    run.process.communicate(timeout=GONE_WITHIN_SECONDS)


def eventually(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + GONE_WITHIN_SECONDS
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def running(pid: int) -> bool:
    return leftovers.ProcessIdentity.of(pid) is not None


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_a_run_that_ends_by_a_signal_leaves_nothing(other_run: OtherRun, name: str) -> None:
    before = interfaces()
    end(other_run, signal.Signals[name])
    assert eventually(lambda: not other_run.directory.exists())
    assert eventually(lambda: not any(map(running, (other_run.inner, other_run.outer))))
    assert eventually(lambda: not running(other_run.host))
    assert interfaces() == before


def test_what_even_the_keeper_could_not_remove_is_swept(lab: Lab, other_run: OtherRun) -> None:
    bystander = other_run.directory.with_name("nethygiene-lab-notes")
    bystander.mkdir(exist_ok=True)
    os.kill(other_run.outer, signal.SIGKILL)
    end(other_run, signal.SIGKILL)
    assert other_run.directory.exists()
    assert other_run.directory in leftovers.sweep()
    assert not other_run.directory.exists()
    assert lab.directory.exists()
    assert bystander.exists()
    bystander.rmdir()


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)]
)
def test_no_lab_is_a_skip_but_a_failure_under_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="needs root"):
        give_up("the lab needs root")

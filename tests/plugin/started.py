"""An audit in a process of its own, to be sent signals, and what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from nethygiene.engine.results import Run
from tests.plugin.conftest import CHECKS

WAIT_SECONDS = 120.0
"""Far less than what is slept in these tests: what ends by then was ended."""
OLD = "of an earlier run"

MARKED = '''\
import time
from pathlib import Path
from nethygiene.rules import *

@rule(severity="high", kind="setting", incidents=["S3"])
def test_a_quick(kernel, expect):
    """Quick.

    Why: a.
    Remedy: b.
    References: c.
    """
    expect("release", kernel.release, at_least(""))

def test_b_slow({fixture}, kernel):
    Path("marker").touch()
    {slow}

def test_c_later(kernel):
    assert kernel.release
'''


@dataclass(frozen=True)
class Left:
    """What an ended run left.

    Attributes:
        status: exit status.
        output: stdout and stderr.
        folder: where its files are.
    """

    status: int
    output: str
    folder: Path

    @property
    def run(self) -> Run:
        """The results file."""
        return Run.model_validate_json(self.text("results.json"))

    @property
    def junit_errors(self) -> list[str]:
        """The messages of JUnit's errors."""
        root = ET.fromstring(self.text("junit.xml"))
        return [one.attrib["message"] for one in root.iter("error")]

    def text(self, name: str) -> str:
        """A file's text."""
        return (self.folder / name).read_text(encoding="utf-8")


REPORTS = ("results.json", "report.html", "junit.xml", "summary.md")


class Started:
    """A run of pytest under way, with all reports asked for, and older ones in their places."""

    def __init__(
        self, folder: Path, inventory: Path, *arguments: str, enter: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        for name in REPORTS:
            (folder / name).write_text(OLD)
        command = [sys.executable, "-m", "pytest", "-p", "nethygiene.plugin"]
        command += ["-p", "no:cacheprovider", f"--inventory={inventory}"]
        command += ["--results=results.json", "--html=report.html", "--self-contained-html"]
        command += ["--junit-xml=junit.xml", "--summary-md=summary.md", *arguments]
        # Not beside its reports, and no pipe, which would have to be read all the time.
        self._output = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - see end()
        self.process = subprocess.Popen(
            [*enter, *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(CHECKS.parent / "src")},
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    @property
    def said(self) -> str:
        """What it wrote so far."""
        return os.pread(self._output.fileno(), 10_000_000, 0).decode(errors="replace")

    def wait_until(self, happened: Callable[[], bool], what: str) -> None:
        """Wait until something has happened."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not happened():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"never {what}: {self.said}")
            time.sleep(0.02)

    def wait_for(self, name: str) -> None:
        """Wait until the run made a file of this name."""
        self.wait_until((self.folder / name).exists, f"made {name}")

    def wait_for_words(self, words: str) -> None:
        """Wait until the run wrote something."""
        self.wait_until(lambda: words in self.said, f"said {words!r}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self) -> Left:
        """Wait for its end."""
        try:
            self.process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not end: {self.said}") from None
        output = self.said
        self._output.close()
        return Left(self.process.returncode, output, self.folder)


def processes(*words: str) -> list[int]:
    """Ids of the processes on this machine whose command line begins with these words."""
    wanted = [word.encode() for word in words]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if line[: len(wanted)] == wanted:
            found.append(int(process.name))
    return found


def processes_in(folder: Path) -> list[str]:
    """Command lines of other processes on this machine whose working directory this is."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found

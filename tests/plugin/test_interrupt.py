"""Ctrl-C while hosts are collected: what is known is judged and written, and nothing stays."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time

import pytest

from nethygiene.engine.results import Run
from tests.plugin.conftest import CHECKS, LOCAL, Runner
from tests.plugin.started import processes

pytestmark = pytest.mark.slow  # a whole audit, as a process of its own

# Of no other process on this machine; the script sleeps it in parts of at most five seconds.
WINDOW = f"{600.1 + os.getpid() % 10000 / 1000:.4f}"
SLEEP = f"{float(WINDOW) / math.ceil(float(WINDOW) / 5):.6g}"
GONE = "    gone: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
GONE_FIRST = LOCAL.replace("  hosts:\n", f"  hosts:\n{GONE}")
ENDS_WITHIN_SECONDS = 60.0


def test_what_had_come_is_judged_and_nothing_is_left(runner: Runner) -> None:
    results = runner.folder / "results.json"
    command = [sys.executable, "-m", "pytest", "-p", "nethygiene.plugin", "-p", "no:cacheprovider"]
    command += [str(CHECKS), f"--inventory={runner.inventory(GONE_FIRST)}"]
    # One after the other: what is refused is known when the other's window begins.
    command += [f"--results={results}", f"--window={WINDOW}", "--forks=1"]
    environment = {**os.environ, "PYTHONPATH": str(CHECKS.parent / "src")}
    with subprocess.Popen(
        command,
        cwd=runner.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            _wait_for_window()
            process.send_signal(signal.SIGINT)
            # Connections under way end at once, long before their window does.
            output, _ = process.communicate(timeout=ENDS_WITHIN_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 2, output
    assert "CUT SHORT" in output
    assert "Traceback" not in output
    run = Run.model_validate_json(results.read_text(encoding="utf-8"))
    assert run.exit_status == 2
    errors = {host.name: host.error or "" for host in run.hosts}
    assert "refused" in errors["gone"], "what had come is kept"
    assert "interrupted" in errors["here"]
    assert {one.outcome.value for one in run.results} <= {"failed", "unknown", "not-applicable"}
    assert not processes("sleep", SLEEP), "the host's script ended too"


def _wait_for_window() -> None:
    deadline = time.monotonic() + 120
    while not processes("sleep", SLEEP):
        assert time.monotonic() < deadline, "the script never came to its window"
        time.sleep(0.05)

"""Judging recorded hosts from evidence: CPU a result, an unknown against a pass, memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
POLICY = {
    "min_somaxconn": 1,
    "services": {"a": {"port": 1, "backlog": 1}, "b": {"port": 2, "backlog": 1}},
}


@dataclass(frozen=True, slots=True)
class EvaluationTimes:
    """What judging costs, Python's start and the fixed costs of a run apart.

    Attributes:
        passed_cpu: CPU seconds a result, evidence loaded and parsed, nearly all passing.
        unknown_cpu: likewise where all is unknown.
        seconds: wall-clock of the passing run, start included.
        peak_megabytes: of its memory.
    """

    passed_cpu: float
    unknown_cpu: float
    seconds: float
    peak_megabytes: float

    def __str__(self) -> str:
        return (
            f"judging: {self.passed_cpu * 1e3:.3f} ms a result passing, "
            f"{self.unknown_cpu * 1e3:.3f} ms unknown; {self.seconds:.1f} s, "
            f"{self.peak_megabytes:.0f} MB"
        )


@dataclass(frozen=True, slots=True)
class _Run:
    cpu: float
    seconds: float
    megabytes: float
    results: int


def measure_evaluation(*, hosts: int) -> EvaluationTimes:
    """Judge `hosts` copies of this machine's own evidence by all rules, in one process."""
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder) / "recorded.jsonl"
        run_pytest(f"--evidence={recorded}", "--window=0.1")
        known, blind = Path(folder) / "known.jsonl", Path(folder) / "blind.jsonl"
        one = Path(folder) / "one.jsonl"
        multiply(recorded, known, hosts, blind=False)
        multiply(recorded, blind, hosts, blind=True)
        multiply(recorded, one, 1, blind=False)
        start = _judge(one, Path(folder))
        passed = min((_judge(known, Path(folder)) for _ in range(2)), key=lambda run: run.cpu)
        unknown = min((_judge(blind, Path(folder)) for _ in range(2)), key=lambda run: run.cpu)
    return EvaluationTimes(
        passed_cpu=(passed.cpu - start.cpu) / passed.results,
        unknown_cpu=(unknown.cpu - start.cpu) / unknown.results,
        seconds=passed.seconds,
        peak_megabytes=passed.megabytes,
    )


def multiply(recorded: Path, path: Path, hosts: int, *, blind: bool) -> None:
    """Write the evidence of `hosts` hosts, each a copy of the recorded one.

    Args:
        recorded: evidence of one host.
        path: what to write.
        hosts: how many.
        blind: let every command be refused.
    """
    header, line = recorded.read_text(encoding="utf-8").splitlines()
    host: dict[str, Any] = json.loads(line)
    host["policy"] = POLICY
    if blind:
        # Connected, and every command refused: each fact is asked for and none can be read.
        for section in host["sections"].values():
            section.update(stdout="", stderr="", status=126)
    with path.open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        for number in range(hosts):
            host["host"] = f"host-{number:05}"
            file.write(json.dumps(host) + "\n")


def _judge(path: Path, folder: Path) -> _Run:
    results = folder / "results.json"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    run_pytest(f"--from-evidence={path}", f"--results={results}")
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    count = len(json.loads(results.read_text(encoding="utf-8"))["results"])
    # The largest child so far: the runs go from small to large.
    return _Run(used, seconds, after.ru_maxrss / 1024, count)


def run_pytest(*arguments: str) -> None:
    """Run the shipped rules in a process of its own.

    Raises:
        RuntimeError: it did not end with a verdict.
    """
    command = [sys.executable, "-m", "pytest", "checks", "-q", "-p", "no:cacheprovider"]
    # Of the development tools, hypothesis alone costs a second at the end of each run.
    command += ["-p", "no:hypothesispytest", *arguments]
    environment = {key: text for key, text in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1, 10}:
        raise RuntimeError(f"exit status {done.returncode}: {done.stdout}\n{done.stderr}")

"""The HTML report: how large, how soon usable in headless chromium, and what making it costs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser

from tests.benchmarks.evaluation import REPOSITORY, multiply, run_pytest
from tests.report import runs
from tests.report.browser import browser
from tests.report.document import document

_KEYSTROKE = """
async text => {
  const times = [];
  const input = document.getElementById("nh-text");
  for (let end = 1; end <= text.length; end++) {
    const start = performance.now();
    input.value = text.slice(0, end);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    document.getElementById("nh-grid").getBoundingClientRect();
    times.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  return Math.max(...times);
}
"""


@dataclass(frozen=True, slots=True)
class ReportTimes:
    """What a report costs its maker and its reader.

    Attributes:
        megabytes: of the file of 1,000 hosts by 40 rules, 1 % failing.
        usable: seconds until it shows verdict, findings and matrix, and a filter has answered.
        keystroke: seconds of the slowest keystroke of a filter there.
        large: as `usable`, of 10,000 hosts.
        making: CPU seconds a result that `--html` adds to a run.
        memory: bytes a result that it adds to the run's peak.
    """

    megabytes: float
    usable: float
    keystroke: float
    large: float
    making: float
    memory: float

    def __str__(self) -> str:
        return (
            f"report: {self.megabytes:.1f} MB, usable in {self.usable:.2f} s, keystroke "
            f"{self.keystroke * 1e3:.0f} ms; 10,000 hosts in {self.large:.2f} s; making "
            f"{self.making * 1e3:.3f} ms and {self.memory:.0f} bytes a result"
        )


def measure_report(*, rounds: int) -> ReportTimes:
    """Measure in headless chromium, from files on disk; best of the rounds."""
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        small, large = Path(folder) / "small.html", Path(folder) / "large.html"
        small.write_text(document(runs.fleet(1000)), encoding="utf-8")
        large.write_text(document(runs.fleet(10_000)), encoding="utf-8")
        opened = [_open(started, small) for _ in range(rounds)]
        opened_large = [_open(started, large) for _ in range(rounds)]
        making, memory = _cost_of_making(Path(folder), rounds)
        return ReportTimes(
            megabytes=small.stat().st_size / 1e6,
            usable=min(usable for usable, _ in opened),
            keystroke=min(keystroke for _, keystroke in opened),
            large=min(usable for usable, _ in opened_large),
            making=making,
            memory=memory,
        )


def _open(started: Browser, path: Path) -> tuple[float, float]:
    """Seconds until usable, and of the slowest keystroke."""
    page = started.new_page()
    start = time.monotonic()
    page.goto(path.as_uri())
    page.locator(".nh-verdict h1").wait_for()
    page.locator(".nh-group").first.wait_for()
    page.locator("#nh-rows td").first.wait_for()
    page.fill("#nh-host", "web-0000")
    page.locator("#nh-status", has_text=" of ").wait_for()
    usable = time.monotonic() - start
    page.fill("#nh-host", "")
    keystroke: float = page.evaluate(_KEYSTROKE, "4096 web-")
    page.close()
    return usable, keystroke / 1000


@dataclass(frozen=True, slots=True)
class _Cost:
    cpu: float
    peak: float
    results: int


def _cost_of_making(folder: Path, rounds: int) -> tuple[float, float]:
    """CPU seconds and bytes a result: the slope between two fleets, with less without."""
    recorded = folder / "recorded.jsonl"
    run_pytest(f"--evidence={recorded}", "--window=0.1")
    sizes = {hosts: folder / f"{hosts}.jsonl" for hosts in (50, 550)}
    added: dict[int, _Cost] = {}
    for hosts, path in sizes.items():
        multiply(recorded, path, hosts, blind=False)
        plain = _best([_judge(path, folder) for _ in range(rounds)])
        html = f"--html={folder / 'made.html'}"
        made = _best([_judge(path, folder, html, "--self-contained-html") for _ in range(rounds)])
        added[hosts] = _Cost(made.cpu - plain.cpu, made.peak - plain.peak, made.results)
    few, many = added.values()
    more = many.results - few.results
    return (many.cpu - few.cpu) / more, (many.peak - few.peak) / more


def _best(costs: Sequence[_Cost]) -> _Cost:
    return _Cost(min(one.cpu for one in costs), min(one.peak for one in costs), costs[0].results)


def _judge(evidence: Path, folder: Path, *arguments: str) -> _Cost:
    results = folder / "results.json"
    command = [sys.executable, "-m", "tests.benchmarks.report", str(evidence), str(results)]
    done = subprocess.run(
        [*command, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{done.stdout}\n{done.stderr}")
    cpu, peak = json.loads(done.stdout.splitlines()[-1])
    count = len(json.loads(results.read_text(encoding="utf-8"))["results"])
    return _Cost(cpu, peak, count)


def main() -> None:
    """Judge the evidence that the command line names; print CPU seconds and peak bytes."""
    evidence, results, *arguments = sys.argv[1:]
    run_pytest(f"--from-evidence={evidence}", f"--results={results}", *arguments)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))  # noqa: T201


if __name__ == "__main__":
    main()

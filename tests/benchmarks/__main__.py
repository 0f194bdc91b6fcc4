"""Speed, as ratios against something in the same run: ``make bench``.

Exit status 1 when a bar is missed. Noise only ever makes a run slower, so each side of a ratio
is the best of its rounds, and the rounds of both sides alternate.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tests.benchmarks.evaluation import measure_evaluation
from tests.benchmarks.fleet import measure_fleet
from tests.benchmarks.load import measure_load
from tests.benchmarks.reasoning import measure_reasoning
from tests.benchmarks.report import measure_report
from tests.benchmarks.sockets import measure_sockets


@dataclass(frozen=True, slots=True)
class Bar:
    """One measured number and what it may be at most."""

    what: str
    measured: float
    most: float
    unit: str

    @property
    def is_met(self) -> bool:
        """Whether it is."""
        return self.measured <= self.most

    def __str__(self) -> str:
        mark = "ok  " if self.is_met else "OVER"
        return f"{mark} {self.what:<66} {self.measured:8.2f} {self.unit} (at most {self.most:g})"


def main() -> int:
    """Measure, print, judge."""
    fleet = measure_fleet(hosts=50, window=2.0, rounds=3)
    print(fleet)  # noqa: T201
    load = measure_load(hosts=2000, window=2.0, forks=64)
    print(load)  # noqa: T201
    evaluation = measure_evaluation(hosts=1000)
    print(evaluation)  # noqa: T201
    report = measure_report(rounds=3)
    print(report)  # noqa: T201
    sockets = measure_sockets(rounds=3)
    print(sockets)  # noqa: T201
    reasoning = measure_reasoning(hosts=1000)
    print(reasoning)  # noqa: T201
    bars = [
        Bar("10,000 connections, beyond an idle host", sockets.busy - sockets.idle, 3.0, "s"),
        Bar("audit of 50 lab hosts / paramiko logging in and sleeping", fleet.ratio, 1.3, "x"),
        Bar("client CPU of collecting a host", fleet.collect_cpu * 1e3, 20, "ms"),
        Bar("2,000 hosts, 5 % faulty / paramiko connecting and sleeping", load.ratio, 1.3, "x"),
        Bar("2,000 hosts, 5 % faulty", load.peak_megabytes, 1000, "MB"),
        Bar("client CPU of judging a result", evaluation.passed_cpu * 1e3, 0.45, "ms"),
        Bar(
            "an unknown / a pass",
            evaluation.unknown_cpu / evaluation.passed_cpu,
            1.0,
            "x",
        ),
        Bar("1,000 recorded hosts x all rules", evaluation.seconds, 60, "s"),
        Bar("1,000 recorded hosts x all rules", evaluation.peak_megabytes, 1000, "MB"),
        Bar("1,000 hosts with 5 upstreams each / without reasoning", reasoning.ratio, 1.2, "x"),
        Bar("report of 1,000 hosts x 40 rules", report.megabytes, 8, "MB"),
        Bar("report of 1,000 hosts x 40 rules: until usable", report.usable, 1.5, "s"),
        Bar("report of 1,000 hosts x 40 rules: a keystroke", report.keystroke * 1e3, 100, "ms"),
        Bar("report of 10,000 hosts x 40 rules: until usable", report.large, 5, "s"),
        Bar("making the report, CPU a result", report.making * 1e3, 0.15, "ms"),
        Bar("making the report, memory a result", report.memory, 1024, "bytes"),
    ]
    for bar in bars:
        print(bar)  # noqa: T201
    return 0 if all(bar.is_met for bar in bars) else 1


if __name__ == "__main__":
    sys.exit(main())

"""The terminal's summary: 80 columns, nothing that a terminal would obey."""

from __future__ import annotations

import pytest

from nethygiene.engine.outcomes import Severity
from nethygiene.engine.results import Run
from nethygiene.report.console import summary_lines
from nethygiene.report.run_report import RunReport
from nethygiene.report.text import log_line, printable
from tests.report import runs


def told(run: Run, *, width: int = 80, verbose: bool = False) -> list[str]:
    lines = summary_lines(
        RunReport(run, Severity.MEDIUM, ["a remark"]), width=width, verbose=verbose
    )
    return [line.text for line in lines]


@pytest.mark.parametrize("run", [runs.mixed(), runs.hostile(), runs.fleet(100)])
def test_lines_fit_into_80_columns(run: Run) -> None:
    assert max(len(line) for line in told(run)) <= 80


def test_findings_are_grouped_worst_first_with_their_remedy() -> None:
    lines = told(runs.mixed())
    heads = [line for line in lines if line.startswith(("FAILED", "UNKNOWN", "WAIVED"))]
    assert heads == [
        "FAILED host-reachable (critical) on 1 host",
        "FAILED accept-queue-not-overflowing (high) on 1 host",
        "FAILED somaxconn-covers-backlog (high) on 2 hosts",
        "UNKNOWN listeners-have-owners (medium) on 2 hosts",
        "WAIVED icmp-redirects-match-policy (medium) on 1 host",
        "UNKNOWN 4 results of hosts that were not read, or not to the end",
    ]
    assert "        sysctl -w net.core.somaxconn=16384" in lines


def test_a_finding_is_told_with_its_own_remedy() -> None:
    lines = told(runs.with_own_remedies())
    told_then = lines[lines.index("    Remedy for web-1 [shop], web-2 [shop]:") :]
    assert told_then[1:10] == [
        "      Raise it.",
        f"        echo {'x' * 90}",
        "    Remedy for web-3 [shop]:",
        "      Raise it there.",
        "      In nginx.conf:",
        "        listen 443 backlog=9;",
        "    Remedy for web-4 [shop]:",
        "      Raise it now and for good, then restart the service:",
        "        sysctl -w net.core.somaxconn=16384",
    ]


def test_counts_are_never_broken_in_a_phrase() -> None:
    lines = told(runs.fleet(1000))
    assert "1,000 hosts (0 not reached), 40 rules, 40,000 results:" in lines
    assert "  370 failed, 40 unknown, 0 waived, 35,628 passed, 3,962 not applicable" in lines


def test_observations_are_told_when_asked_for() -> None:
    line = "      TcpExtListenOverflows = +17 in 2.00 s"
    assert any(one.startswith(line) for one in told(runs.mixed(), verbose=True))
    assert not any(one.startswith(line) for one in told(runs.mixed()))


def test_what_hosts_say_is_shown_and_not_obeyed() -> None:
    text = "\n".join(told(runs.hostile(), verbose=True))
    assert not {"\x1b", "\x07", "\u202e", "\u2028"} & set(text)
    assert r"\x1b[31mred" in text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("##[error]x", r"\x23#[error]x"),
        ("a ##vso[task.complete]", r"a \x23#vso[task.complete]"),
        ("  ::add-mask::a", r"  \x3a:add-mask::a"),
        ("::error file=a,line=1::b", r"\x3a:error file=a,line=1::b"),
        ("::1 and ::2", "::1 and ::2"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("at [::]:22, ## and #[a]", "at [::]:22, ## and #[a]"),
    ],
)
def test_nothing_is_a_command_to_the_runner_of_a_job(said: str, shown: str) -> None:
    assert log_line(printable(said)) == shown


def test_no_line_becomes_a_command_by_being_wrapped() -> None:
    told_off = [f"{'x' * length} ::add-mask::a" for length in range(60, 80)]
    lines = summary_lines(
        RunReport(runs.mixed(), Severity.MEDIUM, told_off), width=80, verbose=False
    )
    assert not [line.text for line in lines if line.text.lstrip().startswith("::")]

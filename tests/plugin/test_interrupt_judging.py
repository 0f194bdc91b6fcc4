"""Ctrl-C, SIGTERM and SIGHUP while rules are judged, and while reports are written."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

import pytest

from tests.plugin.conftest import LOCAL, Runner
from tests.plugin.started import MARKED, OLD, REPORTS, Left, Started, processes, processes_in

pytestmark = pytest.mark.slow  # whole audits, each a process of its own

SLEEP = f"487.{os.getpid()}"  # of no other process on this machine
ON_HOST = f"host.run('sleep {SLEEP}')"
HERE = "time.sleep(300)"


def started(runner: Runner, slow: str, *arguments: str, enter: Sequence[str] = ()) -> Started:
    fixture = "host" if slow == ON_HOST else "expect"
    text = MARKED.format(slow=slow, fixture=fixture)
    (runner.folder / "test_mine.py").write_text(text)
    inventory = runner.inventory(LOCAL)
    return Started(runner.folder, inventory, "test_mine.py", "--window=0", *arguments, enter=enter)


def is_marked(left: Left, why: str) -> None:
    """It ended with status 2, and each of its reports says that it is not the whole."""
    assert left.status == 2, left.output
    assert "Traceback" not in left.output
    assert "CUT SHORT" in left.output
    assert "CLEAN" not in left.output
    run = left.run
    assert run.exit_status == 2
    assert run.cut_short is not None
    assert run.cut_short.startswith(why), run.cut_short
    for text in (left.text("report.html"), left.text("summary.md")):
        assert "Cut short" in text
        assert why in text
        assert "<h1>Clean</h1>" not in text
        assert "✅" not in text
    assert any(one.startswith(f"CUT SHORT: {why}") for one in left.junit_errors)
    assert not list(left.folder.glob(".*.*")), "no draft is left"
    assert not processes_in(left.folder), "no worker is left"


@pytest.mark.parametrize(
    ("number", "slow", "arguments"),
    [
        (signal.SIGINT, HERE, ()),
        (signal.SIGHUP, ON_HOST, ()),
        (signal.SIGTERM, HERE, ("-n1",)),
    ],
    ids=["rule-int", "host-hup", "xdist-term"],
)
def test_what_was_judged_is_written_and_marked(
    runner: Runner, number: signal.Signals, slow: str, arguments: tuple[str, ...]
) -> None:
    run = started(runner, slow, *arguments)
    run.wait_for("marker")
    run.send(number)
    left = run.end()
    name = "Ctrl-C" if number is signal.SIGINT else number.name
    is_marked(left, f"interrupted by {name}")
    if not arguments:
        outcomes = {one.rule: one.outcome for one in left.run.results}
        assert outcomes == {"host-reachable": "passed", "a-quick": "passed"}
        assert left.run.cut_short == f"interrupted by {name}; 2 of 4 tests not judged"
    assert not processes("sleep", SLEEP)


IN_BACKGROUND = ("sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh")
UNTIL_TOLD = "while not Path('go-on').exists(): time.sleep(0.02)"


@pytest.mark.parametrize("arguments", [(), ("-n1",)], ids=["alone", "xdist"])
def test_what_it_was_started_to_ignore_stays_ignored(
    runner: Runner, arguments: tuple[str, ...]
) -> None:
    """As `nohup` and a script's `&` have it; SIGTERM, which they do not touch, still ends it."""
    run = started(runner, UNTIL_TOLD, *arguments, enter=IN_BACKGROUND)
    run.wait_for("marker")
    for number in (signal.SIGINT, signal.SIGHUP):
        run.send(number)
    (runner.folder / "go-on").touch()
    left = run.end()
    assert left.status == 0, left.output
    assert left.run.cut_short is None
    for name in ("marker", "go-on"):
        (runner.folder / name).unlink()
    run = started(runner, UNTIL_TOLD, *arguments, enter=IN_BACKGROUND)
    run.wait_for("marker")
    run.send(signal.SIGTERM)
    is_marked(run.end(), "interrupted by SIGTERM")


def test_twice_ends_it_as_well(runner: Runner) -> None:
    run = started(runner, ON_HOST)
    run.wait_for("marker")
    run.send(signal.SIGINT)
    time.sleep(0.01)
    run.send(signal.SIGINT)
    left = run.end()
    is_marked(left, "interrupted by Ctrl-C")
    assert not processes("sleep", SLEEP)


WRITING = """
import time
from pathlib import Path
def pytest_sessionfinish():
    Path("writing").touch()
    while not Path("go-on").exists():
        time.sleep(0.02)
"""
ANSWER = "once more leaves without them"


def test_once_while_reports_are_written_lets_them_be_written(runner: Runner) -> None:
    (runner.folder / "conftest.py").write_text(WRITING)
    run = started(runner, "pass")
    run.wait_for("writing")
    run.send(signal.SIGTERM)
    run.wait_for_words(ANSWER)
    (runner.folder / "go-on").touch()
    left = run.end()
    assert left.status == 0, left.output
    assert left.run.exit_status == 0
    assert left.run.cut_short is None
    assert "<h1>Clean</h1>" in left.text("report.html")
    assert left.junit_errors == []


def test_twice_leaves_no_half_report_and_no_older_one(runner: Runner) -> None:
    (runner.folder / "conftest.py").write_text(WRITING)
    run = started(runner, "pass")
    run.wait_for("writing")
    run.send(signal.SIGINT)
    run.wait_for_words(ANSWER)
    run.send(signal.SIGINT)
    left = run.end()
    assert left.status == 2, left.output
    assert "Traceback" not in left.output
    assert "NOT WRITTEN: --html=" in left.output
    assert left.run.exit_status == 0, "written before"
    assert not (left.folder / "junit.xml").exists()
    assert not (left.folder / "report.html").exists()


def test_killed_it_leaves_no_older_report(runner: Runner) -> None:
    run = started(runner, HERE)
    run.wait_for("marker")
    run.send(signal.SIGKILL)
    left = run.end()
    for name in REPORTS:
        path = left.folder / name
        assert not path.exists() or OLD not in path.read_text(), name


def test_other_ends_have_their_own_words(runner: Runner, local: str) -> None:
    suite = runner.check("import no_such_module", local)
    assert suite.status == 2
    assert suite.run is not None
    assert suite.run.cut_short == "1 error during collection"
    assert "Ctrl-C" not in suite.output

"""Files that cannot be written: told before hosts are bothered, and never left by half."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene.report.writers import WRITERS
from tests.lab import requirements
from tests.plugin.conftest import CHECKS, LOCAL, PLUGIN, Runner

OPTIONS = (*(writer.option for writer in WRITERS), "--html", "--junit-xml", "--evidence")
OLD = "of an earlier run"
ONE_RULE = ("-k", "timestamps", "-p", "no:cacheprovider", "--window=0")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MiB, of this test alone."""
    if reason := requirements.missing():
        requirements.give_up(reason)
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "small", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path, spare: int = 0) -> None:
    """Leave so many bytes of it."""
    (place / "ballast").write_bytes(bytes(3 * 1024 * 1024 - spare))


def audit(runner: Runner, *arguments: object) -> tuple[int, str]:
    """Exit status, and all that was said."""
    inventory = runner.inventory(LOCAL)
    given = [f"--inventory={inventory}", *ONE_RULE, *map(str, arguments)]
    done = runner.pytester.runpytest_inprocess(*PLUGIN, str(CHECKS), *given)
    return int(done.ret), done.stdout.str() + done.stderr.str()


@pytest.mark.parametrize("option", OPTIONS)
def test_a_full_disk_is_told_before_hosts_are_asked(
    runner: Runner, small: Path, option: str
) -> None:
    fill(small)
    status, output = audit(runner, f"{option}={small}/report")
    assert status == 4, output
    (line,) = [one for one in output.splitlines() if "No space left" in one]
    assert f"{option}={small}/report: nothing can be written in {small}" in line
    assert "make room there, or name a file elsewhere" in line
    assert "collected" not in output
    assert "Traceback" not in output
    assert not (small / "report").exists()


@pytest.mark.parametrize("option", OPTIONS)
def test_a_folder_that_cannot_be_written_is_told(runner: Runner, small: Path, option: str) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    for below in ("", "new/"):
        status, output = audit(runner, f"{option}={small}/{below}report")
        assert status == 4, output
        (line,) = [one for one in output.splitlines() if "Read-only file system" in one]
        assert option in line
        assert "name a file elsewhere" in line
        assert "Traceback" not in output


# Takes the room that was there when the run began, as a log that grows would.
FILLS = """
from pathlib import Path
def pytest_runtest_logfinish():
    place = Path("{place}")
    try:
        with (place / "ballast").open("ab", 0) as file:
            for size in (1024 * 1024, 4096, 1):
                while file.write(bytes(size)):
                    pass
    except OSError:
        pass
"""


def test_a_disk_that_fills_up_costs_no_verdict_and_leaves_no_half_file(
    runner: Runner, small: Path
) -> None:
    elsewhere = runner.folder / "results.json"
    (runner.folder / "filling.py").write_text(FILLS.format(place=small))
    reports = [f"{one}={small}/report{one}" for one in OPTIONS[1:4]]
    runner.pytester.syspathinsert()
    status, output = audit(
        runner, "-p", "filling", f"--results={elsewhere}", "--self-contained-html", *reports
    )
    assert status == 3, output
    assert "CLEAN: nothing" in output, "the verdict is told all the same"
    lines = [one for one in output.splitlines() if one.startswith("NOT WRITTEN")]
    assert len(lines) == 2
    assert all(one.endswith("No space left on device") for one in lines)
    assert all(any(report in line for line in lines) for report in reports)
    assert "Traceback" not in output
    assert {one.name for one in small.iterdir()} == {"ballast"}
    assert elsewhere.exists()


def test_evidence_that_does_not_fit_ends_in_a_whole_line(runner: Runner, small: Path) -> None:
    names = [f"here-{number}" for number in range(12)]
    hosts = "".join(f"    {one}: {{ansible_connection: local}}\n" for one in names)
    inventory = runner.inventory(f"all:\n  hosts:\n{hosts}", "many.yaml")
    evidence = small / "evidence.jsonl"
    evidence.write_bytes(b"")
    fill(small, spare=160 * 1024)
    done = runner.run(f"--inventory={inventory}", *ONE_RULE, f"--evidence={evidence}")
    assert done.status == 4, done.output
    lines = [one for one in (done.output + done.errors).splitlines() if "No space left" in one]
    assert len(lines) == 1
    assert f"--evidence={evidence}: cannot be written" in lines[0]
    assert evidence.read_bytes().endswith(b"\n")

    again = runner.run(f"--from-evidence={evidence}", "-k", "timestamps")
    assert again.status == 2, "what was read of a part is not the whole"
    assert again.run is not None
    assert "of its 12 hosts: the run that wrote it was interrupted" in (again.run.cut_short or "")
    assert "CUT SHORT: evidence.jsonl holds" in again.output


def test_no_two_options_name_one_file_and_none_what_is_read(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL)
    for arguments, said in (
        (["--results=one", "--html=./one"], "--results names the same file"),
        ([f"--results={inventory}"], "this run reads it"),
    ):
        status, output = audit(runner, *arguments)
        assert status == 4, output
        assert said in output
    assert inventory.read_text() == LOCAL


def test_looking_at_what_would_run_leaves_older_reports(runner: Runner) -> None:
    older = runner.folder / "results.json"
    older.write_text(OLD)
    status, _ = audit(runner, "--results=results.json", "--collect-only")
    assert status == 0
    assert older.read_text() == OLD

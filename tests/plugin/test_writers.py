"""What stands in the table of writers is an option, is validated, and is written."""

from __future__ import annotations

import pytest

from nethygiene.engine.results import PlaceRecord
from nethygiene.report.writers import ANNOTATORS, WRITERS, Annotator
from tests.plugin.conftest import LOCAL, PLUGIN, Runner

OPTIONS = [writer.option for writer in WRITERS]
ONE_RULE = ("-k", "tcp_timestamps")


def test_each_option_has_one_line() -> None:
    assert len(set(OPTIONS)) == len(OPTIONS)
    assert "none" not in {annotator.name for annotator in ANNOTATORS}


def test_help_names_each_format(runner: Runner) -> None:
    told = " ".join(runner.pytester.runpytest_inprocess(*PLUGIN, "--help").stdout.str().split())
    for writer in WRITERS:
        assert f"{writer.option}=FILE {writer.help}" in told
    for annotator in ANNOTATORS:
        assert f"{annotator.name}: {annotator.help}" in told


@pytest.mark.parametrize("option", OPTIONS)
def test_each_writes_its_file(runner: Runner, local: str, option: str) -> None:
    written = runner.folder / "written"
    written.write_text("an earlier run's")
    suite = runner.run(local, f"{option}={written}", *ONE_RULE)
    assert suite.run is not None or option == "--results"
    assert written.is_file(), suite.output
    assert "an earlier run's" not in written.read_text(encoding="utf-8")


@pytest.mark.parametrize("option", OPTIONS)
def test_each_needs_a_name(runner: Runner, local: str, option: str) -> None:
    suite = runner.run(local, f"{option}=", *ONE_RULE)
    assert suite.status == 4, suite.output
    assert f"{option}=: names no file" in suite.errors


def test_results_say_where_a_host_is_declared(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL)
    suite = runner.run(f"--inventory={inventory}", f"--evidence={runner.folder / 'e'}", *ONE_RULE)
    assert suite.run is not None
    (host,) = suite.run.hosts
    assert host.declared_at == PlaceRecord(file=str(inventory), line=3)
    suite = runner.run(f"--from-evidence={runner.folder / 'e'}", *ONE_RULE)
    assert suite.run is not None
    assert [host.declared_at for host in suite.run.hosts] == [None]


@pytest.mark.parametrize("annotator", ANNOTATORS, ids=lambda annotator: annotator.name)
def test_each_annotation_points_into_the_inventory(
    runner: Runner, annotator: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    inventory = runner.inventory("all: {hosts: {here: {ansible_host: 127.0.0.1, ansible_port: 1}}}")
    told, quiet = (
        runner.run(f"--inventory={inventory}", f"--annotations={one}", *ONE_RULE)
        for one in (annotator.name, "none")
    )
    assert (told.status, quiet.status) == (1, 1), told.output
    (added,) = [line for line in told.output.splitlines() if "host-reachable (critical," in line]
    assert inventory.name in added
    assert "host-reachable (critical," not in quiet.output

"""GitHub's annotations: where they point, and that nothing breaks out of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.results import PlaceRecord, Run
from nethygiene.report.github_annotations import github_annotations
from nethygiene.report.run_report import RunReport
from nethygiene.report.writers import annotator_for
from tests.report import runs
from tests.report.runs import SOMAXCONN, host, result, run, somaxconn


def commands(of: Run, file: str = "hosts.yaml") -> list[str]:
    hosts = tuple(
        host.model_copy(update={"declared_at": PlaceRecord(file=file, line=line)})
        for line, host in enumerate(of.hosts, start=10)
    )
    placed = of.model_copy(update={"hosts": hosts})
    return list(github_annotations(RunReport(placed, Severity.MEDIUM)))


def test_they_point_at_the_host_in_the_inventory() -> None:
    told = commands(runs.mixed())
    assert (
        "::error file=hosts.yaml,line=11,title=web-1%3A 2 findings::"
        "accept-queue-not-overflowing (high, failed): TcpExtListenOverflows is "
    ) in told[1]
    assert "%0Asomaxconn-covers-backlog (high, failed): [shop] net.core.somaxconn" in told[1]
    assert [one.split(",title")[0] for one in told] == [
        "::error file=hosts.yaml,line=14",
        "::error file=hosts.yaml,line=11",
        "::error file=hosts.yaml,line=12",
        "::warning file=hosts.yaml,line=12",
        "::warning file=hosts.yaml,line=13",
    ]


def test_a_host_of_json_has_no_line() -> None:
    lost = host("a").model_copy(update={"declared_at": PlaceRecord(file="hosts.json")})
    failed = [result(SOMAXCONN, "a", Outcome.FAILED, message="m")]
    report = RunReport(run([lost], [SOMAXCONN], failed, 1), Severity.MEDIUM)
    (told,) = github_annotations(report)
    assert told.startswith("::error file=hosts.json,title=a%3A 1 finding::")


def test_they_name_the_remedy_that_a_finding_has_of_its_own() -> None:
    told = commands(runs.with_own_remedies())
    assert told[0].endswith(f"expected at least 16384 Remedy: Raise it. `{runs.LONG}`")
    assert told[3].endswith("expected at least 16384")


def test_nothing_of_a_host_breaks_out_of_a_command() -> None:
    name = "evil%0A::error::,file=x:\n::warning::y\r"
    failed = [result(SOMAXCONN, name, Outcome.FAILED, message=f"{name}\u2028::error::z")]
    (told,) = commands(run([host(name)], [SOMAXCONN], failed, 1), "a,b:c%.yaml")
    assert len(told.splitlines()) == 1
    properties, _, data = told.removeprefix("::error ").partition("::")
    keys = [one.partition("=")[0] for one in properties.split(",")]
    assert keys == ["file", "line", "title"]
    assert "file=a%2Cb%3Ac%25.yaml" in properties
    assert not re.search(r"%(?!25|0A|0D|3A|2C)", told)
    assert "\r" not in data


def test_no_more_than_github_shows_and_the_rest_is_named() -> None:
    hosts = [host(f"web-{number:03}") for number in range(400)]
    failed = [result(SOMAXCONN, one.name, Outcome.FAILED, seen=[somaxconn(1)]) for one in hosts]
    told = commands(run(hosts, [SOMAXCONN], failed, 1))
    assert len(told) == 11
    assert told[-1].startswith("::notice title=390 more hosts with findings (error)::web-010, ")


def test_paths_are_told_from_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    told = commands(runs.mixed(), str(tmp_path / "deploy" / "hosts.yaml"))
    assert told[0].startswith("::error file=deploy/hosts.yaml,line=14,")


@pytest.mark.parametrize(
    ("option", "there", "wanted"),
    [(None, "true", True), (None, "", False), ("none", "true", False), ("github", "", True)],
)
def test_github_turns_them_on(
    monkeypatch: pytest.MonkeyPatch, option: str | None, there: str, wanted: bool
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", there)
    assert (annotator_for(option) is not None) is wanted

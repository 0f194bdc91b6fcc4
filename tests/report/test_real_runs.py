"""Reports of real runs: pytest-html's file with our report in it, JUnit, the options."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from nethygiene.engine.results import Run
from tests.plugin.conftest import CHECKS, LOCAL, Runner, runner
from tests.report.conftest import OpenReport

pytestmark = pytest.mark.slow  # whole audits

__all__ = ["runner"]

BROKEN = LOCAL + "  vars: {nethygiene: {min_somaxconn: 2000000000}}\n"
HOSTILE = r"<img src=x onerror=window.harmed=1>\x1b[31m\u202e</script><script>window.harmed=1"
MIXED = f'''
from nethygiene.rules import *

@rule(severity="high", kind="setting", incidents=["S3"])
def test_mine(kernel, expect):
    """Mine.

    Why: a test.
    Remedy: none.
    References: none.
    """
    expect("alias {HOSTILE}", "{HOSTILE}", equal_to("tame"))

def test_plain(host):
    """A check of a user's own."""
    assert host.user().name == "nobody at all"

def test_plain_passes(host):
    """Another."""

def test_of_somebody_else():
    assert 1 == 2, "theirs"
'''


def junit(path: Path) -> dict[str, ET.Element]:
    cases = ET.parse(path).getroot().iter("testcase")
    return {f"{case.attrib['classname']}::{case.attrib['name']}": case for case in cases}


def test_the_file_has_our_report_and_no_row_of_ours(runner: Runner, opened: OpenReport) -> None:
    path = runner.folder / "report.html"
    inventory = runner.inventory(BROKEN)
    runner.run(f"--inventory={inventory}", f"--html={path}", "--self-contained-html")
    shown = opened(path)
    assert "Findings" in shown.text(".nh-verdict")
    assert "at least 2000000000" in shown.text('[id="rule=somaxconn-meets-policy"]')
    assert shown.page.locator("#results-table .results-table-row:visible").count() == 0
    assert shown.complaints == []
    assert len([one for one in shown.requests if not one.startswith("data:")]) == 1


def test_other_tests_of_the_run_still_show_and_hosts_do_no_harm(
    runner: Runner, opened: OpenReport
) -> None:
    path = runner.folder / "report.html"
    inventory = runner.inventory(LOCAL)
    suite = runner.check(
        MIXED, f"--inventory={inventory}", f"--html={path}", "--self-contained-html"
    )
    assert suite.status == 1
    assert not {"\x1b", "\u202e"} & set(suite.output.replace("\x1b[", ""))
    shown = opened(path)
    assert "2 rules at or above medium failed" in shown.text(".nh-verdict")
    assert r"\x1b[31m\u202e</script>" in shown.text('[id="rule=mine"]')
    assert shown.page.evaluate("window.harmed") is None
    table = shown.text("#results-table")
    assert "test_of_somebody_else" in table
    assert "test_plain[here]" in table
    assert "::test_mine" not in table
    assert "test_plain_passes" not in table
    assert shown.complaints == []


def test_workers_make_the_same_files(runner: Runner, opened: OpenReport) -> None:
    inventory = f"--inventory={runner.inventory(BROKEN)}"
    evidence = runner.folder / "evidence.jsonl"
    runner.run(inventory, f"--evidence={evidence}", "--window=0")
    selected = (str(CHECKS), "-k", "somaxconn or routes or mine or plain or somebody")
    alone, distributed = (
        _files(runner, folder, inventory, f"--from-evidence={evidence}", *selected, *more)
        for folder, more in (("alone", ()), ("distributed", ("-n", "2")))
    )
    assert alone.keys() == distributed.keys()
    for name, text in alone.items():
        assert text == distributed[name], name
    assert "somaxconn-meets-policy" in alone["results.json"]
    for folder in ("alone", "distributed"):
        table = opened(runner.folder / folder / "report.html").text("#results-table")
        assert "test_of_somebody_else" in table
        assert "test_somaxconn" not in table
        assert "test_plain" not in table
        # Nor does pytest-html keep what it does not show.
        html = (runner.folder / folder / "report.html").read_text(encoding="utf-8")
        (kept,) = re.findall(r'data-jsonblob="([^"]*)"', html)
        assert "somaxconn" not in kept


def _files(runner: Runner, folder: str, *arguments: str) -> dict[str, str]:
    """Every file that a run can write, without its times, its id, and the order of its tests."""
    there = runner.folder / folder
    there.mkdir()
    runner.check(
        MIXED,
        *arguments,
        f"--html={there / 'report.html'}",
        "--self-contained-html",
        f"--junit-xml={there / 'junit.xml'}",
        f"--summary-md={there / 'summary.md'}",
        f"--results={there / 'results.json'}",
    )
    results = (there / "results.json").read_text(encoding="utf-8")
    run = Run.model_validate_json(results)
    texts = {
        "report.html": (there / "report.html").read_text(encoding="utf-8"),
        "summary.md": (there / "summary.md").read_text(encoding="utf-8"),
        "results.json": results,
    }
    (ours,) = re.findall('<main id="nethygiene".*</main>', texts["report.html"], re.DOTALL)
    (data,) = re.findall('id="nh-data">.*?</script>', texts["report.html"], re.DOTALL)
    texts["report.html"] = ours + data
    own = "|".join(map(re.escape, (run.run_id, run.started, run.finished)))
    texts = {name: re.sub(own, "", text) for name, text in texts.items()}
    cases = junit(there / "junit.xml")
    for case in cases.values():
        del case.attrib["time"]
    texts["junit.xml"] = "\n".join(sorted(ET.tostring(one).decode() for one in cases.values()))
    return texts


def test_junit_names_are_the_same_from_anywhere(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL)
    names = []
    for folder in ("here", "elsewhere/deep"):
        there = runner.folder / folder
        there.mkdir(parents=True)
        runner.pytester.chdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(there)
            path = there / "junit.xml"
            rootdir = f"--rootdir={there}"
            runner.run(f"--inventory={inventory}", f"--junit-xml={path}", rootdir, checks=CHECKS)
        names.append(sorted(junit(path)))
    assert names[0] == names[1]
    assert "checks.test_accept_queue::test_somaxconn_meets_policy[here]" in names[0]
    assert "checks.test_reachability::test_host_reachable[here]" in names[0]


def test_junit_has_properties_and_our_message_for_an_unknown(runner: Runner) -> None:
    inventory = runner.inventory(BROKEN)
    unknown = MIXED.replace('expect("alias', 'unknown("no idea & <b>"); expect("alias')
    path = runner.folder / "junit.xml"
    runner.check(unknown, f"--inventory={inventory}", f"--junit-xml={path}")
    case = junit(path)["test_mine::test_mine[here]"]
    (error,) = case.iter("error")
    assert error.attrib["message"] == "here: no idea & <b>"
    properties = [(one.attrib["name"], one.attrib["value"]) for one in case.iter("property")]
    assert properties[:4] == [
        ("rule", "mine"),
        ("host", "here"),
        ("severity", "high"),
        ("outcome", "unknown"),
    ]
    assert {"fingerprint", "reason"} <= dict(properties).keys()


def test_every_result_has_its_properties_in_junit(runner: Runner) -> None:
    inventory = runner.inventory(BROKEN)
    path = runner.folder / "junit.xml"
    runner.run(f"--inventory={inventory}", f"--junit-xml={path}")
    for name, case in junit(path).items():
        keys = [one.attrib["name"] for one in case.iter("property")]
        about = "group" if "[group=" in name else "host"
        assert {"rule", about, "severity", "fingerprint"} <= set(keys), name
        assert len([key for key in keys if key == "rule"]) == 1, name


def test_annotations_and_markdown_by_option(runner: Runner) -> None:
    inventory = runner.inventory(BROKEN)
    path = runner.folder / "made" / "summary.md"
    suite = runner.run(
        f"--inventory={inventory}",
        "-k",
        "somaxconn_meets",
        "--annotations=github",
        f"--summary-md={path}",
    )
    assert "::error file=inventory.yaml,line=3,title=here%3A 1 finding::" in suite.output
    assert path.read_text(encoding="utf-8").startswith("## ❌ Findings")


def test_github_alone_turns_annotations_on_and_finds_the_host_in_them(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("deploy/jobs", "deploy/hosts"):
        (runner.folder / folder).mkdir(parents=True)
    inventory = runner.inventory(BROKEN, "deploy/hosts/all.yaml")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(runner.folder))
    monkeypatch.chdir(runner.folder / "deploy" / "jobs")
    suite = runner.run("--inventory=../hosts/all.yaml", "-k", "somaxconn_meets")
    (told,) = (line for line in suite.output.split("\n") if line.startswith("::"))
    assert told.startswith("::error file=deploy/hosts/all.yaml,line=3,title=here%3A 1 finding::")
    assert inventory.read_text(encoding="utf-8").split("\n")[3 - 1].strip().startswith("here:")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--annotations=gitlab", "--annotations=gitlab: give none or github"),
        ("--summary-md=", "--summary-md=: names no file"),
        ("--summary-md=/", "--summary-md=/: is a folder"),
    ],
)
def test_wrong_options_are_told(runner: Runner, option: str, message: str) -> None:
    inventory = runner.inventory(LOCAL)
    suite = runner.run(f"--inventory={inventory}", option)
    assert suite.status == 4
    assert message in suite.errors + suite.output

"""Results of groups in the terminal, in Markdown and on the page."""

from __future__ import annotations

import dataclasses
import re

from nethygiene.engine.outcomes import Outcome, Reason, Severity
from nethygiene.engine.results import GroupRecord, Result, Run, fingerprint, summarize
from nethygiene.report.console import summary_lines
from nethygiene.report.run_report import RunReport
from nethygiene.report.summary_markdown import summary_markdown
from tests.report import runs
from tests.report.conftest import OpenReport
from tests.report.document import document
from tests.report.runs import SOMAXCONN, host, result, rule, somaxconn

HELD = rule("virtual-address-held-once", Severity.CRITICAL, title="One member holds it")


def of_group(name: str, item: str, outcome: Outcome, reason: Reason | None = None) -> Result:
    seen = runs.expected("10.0.3.100", "held by one member", "held by no member", "ip -o addr")
    made = result(HELD, name, outcome, item=item, reason=reason, seen=[seen])
    identity = fingerprint(HELD.id, None, item, group=name)
    return dataclasses.replace(made, host=None, group=name, fingerprint=identity)


def two_groups() -> Run:
    """One group fails, and one lacks a member that was not read."""
    hosts = [host("db-1"), host("db-2"), host("web-1"), host("web-2", error="refused: start sshd")]
    alone = runs.run(
        hosts,
        [HELD, SOMAXCONN],
        [
            result(SOMAXCONN, "db-1", Outcome.FAILED, seen=[somaxconn(128)]),
            result(SOMAXCONN, "web-2", Outcome.UNKNOWN, reason=Reason.UNREACHABLE, message="x"),
        ],
        1,
    )
    results = (
        *alone.results,
        of_group("db", "database", Outcome.FAILED),
        of_group("web", "shop", Outcome.UNKNOWN, Reason.UNREACHABLE),
    )
    groups = (
        GroupRecord(name="db", members=("db-1", "db-2")),
        GroupRecord(name="web", members=("web-1", "web-2")),
    )
    return alone.model_copy(
        update={"results": results, "groups": groups, "summary": summarize(results)}
    )


def told() -> str:
    lines = summary_lines(RunReport(two_groups(), Severity.MEDIUM, []), width=80, verbose=False)
    return " ".join(" ".join(line.text for line in lines).split())


def test_the_terminal_tells_groups_from_hosts() -> None:
    said = told()
    assert "FAILED virtual-address-held-once (critical) on 1 group" in said
    assert "- group db [database]: 10.0.3.100 is held by no member" in said
    assert "UNKNOWN 2 results of hosts that were not read, or not to the end, and of their" in said
    assert "- web-2: see host-reachable" in said
    assert "4 hosts (1 not reached), 2 groups, 2 rules, 4 results" in said


def test_the_summary_for_a_job_names_the_hosts_that_were_not_read() -> None:
    text = summary_markdown(RunReport(two_groups(), Severity.MEDIUM, []))
    assert "- 2 results of hosts that were not read, and of their groups: web-2" in text


def test_a_card_of_a_group_says_so() -> None:
    page = document(two_groups())
    heads = re.findall(r"<th[^>]*>(Host|Group)</th>", page)
    assert {"Host", "Group"} == set(heads)


def test_a_group_has_its_row_and_its_panel(opened: OpenReport) -> None:
    shown = opened(two_groups())
    shown.go("matrix")
    assert shown.text("#nh-head .nh-corner, .nh-corner") == "Host or group"
    shown.go("host=group db")
    assert "db-1" in shown.text("#nh-panel")

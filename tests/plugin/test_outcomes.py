"""What results become: pytest's outcomes, the exit status, JUnit, the HTML report."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from nethygiene.engine.outcomes import Outcome, Reason
from tests.plugin.conftest import LOCAL, Runner

# Port 1 on loopback: nothing listens there, and the refusal is immediate.
UNREACHABLE = "    gone: {ansible_host: 127.0.0.1, ansible_port: 1}\n"
IMPOSSIBLE = "  vars: {nethygiene: {min_somaxconn: 2000000000}}\n"

RULE = '''
from nethygiene.rules import *

@rule(severity="{severity}", kind="setting", incidents=["S3"])
def test_mine(sysctl, policy, kernel, expect):
    """Mine.

    Why: a test.
    Remedy: none.
    References: none.
    """
    {body}
'''


def test_a_clean_host_passes(runner: Runner, local: str) -> None:
    suite = runner.run(local, "-k", "timestamps")
    assert suite.status == 0
    assert suite.outcomes("tcp-timestamps-enabled") == {"here": "passed"}
    assert "CLEAN" in suite.output


def test_a_failure_exits_1_and_names_value_and_remedy(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL + IMPOSSIBLE)
    suite = runner.run(f"--inventory={inventory}", "-k", "somaxconn_meets")
    assert suite.status == 1
    assert suite.outcomes("somaxconn-meets-policy") == {"here": "failed"}
    assert "expected at least 2000000000" in suite.output
    assert "sysctl -w net.core.somaxconn" in suite.output
    assert "Traceback" not in suite.output


@pytest.mark.parametrize(("level", "status"), [("high", 1), ("critical", 0)])
def test_below_fail_on_a_failure_is_shown_but_fails_nothing(
    runner: Runner, level: str, status: int
) -> None:
    inventory = runner.inventory(LOCAL + IMPOSSIBLE)
    suite = runner.run(
        f"--inventory={inventory}", "-k", "somaxconn_meets or timestamps", f"--fail-on={level}"
    )
    assert suite.status == status
    assert suite.outcomes("somaxconn-meets-policy") == {"here": "failed"}
    assert "1 failed" in suite.output


def test_an_unreachable_host_fails_once_and_leaves_the_rest_unknown(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL + UNREACHABLE)
    suite = runner.run(f"--inventory={inventory}")
    assert suite.status == 1
    assert suite.outcomes("host-reachable") == {"here": "passed", "gone": "failed"}
    assert suite.run is not None
    others = [one for one in suite.run.results if one.host == "gone"]
    unknown = {one.rule for one in others if one.reason is Reason.UNREACHABLE}
    assert "tcp-tw-recycle-disabled" in unknown
    # What the policy alone says holds for a host that was not read, too; nothing else does.
    by_policy = {Reason.NOT_DECLARED, Reason.POLICY_ANY}
    undeclared = {one.rule for one in others if one.reason in by_policy}
    assert {one.rule for one in others} == unknown | undeclared | {"host-reachable"}
    assert suite.said.count("refused the connection") == 1, "the story is told once"
    (host,) = (one for one in suite.run.hosts if one.name == "gone")
    assert not host.reachable
    assert host.error is not None
    assert "refused" in host.error


def test_an_unknown_alone_exits_10(runner: Runner, local: str) -> None:
    suite = runner.check(RULE.format(severity="high", body='unknown("no idea")'), local)
    assert suite.status == 10
    assert suite.outcomes("mine") == {"here": "unknown"}
    assert "1 unknown" in suite.output


def test_an_unknown_below_fail_on_exits_0(runner: Runner, local: str) -> None:
    suite = runner.check(RULE.format(severity="low", body='unknown("no idea")'), local)
    assert suite.outcomes("mine") == {"here": "unknown"}
    assert suite.status == 0


def test_nothing_judged_exits_11(runner: Runner, local: str) -> None:
    suite = runner.check(RULE.format(severity="low", body='not_applicable("not here")'), local)
    assert suite.outcomes("host-reachable") == {"here": "passed"}
    assert suite.status == 11
    assert "NOTHING JUDGED" in suite.output


def test_a_rule_that_crashes_is_unknown_and_exits_3(runner: Runner, local: str) -> None:
    suite = runner.check(RULE.format(severity="low", body="1 / 0"), local)
    assert suite.status == 3
    (result,) = suite.results("mine")
    assert result.outcome is Outcome.UNKNOWN
    assert result.reason is Reason.RULE_CRASHED
    assert "ZeroDivisionError" in result.message
    crashed = suite.output.partition("- mine crashed -")[2]
    assert "in test_mine" in crashed, "its author sees where"


def test_a_rule_that_is_declared_wrongly_tells_its_author(runner: Runner, local: str) -> None:
    suite = runner.check(RULE.format(severity="urgent", body="pass"), local)
    assert suite.status == 2
    assert "severity 'urgent' is none of low, medium, high, critical" in suite.output


def test_unknown_is_an_error_in_junit_and_not_applicable_is_skipped(runner: Runner) -> None:
    inventory = runner.inventory(
        LOCAL + UNREACHABLE + "  vars: {nethygiene: {tw_reuse: any, min_somaxconn: 2000000000}}\n"
    )
    path = runner.folder / "junit.xml"
    runner.run(f"--inventory={inventory}", f"--junit-xml={path}")
    cases = {
        case.attrib["name"]: {child.tag for child in case if child.tag != "properties"}
        for case in ET.parse(path).getroot().iter("testcase")
    }
    assert cases["test_tcp_timestamps_enabled[here]"] == set()
    assert cases["test_tcp_timestamps_enabled[gone]"] == {"error"}
    assert cases["test_host_reachable[gone]"] == {"failure"}
    assert cases["test_tcp_tw_reuse_matches_policy[here]"] == {"skipped"}
    assert cases["test_somaxconn_meets_policy[here]"] == {"failure"}


def test_a_failure_in_junit_ends_in_its_own_remedy(runner: Runner) -> None:
    inventory = runner.inventory(LOCAL + IMPOSSIBLE)
    path = runner.folder / "junit.xml"
    suite = runner.run(f"--inventory={inventory}", f"--junit-xml={path}", "-k", "somaxconn_meets")
    (result,) = suite.results("somaxconn-meets-policy")
    assert "`sysctl -w net.core.somaxconn=2000000000`" in result.remedy
    (failure,) = ET.parse(path).getroot().iter("failure")
    assert failure.attrib["message"] == f"here: {result.message}"
    assert failure.text == f"here: {result.message}\n\nRemedy:\n{result.remedy}"


def test_waived_covers_a_failure_and_never_an_unknown(runner: Runner) -> None:
    waiver = "{rule: somaxconn-meets-policy, until: 2099-01-01, owner: netops, reason: NET-1}"
    inventory = runner.inventory(
        LOCAL
        + UNREACHABLE
        + f"  vars: {{nethygiene: {{min_somaxconn: 2000000000, waivers: {{old: {waiver}}}}}}}\n"
    )
    suite = runner.run(f"--inventory={inventory}", "-k", "somaxconn_meets")
    assert suite.outcomes("somaxconn-meets-policy") == {"here": "waived", "gone": "unknown"}
    (waived,) = (one for one in suite.results("somaxconn-meets-policy") if one.host == "here")
    assert waived.waiver is not None
    assert waived.waiver.owner == "netops"
    assert "waived until 2099-01-01 by netops" in suite.said


def test_an_expired_waiver_is_said_aloud_and_covers_nothing(runner: Runner) -> None:
    waiver = "{rule: somaxconn-meets-policy, until: 2020-01-01, owner: netops, reason: NET-1}"
    idle = "{rule: tcp-timestamps-enabled, until: 2099-01-01, owner: me, reason: none}"
    inventory = runner.inventory(
        LOCAL
        + "  vars: {nethygiene: {min_somaxconn: 2000000000, waivers: "
        + f"{{old: {waiver}, idle: {idle}}}}}}}\n"
    )
    suite = runner.run(f"--inventory={inventory}", "-k", "somaxconn_meets or timestamps")
    assert suite.status == 1
    assert suite.outcomes("somaxconn-meets-policy") == {"here": "failed"}
    assert "waiver old of somaxconn-meets-policy (owner netops) expired" in suite.said
    assert "waiver idle of tcp-timestamps-enabled (owner me) covers nothing" in suite.said


def test_the_html_report_escapes_and_tells_the_verdict(runner: Runner, local: str) -> None:
    path = runner.folder / "report.html"
    body = 'expect("<script>alert(1)</script>", 1, equal_to(2))'
    runner.check(
        RULE.format(severity="high", body=body), local, f"--html={path}", "--self-contained-html"
    )
    html = path.read_text(encoding="utf-8")
    assert "<script>alert(1)" not in html
    assert "1 rule at or above medium failed on 1 host" in html


def test_escapes_of_a_terminal_are_shown_not_obeyed(runner: Runner, local: str) -> None:
    body = r'expect("\x1b[31mred\u202e", 1, equal_to(2))'
    suite = runner.check(RULE.format(severity="high", body=body), local)
    assert "\x1b[31mred" not in suite.output
    assert r"\x1b[31mred\u202e" in suite.output

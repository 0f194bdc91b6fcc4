"""Rules that judge the members of a group as one."""

from __future__ import annotations

import json

import pytest

from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.engine.results import fingerprint
from tests.plugin.conftest import Runner, Suite

RULE = """
from nethygiene.rules import *

@rule(severity="high", kind="setting", incidents=["S1.7"], scope="group")
def test_members_agree(sysctl, group, expect):
    '''All members have the same backlog.

    Why: a member that differs fails alone.
    Remedy: set it alike.
    References: none
    '''
    values = sysctl.read(lambda one: one["net.core.somaxconn"])
    expect("values of somaxconn", len(set(values.values())), at_most(WANTED))
    expect("members", len(group.members), at_least(1))
"""
UNREACHABLE = "{ansible_host: 127.0.0.1, ansible_port: 1}"
LOCAL = "{ansible_connection: local}"


def inventory(second: str = LOCAL) -> str:
    return f"""
all:
  children:
    db:
      hosts:
        one: {LOCAL}
        two: {second}
    web: {{hosts: {{three: {LOCAL}}}}}
"""


def check(runner: Runner, *arguments: str, wanted: int = 1, second: str = LOCAL) -> Suite:
    path = runner.inventory(inventory(second))
    rule = RULE.replace("WANTED", str(wanted))
    return runner.check(rule, f"--inventory={path}", "--window=0", *arguments)


def test_a_group_has_one_result(runner: Runner) -> None:
    suite = check(runner)
    assert suite.status == 0, suite.output
    assert suite.outcomes("members-agree") == {"group db": "passed", "group web": "passed"}
    db = next(one for one in suite.results("members-agree") if one.group == "db")
    assert db.host is None
    assert [one.what for one in db.observations][:2] == [
        "one: net.core.somaxconn",
        "two: net.core.somaxconn",
    ]
    assert db.fingerprint == fingerprint("members-agree", None, None, group="db")
    assert db.fingerprint != fingerprint("members-agree", "db", None)
    assert suite.run is not None
    assert [(one.name, one.members) for one in suite.run.groups] == [
        ("db", ("one", "two")),
        ("web", ("three",)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["alone", "xdist"])
def test_every_report_shows_what_a_group_came_to(
    runner: Runner, arguments: tuple[str, ...]
) -> None:
    folder = runner.folder
    suite = check(
        runner,
        f"--html={folder / 'report.html'}",
        f"--summary-md={folder / 'summary.md'}",
        f"--junit-xml={folder / 'junit.xml'}",
        "--annotations=github",
        *arguments,
        wanted=0,
    )
    assert suite.status == 1, suite.output
    assert "FAILED members-agree (high) on 2 groups" in suite.output
    assert "group db, group web: values of somaxconn is 1, expected at most 0" in suite.said
    assert "inventory.yaml,line=6,title=group db%3A 1 finding" in suite.output
    written = {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}
    assert "(high) on 2 groups" in written["summary.md"]
    assert "group db" in written["report.html"]
    assert 'name="group" value="db"' in written["junit.xml"]
    assert "test_members_agree[group=db]" in written["junit.xml"]


def test_the_file_says_by_its_version_that_groups_may_come(runner: Runner) -> None:
    suite = check(runner)
    assert suite.run is not None
    written = json.loads(suite.run.model_dump_json(by_alias=True))
    assert written["schema"] == 2
    assert {one["host"] for one in written["results"]} == {"one", "two", "three", None}


def test_an_unread_member_makes_it_unknown(runner: Runner) -> None:
    suite = check(runner, second=UNREACHABLE)
    db = next(one for one in suite.results("members-agree") if one.group == "db")
    assert (db.outcome, db.reason) == (Outcome.UNKNOWN, Reason.UNREACHABLE)
    assert "two" in db.message
    assert suite.outcomes("members-agree")["group web"] == "passed"


def test_a_failure_that_is_certain_stands(runner: Runner) -> None:
    suite = check(runner, second=UNREACHABLE, wanted=0)
    db = next(one for one in suite.results("members-agree") if one.group == "db")
    assert db.outcome is Outcome.FAILED
    assert "also unknown: two" in db.message


def test_members_outside_the_limit_make_it_unknown(runner: Runner) -> None:
    suite = check(runner, "--limit=one")
    (db,) = suite.results("members-agree")
    assert db.outcome is Outcome.UNKNOWN
    assert db.message == "1 of 2 members are outside --limit"


def test_it_is_selected_and_judged_from_evidence(runner: Runner) -> None:
    evidence = runner.folder / "evidence.jsonl"
    check(runner, f"--evidence={evidence}")
    rule = RULE.replace("WANTED", "1")
    suite = runner.check(rule, f"--from-evidence={evidence}", "-k", "members_agree and db")
    assert suite.outcomes("members-agree") == {"group db": "passed"}
    assert set(suite.outcomes("host-reachable")) == {"one", "two"}


WAIVER = "{waivers: {x: {rule: members-agree, until: 2099-01-01, owner: o, reason: r}}}"
ON_THE_GROUP = f"""
all:
  children:
    db:
      hosts: {{one: {LOCAL}, two: {LOCAL}}}
      vars: {{nethygiene: {WAIVER}}}
"""
ON_ONE_MEMBER = f"""
all:
  children:
    db:
      hosts: {{one: {{ansible_connection: local, nethygiene: {WAIVER}}}, two: {LOCAL}}}
"""


@pytest.mark.parametrize(("text", "outcome"), [(ON_THE_GROUP, "waived"), (ON_ONE_MEMBER, "failed")])
def test_a_waiver_covers_a_group_whose_members_all_have_it(
    runner: Runner, text: str, outcome: str
) -> None:
    rule = RULE.replace("WANTED", "0")
    suite = runner.check(rule, f"--inventory={runner.inventory(text)}", "--window=0")
    assert suite.outcomes("members-agree") == {"group db": outcome}, suite.output


def test_evidence_says_how_many_members_a_group_has(runner: Runner) -> None:
    """Else a group would pass by the one member that a limited run has read."""
    for redacted in ((), ("--redact",)):
        evidence = runner.folder / "evidence.jsonl"
        check(runner, f"--evidence={evidence}", "--limit=one", *redacted)
        suite = runner.check(RULE.replace("WANTED", "1"), f"--from-evidence={evidence}")
        (db,) = suite.results("members-agree")
        assert (db.outcome, db.message) == (Outcome.UNKNOWN, "the evidence holds 1 of 2 members")
    check(runner, f"--evidence={evidence}")
    lines = [json.loads(line) for line in evidence.read_text().splitlines()]
    for line in lines[1:]:
        assert line.pop("group_sizes")
    evidence.write_text("".join(json.dumps(line) + "\n" for line in lines))
    suite = runner.check(RULE.replace("WANTED", "1"), f"--from-evidence={evidence}")
    assert set(suite.outcomes("members-agree").values()) == {"unknown"}
    assert "evidence of an earlier version does not say" in suite.said


def test_a_member_that_was_lost_half_way_lets_no_group_pass(runner: Runner) -> None:
    evidence = runner.folder / "evidence.jsonl"
    check(runner, f"--evidence={evidence}")
    lines = [json.loads(line) for line in evidence.read_text().splitlines()]
    lost = next(line for line in lines if line.get("host") == "two")
    lost["failure"] = {"code": "closed", "message": "the connection ended", "cure": ""}
    assert "sysctl" in lost["sections"], "the fact that the rule reads is there"
    evidence.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for wanted, outcome in ((1, Outcome.UNKNOWN), (0, Outcome.FAILED)):
        rule = RULE.replace("WANTED", str(wanted))
        suite = runner.check(rule, f"--from-evidence={evidence}")
        db = next(one for one in suite.results("members-agree") if one.group == "db")
        assert (db.outcome, "two" in db.message) == (outcome, True)


UNASKED = RULE.replace(
    '    values = sysctl.read(lambda one: one["net.core.somaxconn"])\n', ""
).replace("len(set(values.values()))", "0")


def test_an_unread_member_counts_though_the_rule_never_asks_it(runner: Runner) -> None:
    path = runner.inventory(inventory(UNREACHABLE))
    suite = runner.check(UNASKED.replace("WANTED", "1"), f"--inventory={path}", "--window=0")
    assert suite.outcomes("members-agree") == {"group db": "unknown", "group web": "passed"}


def test_ctrl_c_ends_the_run_and_what_was_read_is_judged(runner: Runner) -> None:
    once = """    if not SEEN:
        SEEN.append(group)
        raise KeyboardInterrupt
    expect("members"
"""
    rule = RULE.replace("WANTED", "1").replace('    expect("members"', once.rstrip())
    rule = rule.replace("@rule", "SEEN = []\n\n@rule")
    suite = runner.check(rule, f"--inventory={runner.inventory(inventory())}", "--window=0")
    assert suite.status == 2, suite.output
    assert suite.outcomes("members-agree") == {"group db": "passed", "group web": "passed"}


def test_declared_wrongly(runner: Runner) -> None:
    wrong = RULE.replace("sysctl, group", "service, group")
    path = runner.inventory(inventory())
    suite = runner.check(wrong, f"--inventory={path}")
    assert "no probe or item is called 'service'" in suite.said

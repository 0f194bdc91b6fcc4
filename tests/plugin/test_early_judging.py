"""Hosts are judged while others are waited for; their answers are kept for those who need them."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Runner

RULE = """
from pathlib import Path
from nethygiene.rules import *

@rule(severity="high", kind="setting", incidents=["S3"])
def test_a_rule(sysctl, expect):
    '''Rule.

    Why: a.
    Remedy: b.
    References: c.
    '''
    with Path("judged").open("a") as log:
        log.write("x")
    expect("syncookies", sysctl["net.ipv4.tcp_syncookies"], at_least(0))
"""
HELD = """
from pathlib import Path
from nethygiene.plugin.audit_of_run import audit_of

def pytest_sessionfinish(session):
    subjects = [audit_of(session.config).subject(name) for name in ("one", "two")]
    Path("held").write_text(str([bool(one.transcript.sections) for one in subjects]))
"""
CHECK = """
def test_fact(sysctl, machine):
    assert sysctl["net.ipv4.tcp_syncookies"] is not None
    assert machine.boot_id
"""
TWO = "all: {hosts: {one: {ansible_connection: local}, two: {ansible_connection: local}}}\n"


@pytest.mark.parametrize(("more", "held"), [("", "[False, False]"), (CHECK, "[True, True]")])
def test_each_rule_judges_once_and_answers_are_let_go_of(
    runner: Runner, more: str, held: str
) -> None:
    inventory = runner.inventory(TWO)
    (runner.folder / "conftest.py").write_text(HELD)
    suite = runner.check(RULE + more, f"--inventory={inventory}", "--window=0")
    assert suite.status == 0, suite.output
    assert (runner.folder / "judged").read_text() == "xx"
    assert (runner.folder / "held").read_text() == held
    assert suite.outcomes("a-rule") == {"one": "passed", "two": "passed"}
    assert suite.run is not None
    assert suite.run.cut_short is None
    assert all(host.boot_id and host.os for host in suite.run.hosts)


LISTENER = """
def pytest_runtest_logreport(report):
    with open("heard", "a") as log:
        log.write(f"{report.nodeid.rpartition('::')[2]} {report.when}\\n")
"""


def test_another_plugin_hears_of_the_end_of_each_test(runner: Runner) -> None:
    (runner.folder / "conftest.py").write_text(LISTENER)
    suite = runner.check(RULE, f"--inventory={runner.inventory(TWO)}", "--window=0")
    assert suite.status == 0, suite.output
    heard = (runner.folder / "heard").read_text().splitlines()
    for host in ("one", "two"):
        assert f"test_a_rule[{host}] call" in heard
        assert f"test_a_rule[{host}] teardown" in heard


INTERRUPTED = """
from nethygiene.rules import *

SEEN = []

@rule(severity="high", kind="setting", incidents=["S3"])
def test_a_rule(sysctl, expect):
    '''Rule.

    Why: a.
    Remedy: b.
    References: c.
    '''
    SEEN.append(sysctl._values)
    if len(SEEN) == 1:
        raise KeyboardInterrupt
    expect("the very same fact", SEEN[0] is SEEN[1], equal_to(False))
"""


def test_after_an_interruption_no_fact_is_used_that_may_be_half_made(runner: Runner) -> None:
    inventory = runner.inventory("all: {hosts: {one: {ansible_connection: local}}}\n")
    suite = runner.check(INTERRUPTED, f"--inventory={inventory}", "--window=0")
    assert suite.status == 2, suite.output
    assert suite.outcomes("a-rule") == {"one": "passed"}


def test_what_was_judged_early_and_never_reported_is_no_rule_of_the_report(runner: Runner) -> None:
    inventory = runner.inventory("all: {hosts: {one: {ansible_host: 127.0.0.1, ansible_port: 1}}}")
    suite = runner.check(RULE, f"--inventory={inventory}", "--window=0", "-x")
    assert suite.status == 1, suite.output
    assert suite.run is not None
    assert [one.id for one in suite.run.rules] == ["host-reachable"]
    assert "1 host (1 not reached), 1 rule, 1 result:" in suite.output

"""Judging a host is a pure function: plain values go in, plain values come out."""

from __future__ import annotations

import pickle
from importlib import import_module
from pathlib import Path

import pytest

from nethygiene.collect.evidence import EvidenceWriter
from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost
from nethygiene.engine.audit import Audit
from nethygiene.engine.collecting import judge_answers
from nethygiene.engine.judging import HostTask, judge_host
from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.rule import rule_of
from nethygiene.engine.settings import Settings
from nethygiene.engine.unit import units_of
from nethygiene.errors import EvidenceError
from nethygiene.inventory.model import Group, Host
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.inventory.target import Target
from nethygiene.shipped import shipped_folder
from nethygiene.transcript import Section, Transcript
from nethygiene.transport.base import ConnectSettings
from tests.cases.case import rules
from tests.unit.judging import POLICY

CHECKS = shipped_folder() / "checks"
SECTIONS = {
    "kernel": Section(b"Linux 6.1.0\n"),
    "sysctl": Section(
        b"/proc/sys/net/core/somaxconn:128\n/proc/sys/net/ipv4/tcp_syncookies:1\n"
        b"/proc/sys/net/ipv4/tcp_max_syn_backlog:512\n"
    ),
}


def answer(host: str) -> Transcript:
    return Transcript(host, "192.0.2.1", "", 0.0, 0.0, sections=SECTIONS)


def task() -> HostTask:
    policy = policy_from_plain(POLICY)
    host = Host("web-1", (), Target("web-1", "192.0.2.1"), policy)
    # By the name under which another process finds them: that is how functions are pickled.
    modules = [import_module(f"nethygiene.checks.{path.stem}") for path in CHECKS.glob("test_*.py")]
    found = (rule_of(value) for module in modules for value in vars(module).values())
    of_hosts = [rule for rule in found if rule is not None and rule.scope == "host"]
    nobody = Group("all", ())
    units = (unit for rule in of_hosts for unit in units_of(rule, [host], (), nobody))
    return HostTask(policy, answer("web-1"), tuple((unit.rule, unit.item) for unit in units))


def test_a_host_is_judged_alike_after_a_journey_to_another_process() -> None:
    here = judge_host(task())
    there = judge_host(pickle.loads(pickle.dumps(task())))
    assert pickle.loads(pickle.dumps(here)) == here == there
    outcomes = {verdict.outcome for verdicts in here.verdicts for verdict in verdicts}
    assert {Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN} <= outcomes


def settings(evidence: Path) -> Settings:
    return Settings(
        inventory=None,
        from_evidence=evidence,
        evidence=None,
        redact=False,
        since=None,
        limit=None,
        forks=1,
        window=0,
        fail_on=Severity.MEDIUM,
        labels={},
        sudo=False,
        connect=ConnectSettings(),
    )


def kept(path: Path, *hosts: str) -> Audit:
    """An audit of an evidence file with these hosts."""
    header = EvidenceHeader(tool="t", run_id="r", window=0, inventory_sha256="", hosts=len(hosts))
    with EvidenceWriter(path, header) as writer:
        for host in hosts:
            line = EvidenceHost.of(answer(host), groups=(), policy={}, boot_id="", uptime=None)
            writer.add(line)
    return Audit(settings(path))


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return kept(tmp_path / "evidence", "one", "two")


def test_the_hosts_of_a_file_are_judged_one_by_one(audit: Audit) -> None:
    rule = rules()["tcp-syncookies-enabled"]
    units = list(units_of(rule, audit.hosts.values(), (), audit.plan.everyone))
    audit.select(units)
    assert [transcript.host for transcript in audit.answers()] == ["one", "two"]
    judge_answers(audit)
    assert [audit.results_of(unit)[0].outcome for unit in units] == [Outcome.PASSED] * 2
    assert [audit.results_of(unit)[0].host for unit in units] == ["one", "two"]


def test_what_was_interrupted_is_unknown_and_says_so(audit: Audit) -> None:
    unit = next(
        units_of(rules()["tcp-syncookies-enabled"], audit.hosts.values(), (), audit.plan.everyone)
    )
    audit.select([unit])
    audit.interrupted = True
    (result,) = audit.results_of(unit)
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, "unreachable")
    assert audit.run(2).hosts[0].error == (
        "the run was interrupted before this host was read: run it again"
    )


def test_a_file_that_changes_meanwhile_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "evidence"
    audit = kept(path, "one", "two")
    audit.select(
        units_of(rules()["tcp-syncookies-enabled"], audit.hosts.values(), (), audit.plan.everyone)
    )
    path.write_bytes(path.read_bytes().replace(b'"host":"one"', b'"host":"eno"'))
    with pytest.raises(EvidenceError, match="the file has changed since this run began"):
        judge_answers(audit)

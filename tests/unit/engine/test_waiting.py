"""Hosts whose policies name others are judged when these have answered, and never left out."""

from __future__ import annotations

from pathlib import Path

from nethygiene.engine.audit import Audit
from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.results import Result
from nethygiene.engine.unit import units_of
from nethygiene.engine.waiting import Waiting
from tests.cases.case import rules
from tests.plugin.test_names import evidence, line
from tests.unit.engine.test_judging_hosts import settings

RULES = ("firewall-allows-service", "upstream-reachable", "somaxconn-meets-policy")


def test_a_host_is_free_when_the_last_of_its_hosts_has_answered() -> None:
    waiting = Waiting()
    waiting.hold("db", ["web-1", "web-2"])
    waiting.hold("cache", ["web-2"])
    assert waiting.freed_by("web-1") == []
    assert waiting.freed_by("other") == []
    assert waiting.freed_by("web-2") == ["db", "cache"]
    waiting.hold("db", ["web-3"])
    assert waiting.rest() == ["db"]
    assert waiting.rest() == []


def begun(path: Path) -> Audit:
    """An audit of a host that names two others, and is named by none."""
    lines = [
        line("db-1", "db", "10.0.3.1", size=1),
        line("web-1", "web", "10.0.1.1", size=2),
        line("web-2", "web", "10.0.1.2", size=2),
    ]
    audit = Audit(settings(evidence(path / "evidence.jsonl", *lines)))
    chosen = [rules()[name] for name in RULES]
    plan = audit.plan
    audit.select(
        unit
        for rule in chosen
        for unit in units_of(rule, plan.hosts.values(), plan.groups.values(), plan.everyone)
    )
    return audit


def result(audit: Audit, rule: str, host: str) -> Result:
    unit = next(one for one in audit._units[host] if one.rule.id == rule)
    return audit.results_of(unit)[0]


def test_a_host_waits_for_those_that_it_names(tmp_path: Path) -> None:
    audit = begun(tmp_path)
    answers = {answer.host: answer for answer in audit.answers()}
    audit.take(answers["db-1"])
    assert "db-1" in audit._transcripts
    audit.take(answers["web-1"])
    assert "web-1" not in audit._transcripts
    assert not any(unit in audit._judged for unit in audit._units["db-1"])
    audit.take(answers["web-2"])
    assert not audit._transcripts
    assert all(unit in audit._judged for unit in audit._units["db-1"])


def test_an_interruption_leaves_what_depends_on_the_others_unknown(tmp_path: Path) -> None:
    audit = begun(tmp_path)
    answers = {answer.host: answer for answer in audit.answers()}
    audit.take(answers["db-1"])
    audit.take(answers["web-1"])
    audit.interrupted = True
    found = result(audit, "firewall-allows-service", "db-1")
    assert found.outcome is Outcome.UNKNOWN
    assert "web-2 was not read (interrupted)" in found.message

"""settings-persist says the same whoever judges: one process, several workers, or evidence."""

from __future__ import annotations

from tests.lab.audit import AuditRun, audit
from tests.lab.cases.persistence import BOOTS_ITSELF
from tests.lab.host import LabHost
from tests.lab.lab import Lab

RULE = "settings-persist"
SOMAXCONN = "net.core.somaxconn"
POLICY = {"min_somaxconn": 4096}


def _said(run: AuditRun, host: LabHost) -> list[tuple[str | None, str, str]]:
    return [(one.item, one.outcome, one.text) for one in run.of(host, RULE)]


def test_workers_and_evidence_judge_alike(lab: Lab, host: LabHost) -> None:
    host.shell(BOOTS_ITSELF)
    host.sysctl(SOMAXCONN, 16384)
    evidence = lab.directory / "persist.evidence"
    alone = audit(lab, [host], "--window=0.1", f"--evidence={evidence}", policy=POLICY)
    assert alone.one(host, RULE, SOMAXCONN).outcome == "failed"
    assert alone.one(host, RULE, "net.ipv4.tcp_syncookies").outcome == "passed"
    workers = audit(lab, [host], "--window=0.1", "-n", "2", policy=POLICY)
    kept = audit(lab, [host], f"--from-evidence={evidence}", policy=POLICY)
    assert _said(workers, host) == _said(kept, host) == _said(alone, host)


def test_only_what_rules_of_this_run_judged_is_looked_at(lab: Lab, host: LabHost) -> None:
    host.shell(BOOTS_ITSELF)
    host.sysctl(SOMAXCONN, 16384)
    host.sysctl("net.ipv4.tcp_syncookies", 0)
    some = "settings-persist or tcp-timestamps or tcp-syncookies"
    both = audit(lab, [host], "-k", some, policy=POLICY)
    assert both.one(host, "tcp-syncookies-enabled").outcome == "failed"
    assert {one.item for one in both.of(host, RULE)} == {"net.ipv4.tcp_timestamps"}
    alone = audit(lab, [host], "-k", "settings-persist", policy=POLICY)
    assert alone.one(host, RULE).outcome == "not-applicable"

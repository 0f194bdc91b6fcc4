"""Each case: a host is healthy, is broken as an incident broke it, and is mended by the remedy.

All hosts are audited together, three times in all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from nethygiene.collect.evidence import read_evidence
from nethygiene.redaction import redact
from tests.cases.case import rules
from tests.lab.audit import AuditRun, audit
from tests.lab.cases.case import LabCase, Scene
from tests.lab.cases.every import all_cases
from tests.lab.lab import Lab
from tests.redacting import left_over, outcomes

CASES = all_cases()
# All share a clock, but a busy machine lets answers wait: their times do not tell it to the second.
UNHURRIED = {"limits": {"clock_skew": 60}}


@dataclass(frozen=True)
class ThreeAudits:
    """All cases' hosts, judged together before, while broken, and after; and what they said."""

    healthy: AuditRun
    broken: AuditRun
    mended: AuditRun
    evidence: dict[str, Path]


@pytest.fixture(scope="module")
def audits(lab: Lab) -> Iterator[ThreeAudits]:
    client, *hosts = lab.hosts("client", *(case.name for case in CASES))
    policies = {case.name: case.policy for case in CASES}

    evidence = {state: lab.directory / f"{state}.jsonl" for state in ("broken", "mended")}

    def judge(state: str) -> AuditRun:
        kept = [f"--evidence={evidence[state]}"] if state in evidence else []
        run = audit(lab, hosts, *kept, policy=UNHURRIED, policy_by_host=policies)
        assert run.document, f"no results file: {run}"
        return run

    with ExitStack() as stack:
        scenes = [stack.enter_context(closing(Scene(host, client))) for host in hosts]
        for case, scene in zip(CASES, scenes, strict=True):
            case.prepares(scene)
        healthy = judge("healthy")
        for case, scene in zip(CASES, scenes, strict=True):
            case.breaks(scene)
        broken = judge("broken")
        for case, scene in zip(CASES, scenes, strict=True):
            scene.broken = broken
            case.mend(scene)
        yield ThreeAudits(healthy, broken, judge("mended"), evidence)
    for host in (client, *hosts):
        lab.remove(host)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_rule_fails_on_what_the_incident_had(audits: ThreeAudits, case: LabCase) -> None:
    before = audits.healthy.one(case.name, case.rule, case.item)
    assert before.outcome == case.healthy, before
    broken = audits.broken.one(case.name, case.rule, case.item)
    assert broken.outcome == "failed", broken
    assert case.says in broken.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_other_rule_changes(audits: ThreeAudits, case: LabCase) -> None:
    before = audits.healthy.outcomes(case.name)
    broken = audits.broken.outcomes(case.name)
    changed = {
        rule
        for rule, item in before.keys() | broken.keys()
        if before.get((rule, item)) != broken.get((rule, item))
    }
    assert changed - {case.rule} <= case.also


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_remedy_mends_it(audits: ThreeAudits, case: LabCase) -> None:
    after = audits.mended.one(case.name, case.rule, case.item)
    assert after.outcome == case.mended, after


# The words that general remedies use for what a finding knows.
PLACEHOLDER = re.compile(
    r"(?<![-=\w])(?:SERVICE|USER|PORT|IFACE|DESTINATION|HOST|GATEWAY|ADDRESS|PREFIX|PID|KEY|VALUE"
    r"|OLD|NEW|FORWARD|COMMAND|FILE)(?![-=\w])"
)


def test_no_printed_remedy_leaves_a_word_to_be_replaced(audits: ThreeAudits) -> None:
    left = {
        finding.rule: PLACEHOLDER.findall(finding.remedy)
        for finding in audits.broken.findings
        if finding.outcome == "failed" and PLACEHOLDER.search(finding.remedy)
    }
    assert left == {}


@pytest.mark.parametrize("state", ["broken", "mended"])
def test_redacted_evidence_is_judged_alike(audits: ThreeAudits, state: str) -> None:
    path = audits.evidence[state]
    originals = list(read_evidence(path)[1])
    redacted = list(redact(lambda: iter(originals), b"a key by which no network stays"))
    assert len(redacted) == len(CASES)
    for original, other in zip(originals, redacted, strict=True):
        assert outcomes(other) == outcomes(original), original.host
        assert left_over(original, other) == set()


def test_a_healthy_fleet_is_clean(audits: ThreeAudits) -> None:
    findings = audits.healthy.findings
    failed = [(one.rule, one.host, one.item) for one in findings if one.outcome == "failed"]
    assert failed == []
    unknown = [one.message for one in findings if one.outcome == "unknown"]
    assert audits.healthy.status == 0, unknown


def test_a_broken_fleet_fails_the_run(audits: ThreeAudits) -> None:
    assert audits.broken.status == 1, audits.broken


def test_every_rule_of_the_suite_has_a_case(audits: ThreeAudits) -> None:
    # icmp-redirects-not-ignored needs a gateway: tests/lab/test_kernel_redirects.py.
    covered = {case.rule for case in CASES} | {"icmp-redirects-not-ignored"}
    # Rules on several hosts: tests/lab/failover, tests/lab/test_upstreams.py.
    covered |= {name for name, rule in rules().items() if rule.scope != "host"}
    assert {rule["id"] for rule in audits.broken.document["rules"]} == covered

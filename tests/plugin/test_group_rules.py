"""The shipped rules on several hosts in a run: selected, limited, from evidence, interrupted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nethygiene.collect.evidence import EvidenceWriter, read_evidence
from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost
from nethygiene.engine.audit import Audit
from nethygiene.redaction import redact
from nethygiene.transcript import Transcript
from tests.group_cases.group_case import GROUP_CASES, load_group_case
from tests.plugin.conftest import Runner

RULE = "virtual-address-held-once"
GROUPS = {"db": "split-brain.failed", "cache": "held-by-the-second.passed"}
BOTH = {"group db:database": "failed", "group cache:database": "passed"}
INVENTORY = """
all:
  children:
    db:
      hosts: {db-1: , db-2: }
      vars: {nethygiene: {virtual_addresses: {database: {address: 10.0.3.100}}}}
    cache:
      hosts: {cache-1: , cache-2: }
"""


def lines() -> Iterator[EvidenceHost]:
    """Two members of a group whose address both hold, and two of one that is well."""
    for group, name in GROUPS.items():
        case = load_group_case(GROUP_CASES / RULE / f"{name}.yaml")
        for member, transcript in case.transcripts().items():
            yield EvidenceHost.of(
                dataclasses.replace(
                    transcript,
                    host=member.replace("db", group),
                    address="192.0.2.1",
                    probes={"address_samples": 1, "interfaces": 1, "interface_kinds": 2}
                    | {"sysctl": 1, "kernel": 1},
                ),
                groups=(group,),
                group_sizes={group: 2, "all": 4},
                group_policies={group: case.group_policy.plain()},
                policy={},
                boot_id="",
                uptime=None,
            )


def write(path: Path, *, redacted: bool = False, without: str = "") -> Path:
    header = EvidenceHeader(tool="nethygiene 0", run_id="x", window=3, inventory_sha256="")
    kept = [line for line in lines() if line.host != without]
    with EvidenceWriter(path, header) as writer:
        for line in redact(lambda: iter(kept), b"a key") if redacted else kept:
            writer.add(line)
    return path


@pytest.fixture
def evidence(runner: Runner) -> Path:
    return write(runner.folder / "evidence.jsonl")


@pytest.mark.parametrize("arguments", [(), pytest.param(("-n2",), marks=pytest.mark.slow)])
def test_they_are_judged_from_evidence_alone(
    runner: Runner, evidence: Path, arguments: tuple[str, ...]
) -> None:
    suite = runner.run(f"--from-evidence={evidence}", *arguments)
    assert suite.outcomes(RULE) == BOTH
    assert suite.status == 1
    assert "group db [database]: 10.0.3.100 is held by db-1 (eth0) and db-2 (eth0)" in suite.said
    subnet = suite.outcomes("link-mtu-agrees")
    assert subnet == {"group all:10.0.3.0/24": "passed"}
    assert suite.outcomes("clocks-agree") == {"group all": "unknown"}, "no clock was read"


def test_they_are_selected_by_rule_and_group(runner: Runner, evidence: Path) -> None:
    suite = runner.run(f"--from-evidence={evidence}", "-k", "held-once and db")
    assert suite.outcomes(RULE) == {"group db:database": "failed"}
    assert set(suite.outcomes("host-reachable")) == {"db-1", "db-2"}


def test_a_limit_makes_them_unknown(runner: Runner, evidence: Path) -> None:
    suite = runner.run(f"--from-evidence={evidence}", "--limit=db-1,cache", "-k", "held-once")
    assert suite.outcomes(RULE) == {
        "group db:database": "unknown",
        "group cache:database": "passed",
    }
    (db,) = [one for one in suite.results(RULE) if one.group == "db"]
    assert "1 of 2 members are outside --limit" in db.message


def test_rules_on_the_run_judge_the_hosts_that_the_limit_leaves(
    runner: Runner, evidence: Path
) -> None:
    suite = runner.run(f"--from-evidence={evidence}", "--limit=cache", "-k", "mtu-agrees")
    assert suite.outcomes("link-mtu-agrees") == {"group all:10.0.3.0/24": "passed"}
    suite = runner.run(f"--from-evidence={evidence}", "--limit=db-1", "-k", "mtu-agrees")
    assert set(suite.outcomes("link-mtu-agrees").values()) == {"not-applicable"}


def test_an_inventory_says_what_groups_declare(runner: Runner, evidence: Path) -> None:
    path = runner.inventory(INVENTORY)
    suite = runner.run(f"--inventory={path}", f"--from-evidence={evidence}", "-k", "held-once")
    assert suite.outcomes(RULE) == {"group db:database": "failed"}


def test_an_inventory_without_any_has_one_result(runner: Runner, evidence: Path) -> None:
    path = runner.inventory(INVENTORY.partition("      vars:")[0])
    suite = runner.run(f"--inventory={path}", f"--from-evidence={evidence}", "-k", "held-once")
    assert suite.outcomes(RULE) == {"group all": "not-applicable"}
    assert "no group of the inventory declares a virtual_address" in suite.message(RULE)


def test_redacted_evidence_is_judged_alike(runner: Runner) -> None:
    path = write(runner.folder / "redacted.jsonl", redacted=True)
    text = path.read_text()
    for word in ("10.0.3.100", "database", '"db"', "cache"):
        assert word not in text
    suite = runner.run(f"--from-evidence={path}", "-k", "held-once or mtu-agrees")
    assert sorted(suite.outcomes(RULE).values()) == ["failed", "passed"]
    assert list(suite.outcomes("link-mtu-agrees").values()) == ["passed"]


def test_evidence_that_lacks_a_member_makes_them_unknown(runner: Runner) -> None:
    path = write(runner.folder / "evidence.jsonl", without="cache-1")
    suite = runner.run(f"--from-evidence={path}", "-k", "held-once")
    assert suite.outcomes(RULE) == {
        "group db:database": "failed",
        "group cache:database": "unknown",
    }
    (cache,) = [one for one in suite.results(RULE) if one.group == "cache"]
    assert "the evidence holds 1 of 2 members" in cache.message


def test_evidence_of_an_earlier_version_has_no_times(runner: Runner, evidence: Path) -> None:
    written = [json.loads(line) for line in evidence.read_text().splitlines()]
    for line in written[1:]:
        del line["sent"], line["received"]
    evidence.write_text("".join(json.dumps(line) + "\n" for line in written))
    suite = runner.run(f"--from-evidence={evidence}", "-k", "held-once")
    assert set(suite.outcomes(RULE).values()) == {"unknown"}
    assert "does not say when the host was asked" in suite.said


def test_what_was_read_before_ctrl_c_is_judged(
    runner: Runner, evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Audit.take

    def interrupted(audit: Audit, transcript: Transcript) -> None:
        if transcript.host == "cache-1":
            raise KeyboardInterrupt
        taken(audit, transcript)

    monkeypatch.setattr(Audit, "take", interrupted)
    suite = runner.run(f"--from-evidence={evidence}", "-k", "held-once")
    assert suite.status == 2, suite.output
    assert suite.outcomes(RULE) == {
        "group db:database": "failed",
        "group cache:database": "unknown",
    }


def test_evidence_keeps_what_groups_declare(runner: Runner) -> None:
    path = runner.inventory(
        """
all:
  hosts: {one: {ansible_connection: local}, two: {ansible_connection: local}}
  vars: {nethygiene: {virtual_addresses: {database: {address: 192.0.2.200}}}}
"""
    )
    evidence = runner.folder / "kept.jsonl"
    suite = runner.run(f"--inventory={path}", f"--evidence={evidence}", "-k", "held-once")
    live = suite.outcomes(RULE)
    assert set(live) == {"group all:database"}
    line = next(read_evidence(evidence)[1])
    assert line.group_policies == {
        "all": {"virtual_addresses": {"database": {"address": "192.0.2.200"}}}
    }
    assert line.sent is not None
    assert line.received is not None
    assert line.received > line.sent
    again = runner.run(f"--from-evidence={evidence}", "-k", "held-once")
    assert again.outcomes(RULE) == live

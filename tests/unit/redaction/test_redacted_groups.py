"""Recorded cases of groups, redacted: the rules judge alike, and nothing is left to see."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from nethygiene.collect.evidence_lines import EvidenceHost
from nethygiene.engine.catalogue import versions
from nethygiene.inventory.group_policy import group_policy_from_plain
from nethygiene.redaction import redact
from tests.cases.case import rules
from tests.group_cases.group_case import GroupCase, group_case_paths, load_group_case

KEY = b"a key by which no network stays"


def lines(case: GroupCase) -> list[EvidenceHost]:
    probes = versions(rules()[case.rule_id].probes - {"machine"})
    return [
        EvidenceHost.of(
            dataclasses.replace(transcript, probes=probes),
            groups=("db",),
            group_sizes={"db": len(case.file.setups)},
            group_policies={"db": case.group_policy.plain()},
            policy=case.policy.plain(),
            boot_id="",
            uptime=None,
        )
        for transcript in case.transcripts().values()
    ]


@pytest.mark.parametrize(
    "path", group_case_paths(), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_redacted_groups_are_judged_alike(path: Path) -> None:
    case = load_group_case(path)
    written = lines(case)
    redacted = list(redact(lambda: iter(written), KEY))
    file = case.file.model_copy(
        update={
            "setups": {line.host: "" for line in redacted},
            "declares": next(iter(redacted[0].group_policies.values())),
        }
    )
    again = GroupCase(path, file).verdicts({line.host: line.transcript() for line in redacted})
    assert [one.outcome for one in again] == [one.outcome for one in case.verdicts()]
    assert [one.reason for one in again] == [one.reason for one in case.verdicts()]


def test_what_a_group_declares_has_pseudonyms() -> None:
    path = next(path for path in group_case_paths() if path.stem == "both-admitted.passed")
    case = load_group_case(path)
    (first, *_) = redact(lambda: iter(lines(case)), KEY)
    ((group, declared),) = first.group_policies.items()
    ((name, database),) = group_policy_from_plain(declared).virtual_addresses.items()
    original = case.group_policy.virtual_addresses["database"]
    assert (group, name) == ("group-1", "item-1")
    assert database.address != original.address
    assert set(database.bound_macs).isdisjoint(original.bound_macs)
    assert all(mac in str(first.transcript().sections) for mac in database.bound_macs[:1])


def test_the_mac_of_a_virtual_router_stays() -> None:
    path = next(path for path in group_case_paths() if path.stem == "one-mac-for-all.passed")
    (first, *_) = redact(lambda: iter(lines(load_group_case(path))), KEY)
    assert "00:00:5e:00:01:33" in str(first.group_policies)

"""Who holds a shared address: real hosts on one bridge, in every state; what neighbours hear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.audit import AuditRun, audit
from tests.lab.failover.fleet import ITEM, RULE, Shared, SharedCase, write_groups
from tests.lab.failover.shared_cases import CASES
from tests.lab.host import LabHost
from tests.lab.lab import Lab

ASKED = [case for case in CASES if case.answers is not None]
BROKEN = [case for case in CASES if case.outcome == "failed"]


@dataclass
class Groups:
    """The groups, and their audits before and after the remedies."""

    lab: Lab
    inventory: Path
    neighbour: LabHost
    shared: dict[str, Shared]
    first: AuditRun
    heard: dict[str, int]
    mended: AuditRun


@pytest.fixture(scope="module")
def groups(lab: Lab) -> Iterator[Groups]:
    neighbour, *hosts = lab.hosts(
        "neighbour", *(f"{c.name}-{n}" for c in CASES for n in range(len(c.makes)))
    )
    by_name = {host.name: host for host in hosts}
    shared = {}
    for number, case in enumerate(CASES, 1):
        members = [by_name[f"{case.name}-{n}"] for n in range(len(case.makes))]
        address = f"fd42:198:18::c800:{number:x}" if case.six else f"198.18.200.{number}"
        shared[case.name] = Shared(case, members, address)
    inventory = write_groups(
        lab, {name: (one.hosts, declared(one)) for name, one in shared.items()}
    )
    for one in shared.values():
        one.make()

    def judge() -> AuditRun:
        # Two cores shared with others: the windows of a group's members have to overlap.
        return audit(lab, hosts, "-k", "held-once", "--window=8", "--forks=64", inventory=inventory)

    first = judge()
    heard = {case.name: len(shared[case.name].answering(neighbour)) for case in ASKED}
    for case in BROKEN:
        if shared[case.name].finding(first).outcome == "failed":
            shared[case.name].follow_remedy(first)
    yield Groups(lab, inventory, neighbour, shared, first, heard, judge())
    for host in (neighbour, *hosts):
        lab.remove(host)


def declared(one: Shared) -> dict[str, object]:
    return {"virtual_addresses": {ITEM: {"address": one.address, **one.case.declared}}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_judged_as_it_is(groups: Groups, case: SharedCase) -> None:
    finding = groups.shared[case.name].finding(groups.first)
    assert finding.outcome == case.outcome, finding.text
    for words in case.says:
        assert words in finding.message


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case.name)
def test_neighbours_hear_as_many_as_the_case_says(groups: Groups, case: SharedCase) -> None:
    assert groups.heard[case.name] == case.answers
    assert (case.answers == 1) == (case.outcome == "passed")


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_the_remedy_mends_it(groups: Groups, case: SharedCase) -> None:
    finding = groups.shared[case.name].finding(groups.mended)
    assert finding.outcome == "passed", finding


def test_an_unread_member_makes_it_unknown_unless_two_others_hold_it(groups: Groups) -> None:
    """The mended groups: one of three holds it, and then the others do as well."""
    for name, outcome in (("split-brain", "unknown"), ("lvs-without-director", "failed")):
        shared = groups.shared[name]
        silent, *others = reversed(shared.hosts)
        if outcome == "failed":
            for host in others:
                host.shell(f"ip addr replace {shared.address}/32 dev eth0")
        silent.sshd.stop()
    run = audit(
        *(groups.lab, [], "-k", "held-once", "--window=8", "--connect-timeout=5"),
        "--limit=split-brain,lvs-without-director",
        inventory=groups.inventory,
    )
    assert run.of_group("split-brain", RULE).outcome == "unknown"
    assert "split-brain-2" in run.of_group("split-brain", RULE).message
    failed = run.of_group("lvs-without-director", RULE)
    assert failed.outcome == "failed", failed
    assert "also unknown: lvs-without-director-2" in failed.message


def test_members_outside_the_limit_make_it_unknown(groups: Groups) -> None:
    run = audit(
        *(groups.lab, [], "-k", "held-once", "--window=0.2", "--limit=healthy-1,healthy-three"),
        inventory=groups.inventory,
    )
    assert run.of_group("healthy-three", RULE).outcome == "passed"
    unknown = run.of_group("healthy", RULE)
    assert unknown.outcome == "unknown"
    assert "1 of 2 members are outside --limit" in unknown.message
    assert "none of the 1 members that were read has it" in unknown.message


def test_one_sample_is_no_split_brain(groups: Groups) -> None:
    """Between two single looks the address may have moved."""
    shared = groups.shared["split-vmac"]
    for host in shared.hosts:
        host.shell(f"ip addr replace {shared.address}/32 dev vrrp.51")
    run = audit(
        *(groups.lab, [], "-k", "held-once", "--window=0", "--limit=split-vmac,vmac"),
        inventory=groups.inventory,
    )
    assert run.of_group("vmac", RULE).outcome == "passed"
    unsure = run.of_group("split-vmac", RULE)
    assert (unsure.outcome, unsure.reason) == ("unknown", "no-second-sample")
    assert "give --window" in unsure.message

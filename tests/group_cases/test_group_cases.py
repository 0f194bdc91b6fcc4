"""Every recorded case of a rule on several hosts, and that each such rule has those it needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.rule import Rule
from nethygiene.transcript import HostFailure
from tests.cases.case import rules
from tests.cases.mismatch import mismatches_of
from tests.group_cases.group_case import GROUP_CASES, group_case_paths, load_group_case

OF_SEVERAL = [rule for rule in rules().values() if rule.scope in {"group", "run"}]


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", group_case_paths(), ids=_id)
def test_the_rule_judges_the_case_as_expected(path: Path) -> None:
    case = load_group_case(path)
    assert not mismatches_of(case.verdicts(), case.file.expect)
    assert case.outcome == case.worst, "the file's name tells its worst outcome"


@pytest.mark.parametrize("path", group_case_paths(), ids=_id)
def test_a_member_that_is_not_read_lets_nothing_pass(path: Path) -> None:
    case = load_group_case(path)
    failure = HostFailure("refused", "the connection was refused", "start sshd")
    for name, transcript in case.transcripts().items():
        lost = dataclasses.replace(transcript, sections={}, failure=failure)
        for verdict in case.verdicts({**case.transcripts(), name: lost}):
            assert verdict.outcome is not Outcome.PASSED


@pytest.mark.parametrize("rule", OF_SEVERAL, ids=lambda rule: rule.id)
def test_the_rule_has_a_case_for_each_outcome(rule: Rule) -> None:
    outcomes = {path.name.split(".")[-2] for path in (GROUP_CASES / rule.id).glob("*.yaml")}
    assert outcomes >= {"passed", "failed", "unknown", "not-applicable"}


def test_every_case_is_of_a_rule_that_exists() -> None:
    assert {path.parent.name for path in group_case_paths()} <= {rule.id for rule in OF_SEVERAL}

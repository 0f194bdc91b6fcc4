"""Every recorded case, and that every rule has those that it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.rule import Rule
from tests.cases.case import CASES, case_paths, load_case, rules
from tests.cases.mismatch import mismatches


def _id(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", case_paths(), ids=_id)
def test_the_rule_judges_the_case_as_expected(path: Path) -> None:
    case = load_case(path)
    assert not mismatches(case)
    assert case.outcome == case.worst, "the file's name tells its worst outcome"


OF_HOSTS = [rule for rule in rules().values() if rule.scope == "host"]


@pytest.mark.parametrize("rule", OF_HOSTS, ids=lambda rule: rule.id)
def test_the_rule_has_a_case_for_each_outcome(rule: Rule) -> None:
    outcomes = {path.name.split(".")[-2] for path in (CASES / rule.id).glob("*.yaml")}
    assert outcomes >= _needed(rule)


def _needed(rule: Rule) -> set[str]:
    needed = {Outcome.PASSED, Outcome.FAILED, Outcome.UNKNOWN}
    conditional = "not_applicable" in rule.function.__code__.co_names
    if conditional or rule.declared is not None or rule.found is not None:
        needed.add(Outcome.NOT_APPLICABLE)
    if rule.judges_reachability:
        # Whether a host could be read is always known; that is what the rule is for.
        needed.remove(Outcome.UNKNOWN)
    return {outcome.value for outcome in needed}


def test_every_case_is_of_a_rule_that_exists() -> None:
    assert {path.parent.name for path in case_paths()} <= set(rules())
    folders = {path.name for path in CASES.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert folders - {"__pycache__"} <= set(rules())


HEAD = """
source: made up for the test of the loader itself
expect: [{outcome: passed}]
"""
BAD = {
    "unknown key": (HEAD + "sections: {}\nwindw: 2\n", "windw"),
    "unknown key of a section": (HEAD + "sections: {kernel: {stdou: ''}}\n", "stdou"),
    "no source": ("expect: [{outcome: passed}]\nsections: {}\n", "source"),
    "source says nothing": ("source: ss\nexpect: [{outcome: passed}]\nsections: {}\n", "source"),
    "nothing expected": (
        "source: made up for this very test\nexpect: []\nsections: {}\n",
        "expect",
    ),
    "no sections": (HEAD, "sections"),
    "unknown outcome": (HEAD.replace("passed", "ok") + "sections: {}\n", "outcome"),
    "given twice": (HEAD + "sections: {}\nsections: {}\n", "given twice: sections"),
    "both spellings": (
        HEAD + "sections: {kernel: {stdout: x, stdout_base64: eA==}}\n",
        "text or as base64",
    ),
    "cut with a status": (HEAD + "sections: {kernel: {cut: cap}}\n", "why it was cut"),
    "neither status nor cut": (HEAD + "sections: {kernel: {status: null}}\n", "why it was cut"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_case_is_refused(name: str, tmp_path: Path) -> None:
    text, says = BAD[name]
    path = tmp_path / "rule" / "state.passed.yaml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ValueError, match=says):
        load_case(path)

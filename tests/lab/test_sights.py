"""Hosts that show less than all of themselves, each in a scene where all is well and one where all
that the rules look for is broken: what cannot be seen is unknown, and says what to do about it.
"""

from __future__ import annotations

import re

import pytest

from tests.lab.audit import Finding
from tests.lab.lab import Lab
from tests.lab.sights.scenes import State
from tests.lab.sights.sights import SIGHTS, Sight, tools_of_probes
from tests.lab.sights.table import FULL, TABLE, expected
from tests.lab.sights.views import CHOSEN, Views, look

STATES: tuple[State, State] = ("well", "broken")
SEEN = pytest.mark.parametrize("sight", CHOSEN, ids=lambda sight: sight.name)
WORST = ("failed", "unknown", "passed", "not-applicable")


@pytest.fixture(scope="module")
def views(lab: Lab) -> Views:
    return look(lab, CHOSEN)


@SEEN
def test_nothing_that_is_broken_passes(views: Views, sight: Sight) -> None:
    """What fails when all is seen fails or is unknown when less is seen; by items, not by rules."""
    seen = {(one.rule, one.item): one for one in views[sight.name, "broken"]}
    doubtful = {one.rule for one in seen.values() if one.outcome in {"failed", "unknown"}}
    for one in views["full", "broken"]:
        if one.outcome != "failed":
            continue
        found = seen.get((one.rule, one.item))
        assert found is not None or one.rule in doubtful, (one.rule, one.item)
        assert found is None or found.outcome in {"failed", "unknown"}, found


@SEEN
def test_nothing_that_is_well_fails(views: Views, sight: Sight) -> None:
    assert [one for one in views[sight.name, "well"] if one.outcome == "failed"] == []


@SEEN
@pytest.mark.parametrize("state", STATES)
def test_every_rule_is_as_the_table_says(views: Views, sight: Sight, state: State) -> None:
    found: dict[str, Finding] = {}
    for one in sorted(views[sight.name, state], key=lambda one: WORST.index(one.outcome)):
        found.setdefault(one.rule, one)
    assert found.keys() == {one.rule for one in views["full", state]}
    wrong = [
        f"{rule} is {one.outcome}, and the table says {wanted}: {one.message}"
        for rule, one in found.items()
        if one.outcome != (wanted := getattr(expected(sight.name, rule), state))
    ]
    hint = (
        "break the rule in tests/lab/sights/scenes.py"
        if sight.name == "full"
        else f"where that is right, give {sight.name} a line in tests/lab/sights/table.py"
    )
    assert not wrong, "\n".join([*wrong, hint])


@SEEN
def test_what_is_unknown_says_what_to_do(views: Views, sight: Sight) -> None:
    for state in STATES:
        for one in views[sight.name, state]:
            if one.outcome != "unknown":
                continue
            # Of these the advice would be to report a bug, or to collect the evidence anew.
            assert one.reason not in {"unparsable", "rule-crashed", "not-collected"}, one
            follows = "unknown themselves" in one.message
            assert follows or re.search(sight.cure, one.message), one


def test_the_table_names_sights_and_rules_that_there_are(views: Views) -> None:
    assert TABLE.keys() <= {sight.name for sight in SIGHTS}
    rules = {one.rule for one in views["full", "well"]}
    assert FULL.keys() | {rule for row in TABLE.values() for rule in row} <= rules


def test_every_tool_that_a_probe_calls_is_taken_away_by_a_sight() -> None:
    missing = tools_of_probes() - {sight.name.removeprefix("no-") for sight in SIGHTS}
    assert not missing, f"add {missing} to TOOLS in tests/lab/sights/sights.py"

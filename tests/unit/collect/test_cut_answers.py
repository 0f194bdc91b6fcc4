"""An answer cut anywhere: nothing passes by it, and what failed by whole sections still fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nethygiene.collect.frames import Framed, cut_into_sections
from nethygiene.engine.catalogue import all_finders, all_probes
from nethygiene.engine.outcomes import Outcome
from tests.cases.case import rules
from tests.unit.collect.hosts import INCIDENTS, NEEDS_NAMESPACES, host
from tests.unit.collect.shells import Answer, every_command, run
from tests.unit.judging import Verdicts, judge_all, transcript_of

pytestmark = NEEDS_NAMESPACES


@pytest.fixture(scope="module")
def answer() -> Answer:
    answer = run(every_command(), host(INCIDENTS), window=0.05)
    assert answer.framed.complete
    return answer


@pytest.fixture(scope="module")
def whole(answer: Answer) -> Verdicts:
    return judge_all(transcript_of(answer.framed))


def _complete(framed: Framed) -> frozenset[str]:
    return frozenset(name for name, one in framed.sections.items() if one.cut is None)


# Read only to say why something is as it is: it passes without them.
ONLY_EXPLAINS = {
    "listener-backlog-in-effect": {"sysctl", "listener_owners"},
    "resets-sent-bounded": {"dials"},
    # Whether a route or a port should be there, where one is missing.
    "connection-failures-bounded": {"routes", "sysctl"},
}


def _holds(framed: Framed, whole: Verdicts) -> None:
    verdicts = judge_all(transcript_of(framed))
    there = _complete(framed)
    for (rule, item), verdict in verdicts.items():
        if rule == "host-reachable":
            assert verdict.outcome is (Outcome.PASSED if framed.complete else Outcome.FAILED)
        elif verdict.outcome is Outcome.PASSED:
            assert framed.complete, (rule, item)
            assert _sections(rule) <= there, (rule, item)
            assert verdict == whole[rule, item]
        elif _sections(rule) <= there and (
            framed.complete or whole[rule, item].outcome is not Outcome.PASSED
        ):
            assert verdict.outcome is whole[rule, item].outcome, (rule, item)
        else:
            # What failed, or did not apply, by a section that is whole.
            found = whole.get((rule, item))
            assert verdict.outcome in {Outcome.UNKNOWN, found and found.outcome}, (rule, item)


def _sections(rule_id: str) -> set[str]:
    """The sections that a rule needs to pass."""
    rule = rules()[rule_id]
    probes = set(rule.arguments) & set(all_probes())
    probes |= set(all_finders()[rule.found].probes) if rule.found else set()
    probes -= ONLY_EXPLAINS.get(rule_id, set())
    commands = [one for name in probes for one in all_probes()[name].commands]
    return {name for one in commands for name in one.sections if not name.endswith("@since")}


@pytest.mark.slow
def test_every_cut_of_either_stream(answer: Answer, whole: Verdicts) -> None:
    seen: set[tuple[frozenset[str], bool]] = set()
    for stream in ("stdout", "stderr"):
        length = len(getattr(answer, stream))
        for end in range(length + 1):
            out = answer.stdout[: end if stream == "stdout" else None]
            err = answer.stderr[: end if stream == "stderr" else None]
            framed = cut_into_sections(out, err, answer.boundary, None)
            for name in _complete(framed):
                assert framed.sections[name] == answer.framed.sections[name]
            # What is cut is unreadable wherever it was cut: one cut of each kind is judged.
            kind = (_complete(framed), framed.complete)
            if kind not in seen:
                seen.add(kind)
                _holds(framed, whole)
    assert len(seen) > len(every_command())


@given(out=st.floats(0, 1), err=st.floats(0, 1))
def test_cuts_of_both_streams(answer: Answer, whole: Verdicts, out: float, err: float) -> None:
    stdout = answer.stdout[: round(out * len(answer.stdout))]
    stderr = answer.stderr[: round(err * len(answer.stderr))]
    _holds(cut_into_sections(stdout, stderr, answer.boundary, None), whole)

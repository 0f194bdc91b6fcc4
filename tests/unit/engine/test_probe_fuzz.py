"""Any bytes in any section give a fact or say why not; and none of them makes a rule pass."""

from __future__ import annotations

import contextlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nethygiene.collect.frames import Framed
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Outcome, Unreadable
from nethygiene.transcript import Cut, Section
from tests.cases.case import case_paths, load_case, rules
from tests.unit.judging import judge_all, transcript_of
from tests.unit.sections import subject

NAMES = sorted(
    {name for probe in all_probes().values() for one in probe.commands for name in one.sections}
)
NOISE = st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8"))
STATUSES = st.sampled_from([0, 0, 0, 1, 2, 124, 126, 127, 137, 139, 255])


@cache
def _recorded() -> list[Section]:
    found: list[Section] = []
    for path in case_paths():
        # A case that cannot be read fails in tests/cases, with a better message.
        with contextlib.suppress(ValueError):
            found += load_case(path).transcript().sections.values()
    return [section for section in found if section.stdout]


@st.composite
def mangled(draw: st.DrawFn) -> Section:
    """A real section with bytes taken out, put in, or said twice."""
    real = draw(st.sampled_from(_recorded()))
    text = bytearray(real.stdout)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text[start:end] = draw(NOISE | st.just(bytes(text[start:end]) * 2))
    return Section(bytes(text), draw(NOISE | st.just(real.stderr)), draw(STATUSES))


SECTIONS = st.dictionaries(
    st.sampled_from(NAMES),
    mangled()
    | st.builds(Section, NOISE, NOISE, STATUSES)
    | st.builds(Section, NOISE, NOISE, st.none(), st.sampled_from(Cut)),
)


@pytest.mark.slow
@settings(max_examples=150)
@given(SECTIONS)
def test_every_probe_gives_a_fact_or_says_why_not(sections: dict[str, Section]) -> None:
    host = subject(sections)
    for name in all_probes():
        found = host.fact(name)
        assert isinstance(found, Fact | Unreadable)
        # The engine's safety net is for bugs: none may be in it.
        assert "the parser failed" not in str(found)


# Facts that decide nothing where another one has decided already.
ASKED_LAZILY = {
    # Interfaces matter only where a socket of IPv6 alone listens, owners only in messages.
    "service-listening": {"interfaces", "listener_owners"},
    "legacy-port-still-served": {"interfaces", "listener_owners", "packet_filter"},
}


@pytest.mark.slow
@settings(max_examples=100)
@given(SECTIONS)
def test_every_rule_comes_to_an_outcome_and_passes_on_what_was_read(
    sections: dict[str, Section],
) -> None:
    transcript = transcript_of(Framed(sections, complete=True))
    host = subject(sections)
    for (rule_id, _), verdict in judge_all(transcript).items():
        assert verdict.outcome in Outcome
        assert verdict.traceback is None, verdict
        rule = rules()[rule_id]
        if verdict.outcome is Outcome.PASSED and rule_id != "listener-backlog-in-effect":
            needed = set(rule.arguments) & set(all_probes()) - ASKED_LAZILY.get(rule_id, set())
            assert not [one for one in needed if isinstance(host.fact(one), Unreadable)]


@given(st.sampled_from(NAMES), st.integers(1, 200))
def test_a_section_of_endless_repetition_is_parsed_in_no_time(name: str, length: int) -> None:
    host = subject({name: Section(b"1: a a a\t " * length * 100 + b"\n")})
    for probe in all_probes():
        host.fact(probe)

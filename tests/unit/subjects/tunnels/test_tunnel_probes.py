"""The probes of tunnels: any bytes are a fact or unreadable, and no rule passes by them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Outcome, Reason, Unreadable
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transcript import Section, Transcript
from tests.cases.case import CASES, judge, load_case, rules

TUNNEL_RULES = sorted(rule for rule in rules() if rule.startswith("tunnel-"))
RECORDED = [
    case
    for rule in TUNNEL_RULES
    for path in sorted((CASES / rule).glob("*.passed.yaml"))
    if (case := load_case(path)).file.policy
]
PROBES = ("tunnel_configs", "ssh_processes", "tunnel_logs")


@st.composite
def mangled(draw: st.DrawFn) -> tuple[str, dict[str, object], Transcript]:
    case = draw(st.sampled_from(RECORDED))
    sections = {}
    for name, real in case.transcript().sections.items():
        text = bytearray(real.stdout)
        for _ in range(draw(st.integers(0, 3))):
            start = draw(st.integers(0, len(text)))
            text[start : start + draw(st.integers(0, 40))] = draw(st.binary(max_size=20))
        sections[name] = Section(bytes(text), real.stderr, draw(st.sampled_from([0, 0, 1, 126])))
    transcript = Transcript("host", "address", "", 0.0, 0.0, sections=sections)
    return case.rule_id, case.file.policy, transcript


@settings(max_examples=200)
@given(mangled())
def test_mangled_answers(given_: tuple[str, dict[str, object], Transcript]) -> None:
    rule, policy, transcript = given_
    subject = Subject("host", policy_from_plain(policy), transcript)
    for probe in PROBES:
        fact = subject.fact(probe)
        assert isinstance(fact, Fact | Unreadable)
        assert "the parser failed" not in str(fact)
    for verdict in judge(rules()[rule], transcript, policy):
        assert verdict.traceback is None, verdict


def test_every_truncation_of_an_answer_passes_nothing() -> None:
    for case in RECORDED:
        whole = case.transcript()
        for name, section in whole.sections.items():
            if not name.startswith(("tunnel_", "ssh_")):
                continue
            # Without its last line, and without its last half.
            for end in (section.stdout.rstrip().rfind(b"\n") + 1, len(section.stdout) // 2):
                cut = Section(section.stdout[:end], section.stderr, section.status)
                sections = {**whole.sections, name: cut}
                shorter = Transcript("host", "address", "", 0.0, 0.0, sections=sections)
                for verdict in judge(rules()[case.rule_id], shorter, case.file.policy):
                    needless = (case.rule_id, name.split(":")[0]) in {
                        ("tunnel-running", "tunnel_config"),
                        ("tunnel-fails-fast", "tunnel_config"),
                        ("tunnel-forward-listening", "tunnel_config"),
                    }
                    assert needless or verdict.outcome is Outcome.UNKNOWN, (case.path, name, end)


def test_evidence_of_another_declaration_is_not_judged() -> None:
    case = load_case(CASES / "tunnel-host-key-known" / "known.passed.yaml")
    policy = {"tunnels": {"to-cloud": {**case.file.policy["tunnels"]["to-cloud"], "port": 2222}}}
    (verdict,) = judge(rules()["tunnel-host-key-known"], case.transcript(), policy)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.NOT_COLLECTED)
    policy = {"tunnels": {"another": case.file.policy["tunnels"]["to-cloud"]}}
    for rule in TUNNEL_RULES:
        (verdict,) = judge(rules()[rule], case.transcript(), policy)
        assert verdict.outcome is Outcome.UNKNOWN or (
            verdict.outcome is Outcome.NOT_APPLICABLE and rule == "tunnel-logs-clean"
        )

"""Answers of hosts: each probe's sections with the rules that judge by them, and the frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial

from pydantic import TypeAdapter

from nethygiene.collect.frames import cut_into_sections
from nethygiene.engine.across import FactsOfRun
from nethygiene.engine.catalogue import all_probes
from nethygiene.engine.decision import Verdict
from nethygiene.engine.evaluate import evaluate
from nethygiene.engine.evaluate_ends import evaluate_ends
from nethygiene.engine.evaluate_group import GroupSubject, evaluate_group
from nethygiene.engine.fact import Fact
from nethygiene.engine.items import DECLARED
from nethygiene.engine.judging import HostTask, judge_host
from nethygiene.engine.outcomes import Outcome, Unreadable
from nethygiene.engine.records import host_record, result_record
from nethygiene.engine.results import Result
from nethygiene.engine.rule import Rule
from nethygiene.engine.subject import Subject
from nethygiene.inventory.group_policy import group_policy_from_plain
from nethygiene.inventory.model import Group, Host
from nethygiene.inventory.target import Target as ConnectionTarget
from nethygiene.transcript import Section, Transcript
from tests.cases.case import rules
from tests.fuzz.answers import (
    COMPLAINT,
    GROUP_POLICY,
    PART,
    cases,
    healthy,
    policy,
    read,
    recorded,
    section_names,
    written,
)
from tests.fuzz.target import Target

BOUNDARY = "nethygiene-0123456789abcdef0123456789abcdef"
_MARKS = tuple(
    f"\n{BOUNDARY} {rest}".encode()
    for rest in ("begin ", "begin one\n", "end one 0\n", "end one ", "done\n")
)


def _subject(sections: Mapping[str, Section]) -> Subject:
    transcript = Transcript("host", "address", "", 0.0, 1.0, sections=sections)
    return Subject("host", policy(), transcript, tuple(rules().values()))


def judge_answer(probe: str, data: bytes) -> None:
    """Parse one probe's sections, and judge by every rule that asks for its fact."""
    own = read(data, section_names(all_probes()[probe]))
    subject = _subject({**healthy(), **own})
    fact = subject.fact(probe)
    assert isinstance(fact, Fact | Unreadable)
    # The engine's safety net is for bugs: none may be in it.
    assert "the parser failed" not in str(fact), fact
    judged = judge_host(HostTask(subject.policy, subject.transcript, ()))
    host = Host("host", (), ConnectionTarget("host", "host"), subject.policy)
    host_record(host, subject.transcript, judged.machine, judged.kernel).model_dump_json()
    if isinstance(fact, Unreadable):
        return  # each rule that asks for it is unknown, by the engine alone
    for rule in rules().values():
        if probe not in rule.probes:
            continue
        for verdict in _verdicts(rule, subject):
            assert verdict.traceback is None, verdict.traceback
            assert verdict.outcome in Outcome
            record = result_record(rule.id, rule.severity, verdict, None, host="host")
            size = len(TypeAdapter(Result).dump_json(record))
            assert size < 1_000_000, "a report nobody can open"


_TEAM = Group("team", ("host", "other"), policy=group_policy_from_plain(GROUP_POLICY))


def _verdicts(rule: Rule, subject: Subject) -> Iterable[Verdict]:
    """The verdicts on the host, on what it dials, or on a group of it and of one that is well."""
    if rule.scope == "host":
        for item in DECLARED[rule.declared](subject.policy) if rule.declared else [None]:
            yield from evaluate(rule, subject, item)
        return
    members = dict(zip(_TEAM.members, (subject, _well()), strict=True))
    facts = {
        host: {name: each.fact(name) for name in (*rule.probes, *_OF_THE_RUN)}
        for host, each in members.items()
    }
    if rule.scope == "ends":
        for upstream in subject.policy.upstreams.values():
            yield from evaluate_ends(rule, "host", upstream, FactsOfRun(dict(facts)))
        return
    team = GroupSubject(_TEAM, {host: each.policy for host, each in members.items()}, facts)
    items = _TEAM.policy.virtual_addresses.values()
    for item in items if rule.declared else [None]:
        yield from evaluate_group(rule, team, item)


_OF_THE_RUN = ("connection", "kernel", "round_trip")


@cache
def _well() -> Subject:
    return _subject(healthy())


def _answer_seeds(probe: str) -> Iterable[bytes]:
    names = section_names(all_probes()[probe])
    yield written([healthy().get(name, Section(b"")) for name in names])
    for case in cases():
        sections = case.transcript().sections
        if any(name in sections for name in names):
            mixed = {**healthy(), **sections}
            yield written([mixed.get(name, Section(b"")) for name in names])
    if len(names) == 1:
        for one in recorded(names[0]):
            yield written([one])


def cut_frames(data: bytes) -> None:
    """Cut an answer; its two streams are parted by a line of its own."""
    stdout, _, stderr = data.partition(PART)
    framed = cut_into_sections(stdout, stderr, BOUNDARY, None, {"one"})
    for name, section in framed.sections.items():
        assert name == "one", "nobody asked for it"
        if section.cut is None:
            assert section.status is not None
            assert f"\n{BOUNDARY} end {name}".encode() in stdout


def _frame_seeds() -> Iterable[bytes]:
    mark = BOUNDARY.encode()
    one = b"\n%s begin one\nbody\n\n%s end one 0\n" % (mark, mark)
    yield one + b"\n%s done\n" % mark + PART + one
    yield one


def answer_targets() -> Mapping[str, Target]:
    """A target for each probe, and one for the frames."""
    probes = {
        f"probe-{name}": Target(
            partial(judge_answer, name), partial(_answer_seeds, name), (PART, COMPLAINT + b"1\n")
        )
        for name in all_probes()
    }
    return probes | {"frames": Target(cut_frames, _frame_seeds, (*_MARKS, PART))}

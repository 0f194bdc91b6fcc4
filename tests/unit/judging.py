"""Judging a whole answer by every shipped rule on one host."""

from __future__ import annotations

from collections.abc import Mapping

from nethygiene.collect.frames import Framed
from nethygiene.engine.decision import Verdict
from nethygiene.transcript import HostFailure, Section, Transcript
from tests.cases.case import judge, rules

POLICY = {
    "services": {"shop": {"port": 80, "backlog": 511}, "other": {"port": 9, "backlog": 1}},
    "min_somaxconn": 4096,
    "icmp_redirects": "accept",
}
"""A policy under which no shipped rule is without something to judge."""

GONE = HostFailure("closed", "the connection ended", "see why")

Verdicts = Mapping[tuple[str, str | None], Verdict]


def transcript_of(framed: Framed) -> Transcript:
    return _transcript(framed.sections, None if framed.complete else GONE)


def _transcript(sections: Mapping[str, Section], failure: HostFailure | None) -> Transcript:
    return Transcript("host", "address", "", 0.0, 0.1, sections=sections, failure=failure)


def judge_all(transcript: Transcript) -> Verdicts:
    """Every verdict, by rule and item."""
    return {
        (rule.id, verdict.item): verdict
        for rule in rules().values()
        if rule.scope == "host"
        for verdict in judge(rule, transcript, POLICY)
    }

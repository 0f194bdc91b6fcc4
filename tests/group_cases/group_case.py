"""A recorded case of a rule on several hosts: what each of them answered, and the verdicts.

One YAML file each, ``tests/group_cases/<rule-id>/<state>.<outcome>.yaml``:

- ``source``, ``expect``, ``window``: as in :mod:`tests.cases.case`;
- ``declares``: what the group declares for its members as one;
- ``policy``: what every member should be like;
- ``limits_out``: further members, which a limit leaves out;
- ``setups``: the members by name, each with the script that makes it; null for one that cannot be
  read. ``tests.group_cases.record`` runs each in namespaces of its own, all at the same time;
- ``answers``: what they answered, written by the recorder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from nethygiene.engine.decision import Verdict
from nethygiene.engine.evaluate_group import GroupSubject, evaluate_group
from nethygiene.engine.items import DECLARED_BY_GROUPS
from nethygiene.engine.judging import HostTask, judge_host
from nethygiene.inventory.group_policy import GroupPolicy, group_policy_from_plain
from nethygiene.inventory.model import Group
from nethygiene.inventory.policy import Policy, policy_from_plain
from nethygiene.transcript import HostFailure, Transcript
from tests.cases.case import WORST_FIRST, Expected, rules
from tests.cases.hosts import CaseSection, Strict, parse

GROUP_CASES = Path(__file__).parent


class Answer(Strict):
    """What one member answered, and when."""

    sent: float
    received: float
    sections: dict[str, CaseSection]


class GroupCaseFile(Strict):
    source: str = Field(min_length=20)
    declares: dict[str, Any] = Field(default_factory=dict)
    policy: dict[str, Any] = Field(default_factory=dict)
    window: float = 0.0
    limits_out: tuple[str, ...] = ()
    setups: dict[str, str | None]
    expect: tuple[Expected, ...] = Field(min_length=1)
    answers: dict[str, Answer] = Field(default_factory=dict)


@dataclass(frozen=True)
class GroupCase:
    """A case, as its file has it."""

    path: Path
    file: GroupCaseFile

    @property
    def rule_id(self) -> str:
        return self.path.parent.name

    @property
    def outcome(self) -> str:
        """The outcome that the file's name claims."""
        return self.path.name.split(".")[-2]

    @property
    def worst(self) -> str:
        outcomes = {one.outcome for one in self.file.expect}
        return next(one for one in WORST_FIRST if one in outcomes)

    @cached_property
    def policy(self) -> Policy:
        return policy_from_plain(dict(self.file.policy))

    @cached_property
    def group_policy(self) -> GroupPolicy:
        return group_policy_from_plain(dict(self.file.declares))

    def transcripts(self) -> dict[str, Transcript]:
        return {name: self._transcript(name) for name in self.file.setups}

    def verdicts(self, transcripts: Mapping[str, Transcript] | None = None) -> list[Verdict]:
        """The verdicts on these answers, or on those of the file."""
        rule = rules()[self.rule_id]
        members = tuple(self.file.setups)
        group = Group("db", members, self.file.limits_out, policy=self.group_policy)
        facts = {
            name: judge_host(HostTask(self.policy, transcript, (), rule.probes)).facts
            for name, transcript in (transcripts or self.transcripts()).items()
        }
        subject = GroupSubject(group, dict.fromkeys(members, self.policy), facts)
        items = DECLARED_BY_GROUPS[rule.declared](self.group_policy) if rule.declared else (None,)
        return [verdict for item in items for verdict in evaluate_group(rule, subject, item)] or [
            *evaluate_group(rule, subject)
        ]

    def _transcript(self, name: str) -> Transcript:
        answer = self.file.answers.get(name)
        when = "2026-01-01T00:00:00.000Z"
        if answer is None:
            failure = HostFailure("refused", "the connection was refused", "start sshd")
            return Transcript(name, name, when, 0.0, self.file.window, failure=failure)
        return Transcript(
            host=name,
            address=name,
            collected_at=when,
            seconds=self.file.window,
            window=self.file.window,
            privileged=True,
            sections={key: one.section() for key, one in answer.sections.items()},
            sent=answer.sent,
            received=answer.received,
        )


def group_case_paths() -> list[Path]:
    return sorted(GROUP_CASES.glob("*/*.yaml"))


def load_group_case(path: Path) -> GroupCase:
    """Read a case.

    Raises:
        ValueError: it is no case; pydantic's own words name the key.
    """
    return GroupCase(path, GroupCaseFile.model_validate(parse(path.read_text("utf-8"))))

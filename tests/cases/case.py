"""A recorded case: what a host answered, and what one rule has to make of it.

One small YAML file each, ``tests/cases/<rule-id>/<state>.<outcome>.yaml``:

- ``source``: which commands on which machine gave it, and what was left out;
- ``setup``, ``login``, ``shell``, ``limits``: how :mod:`tests.cases.record` records it, where
  that can be done anew in throw-away namespaces;
- ``policy``, ``window``, ``privileged``, ``failure``: the rest of the transcript;
- ``expect``: the verdicts, each with its item, outcome, reason and what its message says;
- ``sections``: name to stdout, stderr, exit status and cut, as the script framed them.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from nethygiene.docs.catalogue import check_modules
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.outcomes import Outcome, Reason
from nethygiene.rules.definition import Rule
from nethygiene.rules.evaluate import Verdict, evaluate
from nethygiene.rules.items import DECLARED
from nethygiene.rules.subject import Subject
from nethygiene.transcript import Cut, HostFailure, Section, Transcript

CASES = Path(__file__).parent
ROOT = CASES.parents[1]

WORST_FIRST = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED, Outcome.NOT_APPLICABLE)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseSection(_Strict):
    stdout: str = ""
    stdout_base64: str | None = None
    stderr: str = ""
    stderr_base64: str | None = None
    status: int | None = 0
    cut: Cut | None = None

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        if (self.stdout and self.stdout_base64) or (self.stderr and self.stderr_base64):
            raise ValueError("give a stream as text or as base64, not both")
        if (self.status is None) != (self.cut is not None):
            raise ValueError("a section has a status, or (status: null) why it was cut")
        return self

    def section(self) -> Section:
        return Section(
            _bytes(self.stdout, self.stdout_base64),
            _bytes(self.stderr, self.stderr_base64),
            self.status,
            self.cut,
        )


def _bytes(text: str, encoded: str | None) -> bytes:
    return text.encode() if encoded is None else base64.b64decode(encoded, validate=True)


class CaseFailure(_Strict):
    code: str
    message: str
    cure: str


class Expected(_Strict):
    item: str | None = None
    outcome: Outcome
    reason: Reason | None = None
    contains: tuple[str, ...] = ()

    @field_validator("contains", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Limits(_Strict):
    """Caps and deadline of the connection, where a recording shall run into them."""

    command_timeout: float = 30.0
    max_stdout: int = 64 * 1024 * 1024


class CaseFile(_Strict):
    source: str = Field(min_length=20)
    setup: str | None = None
    login: str | None = None
    shell: str = "/bin/sh -s"
    limits: Limits = Limits()
    policy: dict[str, Any] = Field(default_factory=dict)
    window: float = 0.0
    become: bool = False
    privileged: bool = False
    failure: CaseFailure | None = None
    expect: tuple[Expected, ...] = Field(min_length=1)
    sections: dict[str, CaseSection]


@dataclass(frozen=True)
class Case:
    path: Path
    file: CaseFile

    @property
    def rule_id(self) -> str:
        return self.path.parent.name

    @property
    def outcome(self) -> str:
        """The outcome that the file's name claims."""
        return self.path.name.split(".")[-2]

    @property
    def worst(self) -> Outcome:
        outcomes = {one.outcome for one in self.file.expect}
        return next(one for one in WORST_FIRST if one in outcomes)

    def transcript(self) -> Transcript:
        failure = self.file.failure
        return Transcript(
            host="recorded",
            address="recorded",
            collected_at="2026-01-01T00:00:00.000Z",
            seconds=self.file.window,
            window=self.file.window,
            privileged=self.file.privileged,
            sections={name: one.section() for name, one in self.file.sections.items()},
            failure=HostFailure(failure.code, failure.message, failure.cure) if failure else None,
        )

    def verdicts(self) -> list[Verdict]:
        return judge(rules()[self.rule_id], self.transcript(), self.file.policy)


def judge(rule: Rule, transcript: Transcript, policy: Mapping[str, Any]) -> list[Verdict]:
    """Judge a transcript by a rule as a run does: every declared item, or none."""
    run = tuple(rules().values())
    subject = Subject(transcript.host, policy_from_plain(dict(policy)), transcript, run)
    items = list(DECLARED[rule.declared](subject.policy)) if rule.declared else []
    if not items:
        return evaluate(rule, subject)
    return [verdict for item in items for verdict in evaluate(rule, subject, item)]


@cache
def rules() -> Mapping[str, Rule]:
    """The shipped rules by id."""
    return {rule.id: rule for module in check_modules(ROOT) for rule in module.rules}


def case_paths() -> list[Path]:
    return sorted(CASES.glob("*/*.yaml"))


def load_case(path: Path) -> Case:
    """Read a case.

    Raises:
        ValueError: it is no case; pydantic's own words name the key.
    """
    return Case(path, CaseFile.model_validate(_parse(path.read_text("utf-8"))))


class _Loader(yaml.CSafeLoader):
    """Refuses a key that is given twice, of which PyYAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise ValueError(f"given twice: {', '.join(sorted(twice))}")
        return super().construct_mapping(node, deep)


def _parse(text: str) -> object:
    parsed: object = yaml.load(text, _Loader)
    return parsed

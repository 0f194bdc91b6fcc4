"""A recorded case: what a host answered, and what one rule has to make of it.

One small YAML file each, ``tests/cases/<rule-id>/<state>.<outcome>.yaml``:

- ``source``: which commands on which machine gave it, and what was left out;
- ``host``: the file in ``tests/hosts/`` that has what this case shares with others, if any;
- ``setup``, ``login``, ``shell``, ``limits``: how :mod:`tests.cases.record` records it, where
  that can be done anew in throw-away namespaces; ``setup`` goes on where the host's ends;
- ``policy``, ``window``, ``privileged``, ``failure``: the rest of the transcript;
- ``expect``: the verdicts, each with its item, outcome, reason and what its message says;
- ``takes``: the sections that are the host's, word for word;
- ``sections``: the others. Each has stdout, stderr, exit status (0 where none is given) and cut, as
  the script framed them; or ``diff``, how its stdout differs from the host's, as ``diff`` shows it.

What the case is about thus stands in ``sections``; what any such host answers, in the host's file.
``python -m tests.cases.show FILE`` prints a case with all of its sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from nethygiene.docgen.catalogue import check_modules
from nethygiene.engine.decision import Verdict
from nethygiene.engine.evaluate import evaluate
from nethygiene.engine.items import DECLARED
from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.engine.rule import Rule
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import policy_from_plain
from nethygiene.transcript import HostFailure, Transcript
from tests.cases.hosts import CaseSection, Strict, load_host, parse

CASES = Path(__file__).parent
ROOT = CASES.parents[1]

WORST_FIRST = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED, Outcome.NOT_APPLICABLE)


class CaseFailure(Strict):
    code: str
    message: str
    cure: str


class Expected(Strict):
    item: str | None = None
    outcome: Outcome
    reason: Reason | None = None
    contains: tuple[str, ...] = ()

    @field_validator("contains", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value


class Limits(Strict):
    """Caps and deadline of the connection, where a recording shall run into them."""

    command_timeout: float = 30.0
    max_stdout: int = 64 * 1024 * 1024


class CaseFile(Strict):
    source: str = Field(min_length=20)
    host: str | None = None
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
    takes: tuple[str, ...] = ()
    sections: dict[str, CaseSection]


@dataclass(frozen=True)
class Case:
    """A case, with what its host's file adds to its own."""

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
    file = CaseFile.model_validate(parse(path.read_text("utf-8")))
    if file.host is None:
        if file.takes:
            raise ValueError("`takes` needs a `host`")
        own = {name: section.of(None) for name, section in file.sections.items()}
        return Case(path, file.model_copy(update={"sections": own}))
    host = load_host(file.host)
    whole = {
        "setup": host.setup_of(file.setup),
        "sections": host.sections_of(file.takes, file.sections),
    }
    return Case(path, file.model_copy(update={**whole, "takes": ()}))

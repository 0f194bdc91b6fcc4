"""Judges a host: a pure function from plain values to plain values.

All of them can be pickled, so that a host may be judged in this process or in any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nethygiene.engine.decision import Verdict
from nethygiene.engine.evaluate import evaluate
from nethygiene.engine.fact import Fact
from nethygiene.engine.items import Named
from nethygiene.engine.kernel import Kernel
from nethygiene.engine.machine import Machine
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.rule import Rule
from nethygiene.engine.subject import Subject
from nethygiene.inventory.policy import Policy
from nethygiene.transcript import HostFailure, Transcript


@dataclass(frozen=True, slots=True)
class HostTask:
    """One host to be judged.

    Attributes:
        policy: what it should be like.
        transcript: its answer.
        rules: the rules to judge it by, each with its declared item or None.
        kept: the probes whose facts are returned, for rules that judge several hosts.
        without_since: stands for a sample that the earlier run of `--since` lacks; None without
            such a run.
    """

    policy: Policy
    transcript: Transcript
    rules: tuple[tuple[Rule, Named | None], ...]
    kept: frozenset[str] = frozenset()
    without_since: Unreadable | None = None

    def subject(self) -> Subject:
        """The host as rules see it."""
        distinct = tuple({rule.id: rule for rule, _ in self.rules}.values())
        return Subject(
            self.transcript.host,
            self.policy,
            self.transcript,
            distinct,
            without_since=self.without_since,
        )


@dataclass(frozen=True, slots=True)
class HostVerdicts:
    """The verdicts of a host.

    Attributes:
        verdicts: one or more for each of the task's rules, in their order.
        machine: its system and boot; None if unreadable.
        kernel: its release; None if unreadable.
        facts: those that the task keeps, by probe, and then ``connection`` and ``round_trip``.
    """

    verdicts: tuple[Sequence[Verdict], ...]
    machine: Machine | None
    kernel: Kernel | None
    facts: Mapping[str, Fact | Unreadable]


def judge_host(task: HostTask) -> HostVerdicts:
    """Judge a host by all rules; each fact is parsed once."""
    subject = task.subject()
    verdicts = tuple(evaluate(rule, subject, item) for rule, item in task.rules)
    machine, kernel = subject.fact("machine"), subject.fact("kernel")
    of_connection = ("connection", "round_trip") if task.kept else ()
    return HostVerdicts(
        verdicts,
        machine if isinstance(machine, Machine) else None,
        kernel if isinstance(kernel, Kernel) else None,
        {name: subject.fact(name) for name in (*task.kept, *of_connection)},
    )


def not_read(host: str) -> Transcript:
    """What stands for the answer of a host that was not read before an interruption."""
    why = "the run was interrupted before this host was read"
    failure = HostFailure("interrupted", why, "run it again")
    return Transcript(host, "", "", 0.0, 0.0, failure=failure)

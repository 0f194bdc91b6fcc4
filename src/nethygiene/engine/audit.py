"""One audit: its hosts, their answers, and the results as they come."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from nethygiene import __version__
from nethygiene.engine.across import FactsOfRun
from nethygiene.engine.decision import Verdict
from nethygiene.engine.earlier import EarlierRun
from nethygiene.engine.evaluate_ends import evaluate_ends
from nethygiene.engine.evaluate_group import GroupSubject, evaluate_group
from nethygiene.engine.judging import HostTask, HostVerdicts, judge_host, not_read
from nethygiene.engine.naming import Naming
from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.plan import plan_run
from nethygiene.engine.records import (
    group_record,
    host_record,
    order_of,
    result_record,
    rfc3339,
)
from nethygiene.engine.results import HostRecord, Result, RuleRecord, Run, ToolRecord, summarize
from nethygiene.engine.rule import Rule
from nethygiene.engine.settings import Settings
from nethygiene.engine.subject import Subject
from nethygiene.engine.unit import Unit, asked_of, units_by_host
from nethygiene.engine.waiting import Waiting
from nethygiene.engine.waivers import cover_of, waived_hosts, waiver_remarks
from nethygiene.inventory.model import Group
from nethygiene.inventory.policy import Waiver, policies_of_groups, policies_sha256
from nethygiene.transcript import Transcript


class Audit:
    """One run over the hosts of an inventory or of an evidence file.

    Attributes:
        settings: its settings.
        run_id: random; the same in the results and the evidence.
        plan: the hosts, and the evidence that they are judged by.
        results: those reported so far; under xdist only the controller has all.
        rules: records of the rules of these results, by id.
        named: hosts whose addresses are asked for, since policies of selected hosts name them.
        interrupted: Ctrl-C ended the collection; the answers until then are judged.
        crashes: the traceback of each rule that crashed, by its id.
    """

    def __init__(self, settings: Settings) -> None:
        """Read the inventory and evidence files that the settings name.

        Raises:
            UsageError: one of them is wrong; the message has place and cure.
        """
        self.settings = settings
        self.run_id = str(uuid.uuid4())
        self.plan = plan_run(settings)
        self.hosts = self.plan.hosts
        self.results: list[Result] = []
        self.rules: dict[str, RuleRecord] = {}
        self.interrupted = False
        self.crashes: dict[str, str] = {}
        self._started = datetime.now(UTC)
        self._since = EarlierRun(settings.since) if settings.since is not None else None
        self._units: Mapping[str, tuple[Unit, ...]] = {}
        self._kept: Mapping[str, frozenset[str]] = {}
        self._of_several: tuple[Unit, ...] = ()
        self._naming = Naming(self.plan, self._transcript)
        self.named: frozenset[str] = frozenset()
        self._waiting = Waiting()
        self._facts = FactsOfRun()
        self._looked_at: frozenset[str] = frozenset()
        self._transcripts: dict[str, Transcript] = {}
        self._subjects: dict[str, Subject] = {}
        self._judged: dict[Unit, tuple[Result, ...]] = {}
        self._records: dict[str, HostRecord] = {}

    @property
    def is_live(self) -> bool:
        """Whether the run connects to hosts."""
        return self.plan.answers is None

    def select(self, units: Iterable[Unit], looked_at: Collection[str] = ()) -> None:
        """Select the units to judge.

        Args:
            units: the units.
            looked_at: hosts whose answers are kept, since plain checks look at them too.
        """
        units = tuple(units)
        self._units = units_by_host(units)
        self._of_several = tuple(unit for unit in units if unit.is_of_several)
        self._kept = asked_of(self._of_several)
        self._looked_at = frozenset(looked_at)
        judged = {unit.hosts[0] for unit in units if unit.group is None}
        self.named = frozenset(
            name for host in judged for name in self._naming.named_by(host) if name in self.hosts
        )

    def answers(self) -> Iterator[Transcript]:
        """The answers of the selected units' hosts, from the evidence.

        Raises:
            EvidenceError: the file has changed since the audit began.
        """
        assert self.plan.answers is not None
        for host in self.hosts:
            selected = host in self._units or host in self._kept or host in self._looked_at
            if selected or host in self.named:
                yield self.plan.answers.transcript(host)

    def take(self, transcript: Transcript) -> None:
        """Take the answer of a host, and judge it by all its selected rules.

        A host whose policy names other hosts is judged when these have answered as well. Answers
        are dropped then: those of a fleet would fill the memory.
        """
        host = transcript.host
        # It is kept until the host is judged, which after a bug of ours is when it is asked for.
        self._transcripts[host] = transcript
        self._naming.note(transcript, self.named)
        if missing := self._naming.missing(host):
            self._waiting.hold(host, missing)
        else:
            self._take(host)
        for other in self._waiting.freed_by(host):
            self._take(other)

    def _take(self, host: str) -> None:
        """Judge a host whose answer has come, and drop the answer."""
        try:
            self._judge(host)
        except Exception:  # noqa: BLE001 - asking for the result raises and shows it again
            return
        if host not in self._looked_at:
            del self._transcripts[host]

    def judge_rest(self) -> None:
        """Judge what several hosts decide, after all have answered, and drop the facts."""
        for host in self._waiting.rest():
            self._take(host)
        for unit in self._of_several:
            self.results_of(unit)
        self._facts.clear()

    def results_of(self, unit: Unit) -> tuple[Result, ...]:
        """The results of a unit, which is judged now, with all others of its host, if necessary."""
        if unit not in self._judged:
            if unit.is_of_several:
                self._judge_several(unit)
            else:
                self._judge(unit.hosts[0])
        return self._judged[unit]

    def _judge(self, host: str) -> None:
        units = self._units.get(host, ())
        task = self._task(host)
        judged = judge_host(task)
        self._note(task.transcript, judged)
        if task.kept:
            self._facts.by_host[host] = judged.facts
        for unit, verdicts in zip(units, judged.verdicts, strict=True):
            rule = unit.rule
            self._judged[unit] = tuple(
                self.settle(rule.id, rule.severity, host, verdict) for verdict in verdicts
            )

    def _judge_several(self, unit: Unit) -> None:
        hosts = unit.others or unit.hosts
        for host in self._facts.missing_of(hosts):
            self._judge(host)
        rule, group = unit.rule, unit.group
        if group is not None:
            policies = {host: self.hosts[host].policy for host in unit.hosts}
            verdicts = evaluate_group(
                rule, GroupSubject(group, policies, self._facts.by_host), unit.item
            )
            settled = [self._settle_group(rule, group, verdict) for verdict in verdicts]
        else:
            (dialler,) = unit.hosts
            item = unit.item_of(self._naming.policy(dialler))
            verdicts = evaluate_ends(rule, dialler, item, self._facts)
            settled = [self.settle(rule.id, rule.severity, dialler, each) for each in verdicts]
        self._judged[unit] = tuple(settled)

    def _settle_group(self, rule: Rule, group: Group, verdict: Verdict) -> Result:
        """The result of a group's verdict; a waiver of all members covers it."""
        waivers = [set(self.hosts[host].policy.waivers.values()) for host in group.members]
        shared = set.intersection(*waivers)
        return self._record_of(rule.id, rule.severity, verdict, shared, group=group.name)

    def _task(self, host: str) -> HostTask:
        transcript = self._transcript(host)
        without_since = None
        if self._since is not None:
            transcript = self._since.added_to(transcript)
            without_since = self._since.lacks(host)
        units, kept = self._units.get(host, ()), self._kept.get(host, frozenset())
        policy = self._naming.policy(host) if units else self.hosts[host].policy
        rules = tuple((unit.rule, unit.item_of(policy)) for unit in units)
        return HostTask(policy, transcript, rules, kept, without_since)

    def _transcript(self, host: str) -> Transcript:
        transcript = self._transcripts.get(host)
        if transcript is None and self.plan.answers is not None and not self.interrupted:
            transcript = self.plan.answers.transcript(host)
        return transcript or not_read(host)

    def _note(self, transcript: Transcript, judged: HostVerdicts) -> None:
        host = self.hosts[transcript.host]
        self._records[host.name] = host_record(host, transcript, judged.machine, judged.kernel)

    def note(self, transcript: Transcript) -> None:
        """Record a host for the report, without judging it: the workers judge it."""
        policy = self.hosts[transcript.host].policy
        self._note(transcript, judge_host(HostTask(policy, transcript, ())))

    def subject(self, host: str) -> Subject:
        """A host as rules see it, for plain checks."""
        subject = self._subjects.get(host)
        if subject is None:
            subject = self._subjects[host] = self._task(host).subject()
        return subject

    def settle(self, rule: str, severity: Severity, host: str, verdict: Verdict) -> Result:
        """The result of a host's verdict, after its waivers."""
        waivers = self.hosts[host].policy.waivers.values()
        return self._record_of(rule, severity, verdict, waivers, host=host)

    def _record_of(
        self,
        rule: str,
        severity: Severity,
        verdict: Verdict,
        waivers: Iterable[Waiver],
        *,
        host: str | None = None,
        group: str | None = None,
    ) -> Result:
        if verdict.traceback is not None:
            self.crashes.setdefault(rule, verdict.traceback)
        cover = None
        if verdict.outcome is Outcome.FAILED:
            cover = cover_of(waivers, rule, verdict.item, self._started.date())
        return result_record(rule, severity, verdict, cover, host=host, group=group)

    def report(self, rule: RuleRecord, results: Iterable[Result]) -> None:
        """Add reported results to the run."""
        self.results += results
        self.rules.setdefault(rule.id, rule)

    def remarks(self) -> list[str]:
        """Remarks beside the results: about the inventory, and about its waivers."""
        groups = {result.group for result in self.results if result.group is not None}
        members = {name: self.plan.group(name).members for name in groups}
        waived = waived_hosts(self.hosts, self.results, members)
        limited = self.settings.limit is not None
        today = self._started.date()
        return [*self.plan.warnings, *waiver_remarks(waived, today, limited=limited)]

    def run(self, exit_status: int, cut_short: str | None = None) -> Run:
        """The whole run, for reports."""
        # Results have an order of their own, so that workers and evidence give the same file.
        results = tuple(sorted(self.results, key=order_of))
        groups = sorted({result.group for result in results if result.group is not None})
        return Run(
            tool=ToolRecord(version=__version__),
            run_id=self.run_id,
            labels=self.settings.labels,
            started=rfc3339(self._started),
            finished=rfc3339(datetime.now(UTC)),
            inventory=self.plan.path,
            policy_sha256=self._policy_sha256(),
            window=self.settings.window,
            hosts=tuple(self._record(name) for name in sorted(self.hosts)),
            groups=tuple(group_record(self.plan.group(name)) for name in groups),
            rules=tuple(self.rules[key] for key in sorted(self.rules)),
            results=results,
            summary=summarize(results),
            exit_status=exit_status,
            cut_short=cut_short,
        )

    def _policy_sha256(self) -> str:
        plan = self.plan
        groups = [plan.everyone, *plan.groups.values()]
        of_groups = policies_of_groups((group.name, group.policy) for group in groups)
        return policies_sha256(
            [*((name, host.policy) for name, host in self.hosts.items()), *of_groups]
        )

    def _record(self, host: str) -> HostRecord:
        if host not in self._records:
            self.note(self._transcript(host))
        return self._records[host]

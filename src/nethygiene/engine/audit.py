"""One audit: its hosts, their answers, and the results as they come."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from nethygiene import __version__
from nethygiene.engine.decision import Verdict
from nethygiene.engine.earlier import EarlierRun
from nethygiene.engine.evaluate_group import GroupSubject, evaluate_group
from nethygiene.engine.fact import Fact
from nethygiene.engine.judging import HostTask, HostVerdicts, judge_host
from nethygiene.engine.outcomes import Outcome, Severity, Unreadable
from nethygiene.engine.plan import plan_run
from nethygiene.engine.records import group_record, host_record, result_record
from nethygiene.engine.results import HostRecord, Result, RuleRecord, Run, ToolRecord, summarize
from nethygiene.engine.rule import Rule
from nethygiene.engine.settings import Settings
from nethygiene.engine.subject import Subject
from nethygiene.engine.unit import Unit
from nethygiene.engine.waivers import WaivedHost, cover_of, waiver_remarks
from nethygiene.inventory.model import Group
from nethygiene.inventory.policy import Waiver, policies_of_groups, policies_sha256
from nethygiene.transcript import HostFailure, Transcript

_NOT_READ = HostFailure(
    "interrupted", "the run was interrupted before this host was read", "run it again"
)


class Audit:
    """One run over the hosts of an inventory or of an evidence file.

    Attributes:
        settings: its settings.
        run_id: random; the same in the results and the evidence.
        plan: the hosts, and the evidence that they are judged by.
        results: those reported so far; under xdist only the controller has all.
        rules: records of the rules of these results, by id.
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
        self._units: dict[str, tuple[Unit, ...]] = {}
        self._kept: dict[str, frozenset[str]] = {}
        self._of_groups: tuple[Unit, ...] = ()
        self._facts: dict[str, Mapping[str, Fact | Unreadable]] = {}
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
        by_host: dict[str, list[Unit]] = defaultdict(list)
        kept: dict[str, set[str]] = defaultdict(set)
        for unit in units:
            for host in unit.hosts:
                if unit.group is None:
                    by_host[host].append(unit)
                else:
                    kept[host] |= unit.probes
        self._units = {host: tuple(of_host) for host, of_host in by_host.items()}
        self._kept = {host: frozenset(names) for host, names in kept.items()}
        self._of_groups = tuple(unit for unit in units if unit.group is not None)
        self._looked_at = frozenset(looked_at)

    def answers(self) -> Iterator[Transcript]:
        """The answers of the selected units' hosts, from the evidence.

        Raises:
            EvidenceError: the file has changed since the audit began.
        """
        assert self.plan.answers is not None
        for host in self.hosts:
            if host in self._units or host in self._kept or host in self._looked_at:
                yield self.plan.answers.transcript(host)

    def take(self, transcript: Transcript) -> None:
        """Take the answer of a host, and judge it by all its selected rules.

        The answer is dropped then: the answers of a fleet would fill the memory.
        """
        host = transcript.host
        # The answer is kept until the host is judged: after an interruption, or a bug of ours, it
        # is judged again.
        self._transcripts[host] = transcript
        try:
            self._judge(host)
        except Exception:  # noqa: BLE001 - asking for the result raises and shows it again
            return
        if host not in self._looked_at:
            del self._transcripts[host]

    def judge_groups(self) -> None:
        """Judge the selected groups, after all hosts have answered, and drop the facts."""
        for unit in self._of_groups:
            self.results_of(unit)
        self._facts.clear()

    def results_of(self, unit: Unit) -> tuple[Result, ...]:
        """The results of a unit, which is judged now, with all others of its host, if necessary."""
        if unit not in self._judged:
            if unit.group is None:
                self._judge(unit.hosts[0])
            else:
                self._judge_group(unit, unit.group)
        return self._judged[unit]

    def _judge(self, host: str) -> None:
        units = self._units.get(host, ())
        task = self._task(host)
        judged = judge_host(task)
        self._note(task.transcript, judged)
        if task.kept:
            self._facts[host] = judged.facts
        for unit, verdicts in zip(units, judged.verdicts, strict=True):
            rule = unit.rule
            self._judged[unit] = tuple(
                self.settle(rule.id, rule.severity, host, verdict) for verdict in verdicts
            )

    def _judge_group(self, unit: Unit, group: Group) -> None:
        for host in unit.hosts:
            if host not in self._facts:
                self._judge(host)
        policies = {host: self.hosts[host].policy for host in unit.hosts}
        verdicts = evaluate_group(unit.rule, GroupSubject(group, policies, self._facts), unit.item)
        self._judged[unit] = tuple(
            self._settle_group(unit.rule, group, verdict) for verdict in verdicts
        )

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
        rules = tuple((unit.rule, unit.item) for unit in self._units.get(host, ()))
        kept = self._kept.get(host, frozenset())
        return HostTask(self.hosts[host].policy, transcript, rules, kept, without_since)

    def _transcript(self, host: str) -> Transcript:
        transcript = self._transcripts.get(host)
        if transcript is None and self.plan.answers is not None and not self.interrupted:
            transcript = self.plan.answers.transcript(host)
        return transcript or Transcript(host, "", "", 0.0, 0.0, failure=_NOT_READ)

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
        by_host: dict[str, list[Result]] = defaultdict(list)
        for result in self.results:
            members = self.plan.group(result.group).members if result.group else ()
            for host in members if result.host is None else (result.host,):
                by_host[host].append(result)
        waived = (
            WaivedHost(name, tuple(host.policy.waivers.values()), tuple(by_host[name]))
            for name, host in self.hosts.items()
            if host.policy.waivers
        )
        limited = self.settings.limit is not None
        today = self._started.date()
        return [*self.plan.warnings, *waiver_remarks(waived, today, limited=limited)]

    def run(self, exit_status: int, cut_short: str | None = None) -> Run:
        """The whole run, for reports."""
        # Results have an order of their own, so that workers and evidence give the same file.
        results = tuple(sorted(self.results, key=_order))
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


def _order(result: Result) -> tuple[str, bool, str, str]:
    """The order of results: by rule, with its hosts before its groups."""
    return result.rule, result.host is None, result.where, result.item or ""


def rfc3339(moment: datetime) -> str:
    """A moment in UTC in the form of RFC 3339, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""One audit: its hosts, what they answered, and the results as they come to be."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from nethygiene import __version__
from nethygiene.engine.earlier import EarlierRun
from nethygiene.engine.evaluate import Verdict, evaluate_group
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
from nethygiene.inventory.policy import Waiver, policies_sha256
from nethygiene.transcript import HostFailure, Transcript

_NOT_READ = HostFailure(
    "interrupted", "the run was interrupted before this host was read", "run it anew"
)


class Audit:
    """One run over the hosts of an inventory or of an evidence file.

    Attributes:
        settings: what it was asked to do.
        run_id: random; the same in the results and the evidence.
        plan: the hosts, and the evidence that they are judged by.
        results: all that were reported so far; under xdist the controller's copy is the whole.
        rules: records of the rules that results were reported of, by id.
        interrupted: Ctrl-C ended the collection; what had come by then is judged.
        crashes: the traceback of each rule that crashed, by its id.
    """

    def __init__(self, settings: Settings) -> None:
        """Read the inventory and evidence files that the settings name.

        Raises:
            UsageError: one of them is wrong; told with place and cure.
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
        """Whether hosts have to be connected to."""
        return self.plan.answers is None

    def select(self, units: Iterable[Unit], looked_at: Collection[str] = ()) -> None:
        """Say what is to be judged.

        Args:
            units: the selected ones.
            looked_at: hosts whose answers others look at as well, and which are kept therefore.
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
        self._units = {host: tuple(found) for host, found in by_host.items()}
        self._kept = {host: frozenset(names) for host, names in kept.items()}
        self._of_groups = tuple(unit for unit in units if unit.group is not None)
        self._looked_at = frozenset(looked_at)

    def answers(self) -> Iterator[Transcript]:
        """What the hosts of the selected units answered, from the evidence.

        Raises:
            EvidenceError: the file has changed since the audit began.
        """
        assert self.plan.answers is not None
        for host in self.hosts:
            if host in self._units or host in self._kept or host in self._looked_at:
                yield self.plan.answers.transcript(host)

    def take(self, transcript: Transcript) -> None:
        """Take what a host answered, and judge it by all its selected rules.

        The answer is let go of then: those of a fleet would fill the memory.
        """
        host = transcript.host
        # Kept until all is judged: an interruption, or a bug of ours, leaves it to be judged anew.
        self._transcripts[host] = transcript
        try:
            self._judge(host)
        except Exception:  # noqa: BLE001 - it comes again where the result is asked for, and shown
            return
        if host not in self._looked_at:
            del self._transcripts[host]

    def judge_groups(self) -> None:
        """Judge the selected groups, when all hosts have answered; facts are let go of then."""
        for unit in self._of_groups:
            self.results_of(unit)
        self._facts.clear()

    def results_of(self, unit: Unit) -> tuple[Result, ...]:
        """What a unit came to; judged now, with all others of its host, if it was not yet."""
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
        for host in group.members:
            if host not in self._facts:
                self._judge(host)
        verdicts = evaluate_group(unit.rule, group, self._facts)
        self._judged[unit] = tuple(self._settle_group(unit.rule, group, one) for one in verdicts)

    def _settle_group(self, rule: Rule, group: Group, verdict: Verdict) -> Result:
        """The result of a group's verdict; a waiver covers it that all members have."""
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
        """Take what the report says of a host, which others judge."""
        policy = self.hosts[transcript.host].policy
        self._note(transcript, judge_host(HostTask(policy, transcript, ())))

    def subject(self, host: str) -> Subject:
        """A host as rules see it, for those who look at its facts themselves."""
        subject = self._subjects.get(host)
        if subject is None:
            subject = self._subjects[host] = self._task(host).subject()
        return subject

    def settle(self, rule: str, severity: Severity, host: str, verdict: Verdict) -> Result:
        """The result of a host's verdict, its waivers applied."""
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
        """Take results as reported: they are part of the run from now on."""
        self.results += results
        self.rules.setdefault(rule.id, rule)

    def remarks(self) -> list[str]:
        """What is to be said beside the results: of the inventory, and of its waivers."""
        by_host: dict[str, list[Result]] = defaultdict(list)
        for result in self.results:
            members = self.plan.groups[result.group].members if result.group else ()
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
        # In an order of their own, so that workers and evidence give the same file.
        results = tuple(sorted(self.results, key=_order))
        groups = sorted({result.group for result in results if result.group is not None})
        return Run(
            tool=ToolRecord(version=__version__),
            run_id=self.run_id,
            labels=self.settings.labels,
            started=rfc3339(self._started),
            finished=rfc3339(datetime.now(UTC)),
            inventory=self.plan.path,
            policy_sha256=policies_sha256((one.name, one.policy) for one in self.hosts.values()),
            window=self.settings.window,
            hosts=tuple(self._record(name) for name in sorted(self.hosts)),
            groups=tuple(group_record(self.plan.groups[name]) for name in groups),
            rules=tuple(self.rules[key] for key in sorted(self.rules)),
            results=results,
            summary=summarize(results),
            exit_status=exit_status,
            cut_short=cut_short,
        )

    def _record(self, host: str) -> HostRecord:
        if host not in self._records:
            self.note(self._transcript(host))
        return self._records[host]


def _order(result: Result) -> tuple[str, bool, str, str]:
    """Rules by id, each with its hosts, then its groups."""
    return result.rule, result.host is None, result.where, result.item or ""


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as RFC 3339 has it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

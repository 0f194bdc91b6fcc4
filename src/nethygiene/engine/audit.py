"""One audit: its hosts, what they answered, and the results as they come to be."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime

from nethygiene import __version__
from nethygiene.engine.earlier import EarlierRun
from nethygiene.engine.judging import HostTask, HostVerdicts, judge_host
from nethygiene.engine.plan import plan_run
from nethygiene.engine.records import host_record, result_record
from nethygiene.engine.settings import Settings
from nethygiene.engine.unit import Unit
from nethygiene.inventory.policy import policies_sha256
from nethygiene.outcomes import Outcome, Severity
from nethygiene.results import HostRecord, Result, RuleRecord, Run, ToolRecord, summarize
from nethygiene.rules.evaluate import Verdict
from nethygiene.rules.subject import Subject
from nethygiene.transcript import HostFailure, Transcript
from nethygiene.waivers import WaivedHost, cover_of, waiver_remarks

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
        self._looked_at: frozenset[str] = frozenset()
        self._transcripts: dict[str, Transcript] = {}
        self._subjects: dict[str, Subject] = {}
        self._judged: dict[Unit, list[Result]] = {}
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
        by_host: dict[str, list[Unit]] = defaultdict(list)
        for unit in units:
            by_host[unit.host].append(unit)
        self._units = {host: tuple(found) for host, found in by_host.items()}
        self._looked_at = frozenset(looked_at)

    def answers(self) -> Iterator[Transcript]:
        """What the hosts of the selected units answered, from the evidence.

        Raises:
            EvidenceError: the file has changed since the audit began.
        """
        assert self.plan.answers is not None
        for host in self.hosts:
            if host in self._units or host in self._looked_at:
                yield self.plan.answers.transcript(host)

    def judge(self, transcripts: Iterable[Transcript]) -> None:
        """Judge each host by all its selected rules as it answers; Ctrl-C ends it.

        Its answer is let go of then: those of a fleet would fill the memory.
        """
        try:
            for transcript in transcripts:
                self.take(transcript)
        except KeyboardInterrupt:
            self.interrupted = True

    def take(self, transcript: Transcript) -> None:
        """Take what a host answered, and judge it."""
        host = transcript.host
        # Kept until all is judged: an interruption, or a bug of ours, leaves it to be judged anew.
        self._transcripts[host] = transcript
        try:
            self._judge(host)
        except Exception:  # noqa: BLE001 - it comes again where the result is asked for, and shown
            return
        if host not in self._looked_at:
            del self._transcripts[host]

    def results_of(self, unit: Unit) -> list[Result]:
        """What a unit came to; judged now, with all others of its host, if it was not yet."""
        if unit not in self._judged:
            self._judge(unit.host)
        return self._judged[unit]

    def _judge(self, host: str) -> None:
        units = self._units.get(host, ())
        task = self._task(host)
        judged = judge_host(task)
        self._note(task.transcript, judged)
        for unit, verdicts in zip(units, judged.verdicts, strict=True):
            rule = unit.rule
            self._judged[unit] = [
                self.settle(rule.id, rule.severity, host, verdict) for verdict in verdicts
            ]

    def _task(self, host: str) -> HostTask:
        transcript = self._transcript(host)
        without_since = None
        if self._since is not None:
            transcript = self._since.added_to(transcript)
            without_since = self._since.lacks(host)
        rules = tuple((unit.rule, unit.item) for unit in self._units.get(host, ()))
        return HostTask(self.hosts[host].policy, transcript, rules, without_since)

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
        """The result of a verdict, waivers applied."""
        if verdict.traceback is not None:
            self.crashes.setdefault(rule, verdict.traceback)
        cover = None
        if verdict.outcome is Outcome.FAILED:
            waivers = self.hosts[host].policy.waivers.values()
            cover = cover_of(waivers, rule, verdict.item, self._started.date())
        return result_record(rule, severity, host, verdict, cover)

    def report(self, rule: RuleRecord, results: Iterable[Result]) -> None:
        """Take results as reported: they are part of the run from now on."""
        self.results += results
        self.rules.setdefault(rule.id, rule)

    def remarks(self) -> list[str]:
        """What is to be said beside the results: of the inventory, and of its waivers."""
        by_host: dict[str, list[Result]] = defaultdict(list)
        for result in self.results:
            by_host[result.host].append(result)
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
        results = tuple(sorted(self.results, key=lambda one: (one.rule, one.host, one.item or "")))
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


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as RFC 3339 has it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

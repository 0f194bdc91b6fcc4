"""One audit: its hosts, what they answered, and the results as they come to be."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import UTC, datetime

from nethygiene import __version__
from nethygiene.evidence import EvidenceHeader, EvidenceHost
from nethygiene.inventory.policy import policies_sha256
from nethygiene.outcomes import Outcome, Severity
from nethygiene.plugin.earlier import EarlierRun
from nethygiene.plugin.hosts import PlannedHost, plan_run
from nethygiene.plugin.options import Options
from nethygiene.plugin.records import host_record, result_record
from nethygiene.probes.machine import Machine
from nethygiene.results import Result, RuleRecord, Run, ToolRecord, summarize
from nethygiene.rules.definition import ALWAYS_SENT, Rule
from nethygiene.rules.evaluate import Verdict, evaluate
from nethygiene.rules.items import Named
from nethygiene.rules.subject import Subject
from nethygiene.transcript import HostFailure, Transcript
from nethygiene.waivers import WaivedHost, cover_of, waiver_remarks


class Audit:
    """One run over the hosts of an inventory or of an evidence file.

    Attributes:
        options: the command line.
        run_id: random; the same in the results and the evidence.
        hosts: what is judged, by name.
        is_live: hosts have to be connected to.
        results: all results so far; under xdist the controller's copy is the whole.
        rules: records of the rules that results were reported of, by id.
        rules_by_host: the rules that were selected for each host.
        interrupted: Ctrl-C ended the collection; what had come by then is judged.
        cut_short: why the evidence does not hold all hosts; None if it does, or in a live run.
    """

    def __init__(self, options: Options) -> None:
        """Read the inventory and evidence files that the options name.

        Raises:
            UsageError: one of them is wrong; told with place and cure.
        """
        self.options = options
        self.run_id = str(uuid.uuid4())
        self.results: list[Result] = []
        self.rules: dict[str, RuleRecord] = {}
        self.rules_by_host: dict[str, tuple[Rule, ...]] = {}
        self.interrupted = False
        self.crashes: dict[str, str] = {}
        self._started = datetime.now(UTC)
        self._plan = plan_run(options)
        self.hosts = self._plan.hosts
        self.is_live = self._plan.is_live
        self.cut_short = self._plan.cut_short
        self._transcripts = dict(self._plan.transcripts)
        self._since = EarlierRun(options.since) if options.since is not None else None
        self._subjects: dict[str, Subject] = {}

    def add_transcript(self, transcript: Transcript) -> None:
        """Take what a host answered."""
        self._transcripts[transcript.host] = transcript

    def subject(self, host: str) -> Subject:
        """The host as rules see it; before it was collected, nothing is known of it."""
        subject = self._subjects.get(host)
        if subject is None:
            transcript = self._transcripts.get(host)
            if transcript is None:
                failure = HostFailure(
                    "interrupted",
                    "the run was interrupted before this host was read",
                    "run it anew",
                )
                blank = Transcript(host, "", "", 0.0, 0.0, failure=failure)
                return Subject(host, self.hosts[host].policy, blank)
            without_since = None
            if self._since is not None:
                transcript = self._since.added_to(transcript)
                without_since = self._since.lacks(host)
            rules = self.rules_by_host.get(host, ())
            policy = self.hosts[host].policy
            subject = Subject(host, policy, transcript, rules, without_since=without_since)
            self._subjects[host] = subject
        return subject

    def judge(self, rule: Rule, host: str, item: Named | None) -> list[Result]:
        """Judge one host by one rule."""
        verdicts = evaluate(rule, self.subject(host), item)
        return [self.settle(rule.id, rule.severity, host, verdict) for verdict in verdicts]

    def parse_anew(self, host: str) -> None:
        """Let go of a host's facts alone: the next rule parses its answer anew."""
        self._subjects.pop(host, None)

    def forget(self, host: str) -> None:
        """Let go of what a host answered, of which all has been judged: a fleet fills the memory.

        What the report says of the host itself stays known.
        """
        self.subject(host).forget(ALWAYS_SENT)
        self._transcripts.pop(host, None)

    def settle(self, rule: str, severity: Severity, host: str, verdict: Verdict) -> Result:
        """The result of a verdict, waivers applied."""
        if verdict.traceback is not None:
            self.crashes.setdefault(rule, verdict.traceback)
        cover = None
        if verdict.outcome is Outcome.FAILED:
            waivers = self.hosts[host].policy.waivers.values()
            cover = cover_of(waivers, rule, verdict.item, self._started.date())
        return result_record(rule, severity, host, verdict, cover)

    def remarks(self) -> list[str]:
        """What is to be said beside the results: of the inventory, and of its waivers."""
        by_host: dict[str, list[Result]] = defaultdict(list)
        for result in self.results:
            by_host[result.host].append(result)
        waived = (
            WaivedHost(name, tuple(planned.policy.waivers.values()), tuple(by_host[name]))
            for name, planned in self.hosts.items()
            if planned.policy.waivers
        )
        limited = self.options.limit is not None
        return [
            *self._plan.warnings,
            *waiver_remarks(waived, self._started.date(), limited=limited),
        ]

    @property
    def source(self) -> str:
        """The inventory or evidence file that names the hosts."""
        return self._plan.path

    def evidence_header(self, hosts: int) -> EvidenceHeader:
        """The header of this run's evidence, in which so many hosts are to follow."""
        return EvidenceHeader(
            tool=f"nethygiene {__version__}",
            run_id=self.run_id,
            window=self.options.window,
            inventory_sha256=self._plan.sha256,
            hosts=hosts,
        )

    def evidence_line(self, transcript: Transcript) -> EvidenceHost:
        """The evidence of a host that has answered."""
        planned: PlannedHost = self.hosts[transcript.host]
        machine = Subject(planned.name, planned.policy, transcript).fact("machine")
        known = machine if isinstance(machine, Machine) else None
        return EvidenceHost.of(
            transcript,
            groups=planned.groups,
            policy=planned.policy.plain(),
            boot_id=known.boot_id if known else "",
            uptime=known.uptime if known else None,
        )

    def run(self, exit_status: int, cut_short: str | None = None) -> Run:
        """The whole run, for reports."""
        # In an order of their own, so that workers and evidence give the same file.
        results = tuple(sorted(self.results, key=lambda one: (one.rule, one.host, one.item or "")))
        hosts = sorted(self.hosts.values(), key=lambda one: one.name)
        return Run(
            tool=ToolRecord(version=__version__),
            run_id=self.run_id,
            labels=self.options.labels,
            started=rfc3339(self._started),
            finished=rfc3339(datetime.now(UTC)),
            inventory=self._plan.path,
            policy_sha256=policies_sha256((one.name, one.policy) for one in self.hosts.values()),
            window=self.options.window,
            hosts=tuple(host_record(one, self.subject(one.name)) for one in hosts),
            rules=tuple(self.rules[key] for key in sorted(self.rules)),
            results=results,
            summary=summarize(results),
            exit_status=exit_status,
            cut_short=cut_short,
        )


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as RFC 3339 has it, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

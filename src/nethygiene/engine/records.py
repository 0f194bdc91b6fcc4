"""Makes the records of the results file from rules, hosts and verdicts."""

from __future__ import annotations

import sys
from datetime import datetime
from functools import cache

from nethygiene.engine.decision import Verdict
from nethygiene.engine.kernel import Kernel
from nethygiene.engine.machine import Machine
from nethygiene.engine.outcomes import Observation, Outcome, Severity
from nethygiene.engine.results import (
    GroupRecord,
    HostRecord,
    PlaceRecord,
    Result,
    RuleRecord,
    WaiverRecord,
    fingerprint,
    storable,
)
from nethygiene.engine.rule import Rule
from nethygiene.engine.waivers import Cover
from nethygiene.inventory.model import Group, Host
from nethygiene.inventory.policy import Waiver
from nethygiene.masking import masked, shows_hint
from nethygiene.transcript import Transcript


@cache
def rule_record(rule: Rule) -> RuleRecord:
    """The record of a rule."""
    documentation = rule.documentation
    return RuleRecord(
        id=rule.id,
        version=rule.version,
        title=documentation.title,
        severity=rule.severity,
        kind=rule.kind,
        incidents=rule.incidents,
        why=documentation.why,
        remedy=documentation.remedy,
        references=documentation.references,
    )


def host_record(
    host: Host, transcript: Transcript, machine: Machine | None, kernel: Kernel | None
) -> HostRecord:
    """The record of a host; facts that are unreadable are None."""
    return HostRecord(
        name=host.name,
        address=transcript.address or host.target.address,
        groups=host.groups,
        declared_at=PlaceRecord(file=host.file, line=host.line) if host.file else None,
        os=machine.os if machine else "",
        kernel=kernel.release if kernel else "",
        boot_id=machine.boot_id if machine else "",
        uptime=machine.uptime if machine else None,
        privileged=transcript.privileged,
        reachable=transcript.failure is None,
        error=masked(str(transcript.failure)) if transcript.failure else None,
        collected_at=transcript.collected_at,
        collect_seconds=round(transcript.seconds, 3),
    )


def group_record(group: Group) -> GroupRecord:
    """The record of a group."""
    return GroupRecord(name=group.name, members=group.members, left_out=group.left_out)


def result_record(
    rule: str,
    severity: Severity,
    verdict: Verdict,
    cover: Cover | None,
    *,
    host: str | None = None,
    group: str | None = None,
) -> Result:
    """The result of a host's or a group's verdict; a failed one has a `cover`."""
    outcome, message, waiver = verdict.outcome, verdict.message, None
    if cover is not None:
        for expired in cover.expired:
            message += f" (waiver {expired.name} expired on {expired.until})"
        if cover.waiver is not None:
            outcome, waiver = Outcome.WAIVED, _waiver_record(cover.waiver)
    return Result(
        rule=rule,
        host=host,
        group=group,
        item=None if verdict.item is None else storable(verdict.item),
        fingerprint=fingerprint(rule, host, verdict.item, group=group),
        outcome=outcome,
        reason=verdict.reason,
        severity=severity,
        # A rule that does not apply to thousands of hosts has the same message for each.
        message=sys.intern(storable(masked(message))),
        remedy=storable(masked(verdict.remedy)),
        waiver=waiver,
        observations=tuple(map(_shown, verdict.observations)),
    )


def _waiver_record(waiver: Waiver) -> WaiverRecord:
    return WaiverRecord(
        name=waiver.name, until=waiver.until.isoformat(), owner=waiver.owner, reason=waiver.reason
    )


def _shown(seen: Observation) -> Observation:
    """The observation without secrets; without any, which is the usual case, the same object."""
    expected = seen.expected or ""
    text = f"{seen.what}\n{expected}\n{seen.actual}"
    if text.isascii() and not shows_hint(text):
        return seen
    return Observation(
        storable(masked(seen.what)),
        storable(seen.source),
        None if seen.expected is None else storable(masked(expected)),
        storable(masked(seen.actual)),
        seen.host,
    )


def order_of(result: Result) -> tuple[str, bool, str, str]:
    """The order of results: by rule, with its hosts before its groups."""
    return result.rule, result.host is None, result.where, result.item or ""


def rfc3339(moment: datetime) -> str:
    """A moment in UTC in the form of RFC 3339, to the millisecond."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""The verdict in words, and the share of results that are decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from nethygiene.engine.exit_status import ExitStatus
from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.results import Run
from nethygiene.report.findings import counted_places, plural

Tone = Literal["good", "bad", "doubt"]


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict.

    Attributes:
        title: a few words.
        lead: one sentence that explains it.
        tone: for colours, which are never the only sign.
    """

    title: str
    lead: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of results that are decided.

    Attributes:
        decided: results that passed, failed or are waived.
        due: these and the unknown ones; a result that is not applicable is not due.
        read: hosts that were read.
        hosts: all hosts of the run.
    """

    decided: int
    due: int
    read: int
    hosts: int

    @property
    def share(self) -> float:
        """Decided of due results, 0 to 1; 0 if none is due."""
        return self.decided / self.due if self.due else 0.0

    @property
    def percent(self) -> str:
        """The share, rounded down: only all are 100 %."""
        return f"{int(self.share * 1000) / 10:.4g} %"


def coverage(run: Run) -> Coverage:
    """The coverage of a run."""
    counts = run.summary
    decided = counts.passed + counts.failed + counts.waived
    return Coverage(
        decided=decided,
        due=decided + counts.unknown,
        read=sum(host.reachable for host in run.hosts),
        hosts=len(run.hosts),
    )


def headline(run: Run, fail_on: Severity) -> Headline:
    """The verdict of a run that was judged with that `--fail-on`."""
    verdict = _headline(run, fail_on)
    if run.cut_short is None or run.exit_status == ExitStatus.CUT_SHORT:
        return verdict
    return replace(verdict, lead=f"{verdict.lead}. Cut short: {run.cut_short}")


def _headline(run: Run, fail_on: Severity) -> Headline:
    match run.exit_status:
        case ExitStatus.CLEAN:
            return Headline("Clean", _clean(run, fail_on), "good")
        case ExitStatus.FAILURES:
            return Headline("Findings", _findings(run, fail_on), "bad")
        case ExitStatus.UNKNOWNS:
            return Headline("Could not check everything", _unknowns(run, fail_on), "doubt")
        case ExitStatus.NOTHING_JUDGED:
            lead = "No selected rule applies to these hosts: this is no approval"
            return Headline("Nothing judged", lead, "doubt")
        case ExitStatus.CRASHED:
            lead = "A rule or nethygiene itself crashed: this is a bug, not a verdict"
            return Headline("Crashed", lead, "bad")
        case ExitStatus.CUT_SHORT:
            why = run.cut_short or "interrupted"
            lead = f"The run was cut short ({why}): what was judged before is below"
            return Headline("Cut short", lead, "doubt")
        case status:
            return Headline("No verdict", f"pytest ended with its own status {status}", "doubt")


def _clean(run: Run, fail_on: Severity) -> str:
    return f"Nothing at or above {fail_on} failed or is unknown{below_fail_on(run)}"


def below_fail_on(run: Run) -> str:
    """The failures and unknowns of a clean run, all below `--fail-on`; empty without any."""
    counts = run.summary
    parts = [f"{counts.failed:,} failed" if counts.failed else ""]
    parts.append(f"{counts.unknown:,} {_be(counts.unknown)} unknown" if counts.unknown else "")
    return f"; below it, {' and '.join(filter(None, parts))}" if any(parts) else ""


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def _findings(run: Run, fail_on: Severity) -> str:
    failed = [
        result
        for result in run.results
        if result.outcome is Outcome.FAILED and result.severity.rank >= fail_on.rank
    ]
    if not failed:
        return "A test that is no rule failed: see the table of other tests"
    rules = plural(len({result.rule for result in failed}), "rule")
    return f"{rules} at or above {fail_on} failed on {counted_places(failed)}"


def _unknowns(run: Run, fail_on: Severity) -> str:
    unknown = sum(
        result.outcome is Outcome.UNKNOWN and result.severity.rank >= fail_on.rank
        for result in run.results
    )
    verb = _be(unknown)
    return (
        f"Nothing at or above {fail_on} failed, but {plural(unknown, 'result')} {verb} unknown: "
        "this is no approval"
    )


CONSOLE_WORDS: Mapping[int, str] = {
    ExitStatus.CLEAN: "CLEAN: nothing at or above {level} failed or is unknown{below}",
    ExitStatus.FAILURES: "FINDINGS: something at or above {level} failed",
    ExitStatus.CUT_SHORT: "CUT SHORT: {why}; what was judged before is above",
    ExitStatus.CRASHED: "BROKEN: a rule or nethygiene itself crashed; this is a bug, not a verdict",
    ExitStatus.UNKNOWNS: "COULD NOT CHECK EVERYTHING: something at or above {level} is unknown",
    ExitStatus.NOTHING_JUDGED: "NOTHING JUDGED: no selected rule applies to these hosts",
}

"""The summary on the terminal: findings by rule, the worst first, with the hosts' names."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

from nethygiene.engine.exit_status import ExitStatus
from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.results import Result, Run
from nethygiene.markup import Form, blocks
from nethygiene.report.findings import (
    RuleFindings,
    Story,
    and_of_groups,
    capped,
    groups,
    looked_at,
    plural,
    subject,
    unread_places,
    unread_results,
)
from nethygiene.report.headline import CONSOLE_WORDS, below_fail_on
from nethygiene.report.run_report import RunReport
from nethygiene.report.text import log_line, printable
from nethygiene.report.ways import way_text, ways

# The summary shows so many hosts of a rule; --results and the HTML report have all.
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """A line of the summary, and how a terminal may colour it."""

    text: str
    markup: dict[str, bool] = field(default_factory=dict)


_COLOURS = {
    Outcome.FAILED: {"red": True, "bold": True},
    Outcome.UNKNOWN: {"yellow": True, "bold": True},
    Outcome.WAIVED: {"yellow": True},
}


def summary_lines(report: RunReport, *, width: int, verbose: bool) -> Iterator[SummaryLine]:
    """The summary, line by line.

    Args:
        report: the run.
        width: columns.
        verbose: add the observations.
    """
    run = report.run
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.WAIVED):
        for group in groups(run, outcome):
            yield from _group(group, width=width, verbose=verbose)
    yield from _unreached(run, width)
    for remark in report.remarks:
        yield from wrapped(f"! {remark}", width, {"yellow": True})
    if report.remarks:
        yield SummaryLine("")
    yield from _counts(run, width)
    verdict = verdict_line(run, report.fail_on)
    if verdict:
        good = run.exit_status == ExitStatus.CLEAN
        yield SummaryLine(verdict, {"green": good, "red": not good, "bold": True})


def scope(run: Run) -> str:
    """The numbers of hosts, groups, ways between hosts, rules and results."""
    unreached = sum(not host.reachable for host in run.hosts)
    hosts = f"{plural(len(run.hosts), 'host')} ({unreached:,} not reached)"
    # All hosts of the run are no group that the inventory names.
    named = [group for group in run.groups if group.name != "all"]
    hosts += f", {plural(len(named), 'group')}" if named else ""
    followed = ways(run.results)
    hosts += f", {plural(followed, 'way')} between hosts" if followed else ""
    return f"{hosts}, {plural(len(run.rules), 'rule')}, {plural(len(run.results), 'result')}"


def counts(run: Run) -> list[str]:
    """The numbers of results by outcome, the worst first."""
    summary = run.summary
    return [
        f"{summary.failed:,} failed",
        f"{summary.unknown:,} unknown",
        f"{summary.waived:,} waived",
        f"{summary.passed:,} passed",
        f"{summary.not_applicable:,} not applicable",
    ]


def _counts(run: Run, width: int) -> Iterator[SummaryLine]:
    """Scope and counts on one line, or on two if the terminal is too narrow."""
    line = f"{scope(run)}: {', '.join(counts(run))}"
    if len(line) <= width:
        yield SummaryLine(line)
    else:
        yield from wrapped(f"{scope(run)}:", width)
        yield from wrapped(f"  {', '.join(counts(run))}", width)


def verdict_line(run: Run, fail_on: Severity) -> str:
    """The verdict in words; empty for an exit status that is pytest's own."""
    why = printable(run.cut_short or "interrupted")
    verdict = CONSOLE_WORDS.get(run.exit_status, "").format(
        level=fail_on, why=why, below=below_fail_on(run)
    )
    if run.cut_short is not None and run.exit_status != ExitStatus.CUT_SHORT:
        verdict = f"{verdict}; CUT SHORT: {why}".removeprefix("; ")
    return verdict


def _group(group: RuleFindings, *, width: int, verbose: bool) -> Iterator[SummaryLine]:
    rule, outcome = group.rule, group.outcome
    head = printable(f"{outcome.value.upper()} {rule.id} ({rule.severity}) on {group.on}")
    yield SummaryLine(head, _COLOURS[outcome])
    if rule.title:
        yield from wrapped(f"    Expected: {rule.title}.", width)
    stories = group.stories()
    for story in stories[:_SHOWN]:
        names = capped([subject(result) for result in story.results], _SHOWN)
        yield from wrapped(f"  - {names}: {_message(story.results[0])}", width)
        if way := way_text(story.results[0]):
            yield from wrapped(f"    way: {way}{_more_ways(story)}", width)
        if verbose:
            for line in observation_lines(story.results[0]):
                yield from wrapped(f"      {line}", width)
    if len(stories) > _SHOWN:
        rest = sum(len(story.results) for story in stories[_SHOWN:])
        yield SummaryLine(f"  - and {rest:,} more results")
    if outcome is Outcome.FAILED:
        yield from _remedies(group, width)
    yield SummaryLine("")


def _more_ways(story: Story) -> str:
    """How many results of the story have a way of their own."""
    more = len({way_text(result) for result in story.results}) - 1
    return f" (and {plural(more, 'more way')})" if more > 0 else ""


def _remedies(group: RuleFindings, width: int) -> Iterator[SummaryLine]:
    cures = group.cures()
    for cure in cures[:_SHOWN]:
        names = capped([subject(result) for result in cure.results], _SHOWN)
        whose = "" if len(cures) == 1 else f" for {names}"
        yield from wrapped(f"    Remedy{whose}:", width, {"bold": True})
        for block in blocks(cure.remedy):
            if block.form is Form.TEXT:
                yield from wrapped(f"      {block.lines[0]}", width)
                continue
            # A command is not wrapped, so that it can be copied whole.
            for line in block.lines:
                yield SummaryLine(f"        {printable(line)}")
    if len(cures) > _SHOWN:
        rest = sum(len(cure.results) for cure in cures[_SHOWN:])
        yield SummaryLine(f"    and other remedies for {plural(rest, 'more result')}")


def _unreached(run: Run, width: int) -> Iterator[SummaryLine]:
    """One line for all results that are unknown since their host was not read."""
    results = unread_results(run)
    if results:
        hosts = unread_places(results)
        count = plural(len(results), "result")
        head = f"UNKNOWN {count} of hosts that were not read, or not to the end"
        head += and_of_groups(results)
        yield from wrapped(head, width, _COLOURS[Outcome.UNKNOWN])
        yield from wrapped(f"  - {capped(hosts, _SHOWN)}: see host-reachable", width)
        yield SummaryLine("")


def _message(result: Result) -> str:
    if result.waiver is None:
        return result.message
    return f"{result.message} (waived {result.waiver.terms})"


def observation_lines(result: Result) -> Iterator[str]:
    """A line for each observation: name, value, expectation, source."""
    for seen in result.observations:
        expected = f", expected {seen.expected}" if seen.expected is not None else ""
        source = f" ({seen.source})" if seen.source else ""
        yield f"{looked_at(seen)} = {seen.actual}{expected}{source}"


def wrapped(text: str, width: int, markup: dict[str, bool] | None = None) -> Iterator[SummaryLine]:
    """The lines of a text, `width` columns each; a word stays whole, for paths are copied."""
    indent = " " * (len(text) - len(text.lstrip(" -!")))
    lines = textwrap.wrap(
        printable(text).replace("\n", " "),
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    for line in lines:
        yield SummaryLine(log_line(line), markup or {})

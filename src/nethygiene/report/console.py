"""The summary on the terminal: findings grouped by rule, worst first, hosts named."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nethygiene.outcomes import Outcome, Reason, Severity
from nethygiene.report.text import paragraphs, printable
from nethygiene.results import Result, RuleRecord, Run
from nethygiene.verdict import (
    CLEAN,
    CRASHED,
    FAILURES,
    NOTHING_JUDGED,
    REACHABILITY,
    UNKNOWNS,
)

# So many hosts of a rule are told in full; --results and the HTML report have them all.
_SHOWN = 8

_VERDICTS = {
    CLEAN: "CLEAN: nothing at or above {level} was found",
    FAILURES: "FINDINGS: something at or above {level} failed",
    2: "CUT SHORT: interrupted; what was judged before is below",
    CRASHED: "BROKEN: a rule or nethygiene itself crashed; this is a bug, not a verdict",
    UNKNOWNS: "COULD NOT CHECK EVERYTHING: something at or above {level} is unknown",
    NOTHING_JUDGED: "NOTHING JUDGED: no selected rule applies to these hosts",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the summary, and how a terminal may colour it."""

    text: str
    markup: dict[str, bool] = field(default_factory=dict)


_COLOURS = {
    Outcome.FAILED: {"red": True, "bold": True},
    Outcome.UNKNOWN: {"yellow": True, "bold": True},
    Outcome.WAIVED: {"yellow": True},
}


def summary_lines(
    run: Run, fail_on: Severity, remarks: Sequence[str], *, width: int, verbose: bool
) -> Iterator[Line]:
    """The summary, line by line.

    Args:
        run: the run.
        fail_on: `--fail-on`.
        remarks: what is to be said beside the results: of the inventory, and of its waivers.
        width: columns.
        verbose: add what was looked at.
    """
    rules = {rule.id: rule for rule in run.rules}
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.WAIVED):
        for rule, results in _groups(run, outcome):
            yield from _group(rules[rule], outcome, results, width=width, verbose=verbose)
    yield from _unreached(run, width)
    for remark in remarks:
        yield from _wrapped(f"! {remark}", width, {"yellow": True})
    if remarks:
        yield Line("")
    yield from _wrapped(count_line(run), width)
    verdict = verdict_line(run, fail_on)
    if verdict:
        good = run.exit_status == CLEAN
        yield Line(verdict, {"green": good, "red": not good, "bold": True})


def count_line(run: Run) -> str:
    """How many hosts, rules and results of each outcome there were."""
    counts = run.summary
    unreached = sum(not host.reachable for host in run.hosts)
    return (
        f"{_plural(len(run.hosts), 'host')} ({unreached} not reached), "
        f"{_plural(len(run.rules), 'rule')}: "
        f"{counts.passed} passed, {counts.failed} failed, {counts.unknown} unknown, "
        f"{counts.not_applicable} not applicable, {counts.waived} waived"
    )


def verdict_line(run: Run, fail_on: Severity) -> str:
    """The verdict in words; empty for an exit status that is pytest's own."""
    return _VERDICTS.get(run.exit_status, "").format(level=fail_on)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _groups(run: Run, outcome: Outcome) -> list[tuple[str, list[Result]]]:
    """Rules with results of that outcome; host-reachable first, then the worst."""
    groups: dict[str, list[Result]] = defaultdict(list)
    for result in run.results:
        if result.outcome is outcome and result.reason is not Reason.UNREACHABLE:
            groups[result.rule].append(result)
    return sorted(
        groups.items(),
        key=lambda group: (group[0] != REACHABILITY, -group[1][0].severity.rank, group[0]),
    )


def _group(
    rule: RuleRecord, outcome: Outcome, results: list[Result], *, width: int, verbose: bool
) -> Iterator[Line]:
    hosts = len({one.host for one in results})
    head = f"{outcome.value.upper()} {rule.id} ({rule.severity}) on {_plural(hosts, 'host')}"
    yield Line(head, _COLOURS[outcome])
    if rule.title:
        yield from _wrapped(f"    {rule.title}.", width)
    # One cause on many hosts is one story: told once, with the hosts behind it.
    stories: dict[str, list[Result]] = defaultdict(list)
    for one in results:
        stories[_story(one)].append(one)
    ordered = sorted(stories.items(), key=lambda story: -len(story[1]))
    for story, told in ordered[:_SHOWN]:
        names = [one.host if one.item is None else f"{one.host} [{one.item}]" for one in told]
        shown = ", ".join(names[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield from _wrapped(f"  - {shown}{more}: {story}", width)
        if verbose:
            for line in observation_lines(told[0]):
                yield from _wrapped(f"      {line}", width)
    if len(ordered) > _SHOWN:
        rest = sum(len(told) for _, told in ordered[_SHOWN:])
        yield Line(f"  - and {rest} more results")
    if outcome is Outcome.FAILED and rule.remedy:
        yield Line("    Remedy:", {"bold": True})
        for paragraph in paragraphs(rule.remedy):
            yield from _wrapped(f"      {paragraph}", width)
    yield Line("")


def _unreached(run: Run, width: int) -> Iterator[Line]:
    """What is unknown for no other reason than that its host was not read: told once."""
    results = [one for one in run.results if one.reason is Reason.UNREACHABLE]
    if results:
        hosts = sorted({one.host for one in results})
        more = f" and {len(hosts) - _SHOWN} more" if len(hosts) > _SHOWN else ""
        head = f"UNKNOWN {len(results)} results of hosts that were not read, or not to the end"
        yield Line(head, _COLOURS[Outcome.UNKNOWN])
        yield from _wrapped(f"  - {', '.join(hosts[:_SHOWN])}{more}: see host-reachable", width)
        yield Line("")


def _story(result: Result) -> str:
    if result.waiver is None:
        return result.message
    waiver = result.waiver
    return f"{result.message} (waived until {waiver.until} by {waiver.owner}: {waiver.reason})"


def observation_lines(result: Result) -> Iterator[str]:
    """What was looked at, a line each: name, value, expectation, source."""
    for one in result.observations:
        expected = f", expected {one.expected}" if one.expected is not None else ""
        source = f" ({one.source})" if one.source else ""
        yield f"{one.what} = {one.actual}{expected}{source}"


def _wrapped(text: str, width: int, markup: dict[str, bool] | None = None) -> Iterator[Line]:
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
        yield Line(line, markup or {})

"""The summary as Markdown, for a CI job's page: short, and safe with any names of hosts.

GitHub refuses a job summary above 1 MiB, so groups, stories and hosts are capped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nethygiene.engine.outcomes import Outcome, Reason
from nethygiene.markup import Form, blocks, spans
from nethygiene.report.advice import ADVICE
from nethygiene.report.console import counts, scope
from nethygiene.report.findings import (
    RuleFindings,
    and_of_groups,
    capped,
    groups,
    plural,
    subject,
    unread_places,
    unread_results,
)
from nethygiene.report.headline import coverage, headline
from nethygiene.report.run_report import RunReport
from nethygiene.report.text import printable
from nethygiene.report.ways import way_text

_GROUPS = 40
_STORIES = 10
_NAMES = 10
_MESSAGE = 400

_SIGNS = {"good": "✅", "bad": "❌", "doubt": "⚠️"}
# Only characters that are markup in their place are escaped, since people read the raw text too:
# emphasis outside of words, a link's brackets, a heading or list at a line's beginning, :emoji:,
# @people, #issues, $maths$, and what GitHub makes links of (http://, www.).
_SPECIAL = re.compile(
    r"([\\`*\[\]|~@$]|(?<!\w)_|_(?!\w)|#(?=\w)|^[-+#]|!(?=\[)|:(?=//)|:(?=[\w+-]+:)"
    r"|(?<=www)\.)",
    re.IGNORECASE,
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def summary_markdown(report: RunReport) -> str:
    """Verdict, counts, and the findings by rule, as GitHub's Markdown."""
    return "\n".join(_lines(report)) + "\n"


def escaped(text: str) -> str:
    """Text of any origin on one line, without markup for Markdown or HTML."""
    line = " ".join(printable(text).split())
    line = "".join(_ENTITIES.get(char, char) for char in line)
    return _SPECIAL.sub(r"\\\1", line)


def prose(text: str) -> str:
    """A rule's own words, in which code stands in backticks."""
    return "".join(
        f"`{printable(span.text)}`" if span.is_code else _escaped_part(span.text)
        for span in spans(text)
    )


def _escaped_part(part: str) -> str:
    """Escaped text that keeps the blanks at its ends."""
    before, after = (" " if part[:1] == " " else ""), (" " if part[-1:] == " " else "")
    return f"{before}{escaped(part)}{after}" if part.strip() else part


def _lines(report: RunReport) -> Iterator[str]:
    run, remarks = report.run, report.remarks
    verdict, covered = headline(run, report.fail_on), coverage(run)
    yield f"## {_SIGNS[verdict.tone]} {escaped(verdict.title)}"
    yield ""
    yield f"{escaped(verdict.lead)}."
    yield ""
    yield f"{escaped(scope(run))}: {', '.join(counts(run))}."
    if covered.due:
        yield f"{covered.percent} of what should be judged was."
    yield ""
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN, Outcome.WAIVED):
        findings = groups(run, outcome)
        unread = unread_results(run) if outcome is Outcome.UNKNOWN else []
        if findings or unread:
            yield f"### {outcome.value.capitalize()}"
            yield ""
        if unread:
            yield (
                f"- {plural(len(unread), 'result')} of hosts that were not read"
                f"{and_of_groups(unread)}: {escaped(capped(unread_places(unread), _NAMES))}"
            )
            yield ""
        for group in findings[:_GROUPS]:
            yield from _group(group)
        if len(findings) > _GROUPS:
            yield f"and {plural(len(findings) - _GROUPS, 'more rule')}"
            yield ""
    if remarks:
        yield "### Inventory and waivers"
        yield ""
        yield from (f"- {escaped(remark)}" for remark in remarks[:_GROUPS])
        if len(remarks) > _GROUPS:
            yield f"- and {len(remarks) - _GROUPS:,} more"
        yield ""


def _group(group: RuleFindings) -> Iterator[str]:
    rule = group.rule
    yield f"**{escaped(rule.id)}** ({rule.severity}) on {group.on}"
    yield f"  Expected: {escaped(rule.title)}." if rule.title else ""
    yield ""
    stories = group.stories()
    for story in stories[:_STORIES]:
        names = capped([subject(result) for result in story.results], _NAMES)
        message = story.message
        if len(message) > _MESSAGE:
            message = f"{message[:_MESSAGE]}…"
        waiver = story.results[0].waiver
        if waiver is not None:
            message += f" (waived {waiver.terms})"
        way = way_text(story.results[0])
        line = f"- {escaped(names)}: {escaped(message)}"
        yield f"{line} (way: {escaped(way)})" if way else line
    if len(stories) > _STORIES:
        rest = sum(len(story.results) for story in stories[_STORIES:])
        yield f"- and {plural(rest, 'more result')}"
    yield ""
    if group.outcome is Outcome.UNKNOWN:
        reasons = sorted({result.reason for result in group.results if result.reason is not None})
        yield from (_advice(reason) for reason in reasons if reason in ADVICE)
        yield ""
    else:
        yield from _remedies(group)


def _advice(reason: Reason) -> str:
    return f"*What to do ({escaped(reason)})*: {prose(ADVICE[reason])}"


def _remedies(group: RuleFindings) -> Iterator[str]:
    cures = group.cures()
    if not cures:
        return
    yield "<details><summary>Remedy</summary>"
    yield ""
    for cure in cures[:_STORIES]:
        if len(cures) > 1:
            names = capped([subject(result) for result in cure.results], _NAMES)
            yield f"**For {escaped(names)}**"
            yield ""
        for block in blocks(cure.remedy):
            # Four spaces, since text can break out of a fence.
            yield from (
                [prose(block.lines[0])]
                if block.form is Form.TEXT
                else [f"    {printable(line)}" for line in block.lines]
            )
            yield ""
    if len(cures) > _STORIES:
        rest = sum(len(cure.results) for cure in cures[_STORIES:])
        yield f"and other remedies for {plural(rest, 'more result')}"
        yield ""
    yield "</details>"
    yield ""

"""The findings as HTML that reads without JavaScript: a section a rule, worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from nethygiene.outcomes import Outcome, Reason
from nethygiene.report.advice import ADVICE, incident
from nethygiene.report.findings import Group, Story, groups, plural, sentence, unread_results
from nethygiene.report.html.markup import anchor, body, path, prose, text
from nethygiene.report.html.matrix_data import waiver_text
from nethygiene.results import Result, Run

# Beyond these the page says how many more there are, and links to them in the matrix.
_STORIES = 200
_CURES = 50
_NAMES_SHOWN = 6
_NAMES = 1000

_SECTIONS = {
    Outcome.FAILED: ("failed", "Failed"),
    Outcome.UNKNOWN: ("unknown", "Could not be checked"),
    Outcome.WAIVED: ("waived", "Waived"),
}
_LEADS = {
    Outcome.FAILED: "",
    Outcome.UNKNOWN: (
        "Unknown is no pass: what these rules look at could not be read, or does not decide it."
    ),
    Outcome.WAIVED: (
        "These fail, and a waiver of the inventory accepts it until its day. Mend them before, or "
        "renew the waiver with its owner."
    ),
}


def findings_html(run: Run) -> Iterator[str]:
    """Sections for failed, unknown and waived results."""
    # A rule that both failed and is unknown is opened, by its address, where it failed.
    addressed: set[str] = set()
    for outcome, (key, title) in _SECTIONS.items():
        found = groups(run, outcome)
        unread = unread_results(run) if outcome is Outcome.UNKNOWN else []
        if not found and not unread:
            continue
        count = sum(len(group.results) for group in found) + len(unread)
        yield f'<section class="nh-findings nh-{key}" id="{key}" aria-labelledby="h-{key}">'
        yield f'<h2 id="h-{key}">{title} <span class="nh-count">{count:,}</span></h2>'
        if _LEADS[outcome]:
            yield f'<p class="nh-lead">{text(_LEADS[outcome])}</p>'
        if unread:
            yield _unread(unread)
        for group in found:
            yield from _group(group, key, is_first=group.rule.id not in addressed)
            addressed.add(group.rule.id)
        yield "</section>"


def _unread(results: Sequence[Result]) -> str:
    names = sorted({one.host for one in results})
    rules = len({one.rule for one in results})
    links = [(name, anchor("host", name)) for name in names]
    hosts = _links(links[:_NAMES_SHOWN]) + _more(links)
    return (
        '<article class="nh-group"><h3>Hosts that were not read, or not to the end</h3>'
        f"<p>{plural(len(results), 'result')} of {plural(rules, 'rule')} "
        f"{'is' if len(results) == 1 else 'are'} unknown on {plural(len(names), 'host')}. "
        f"{prose(ADVICE[Reason.UNREACHABLE])}</p>{hosts}</article>"
    )


def _group(group: Group, key: str, *, is_first: bool) -> Iterator[str]:
    rule = group.rule
    mark = anchor("rule", rule.id)
    address = f' id="{mark}"' if is_first else ""
    yield f'<article class="nh-group nh-sev-{rule.severity}" tabindex="-1"{address}>'
    yield (
        f'<h3><span class="nh-sev">{rule.severity}</span> '
        f'<a href="#{mark}">{text(rule.id)}</a> '
        f'<span class="nh-on">{_on(group)}</span></h3>'
    )
    if rule.title:
        yield f'<p class="nh-title"><strong>Expected:</strong> {prose(rule.title)}.</p>'
    if rule.why:
        yield f'<p class="nh-why"><strong>Why it matters:</strong> {prose(rule.why)}</p>'
    if rule.incidents:
        born = "; ".join(incident(code) for code in rule.incidents)
        yield f'<p class="nh-why"><strong>Incident:</strong> {text(born)}</p>'
    stories = group.stories()
    yield _table(group, stories[:_STORIES], key)
    if len(stories) > _STORIES:
        rest = sum(len(story.results) for story in stories[_STORIES:])
        yield (
            f"<p>{plural(rest, 'more result')} of this rule: "
            f'<a href="#matrix" data-outcome="{key}" data-rule="{text(rule.id)}">'
            "all of them in the matrix</a>.</p>"
        )
    if group.outcome is Outcome.UNKNOWN:
        yield _advice(group)
    else:
        yield from _remedies(group, key)
    yield "</article>"


def _remedies(group: Group, key: str) -> Iterator[str]:
    cures = group.cures()
    for cure in cures[:_CURES]:
        whose = ""
        if len(cures) > 1:
            names = list(_names(cure.results))
            whose = f" for {_links(names[:_NAMES_SHOWN])}{_more(names)}"
        yield f'<div class="nh-remedy"><h4>Remedy{whose}</h4>{body(cure.remedy)}</div>'
    if len(cures) > _CURES:
        rest = sum(len(cure.results) for cure in cures[_CURES:])
        yield (
            f"<p>{plural(rest, 'more result')} of this rule with other remedies: "
            f'<a href="#matrix" data-outcome="{key}" data-rule="{text(group.rule.id)}">'
            "each stands with its result in the matrix</a>.</p>"
        )


def _on(group: Group) -> str:
    items = len(group.results)
    on = f"on {plural(group.hosts, 'host')}"
    return f"{on}, {plural(items, 'result')}" if items != group.hosts else on


def _advice(group: Group) -> str:
    reasons = sorted({one.reason for one in group.results if one.reason is not None})
    advice = "".join(
        f"<li><strong>{text(reason)}</strong>: {prose(ADVICE[reason])}</li>"
        for reason in reasons
        if reason in ADVICE
    )
    return f'<div class="nh-remedy"><h4>What to do</h4><ul>{advice}</ul></div>' if advice else ""


def _table(group: Group, stories: Sequence[Story], key: str) -> str:
    label = text(f"{group.rule.id}: {key}")
    head: tuple[str, ...]
    if group.outcome is Outcome.UNKNOWN:
        head = ("Host", "What could not be told")
    else:
        head = ("Host", "Looked at", "Expected", "Found", "Read from")
    columns = "".join(f'<th scope="col" role="columnheader">{one}</th>' for one in head)
    rows = "".join(_story(story, len(head) - 1) for story in stories)
    return (
        f'<table class="nh-stories" role="table" aria-label="{label}"><thead role="rowgroup">'
        f'<tr role="row">{columns}</tr></thead>{rows}</table>'
    )


def _story(story: Story, columns: int) -> str:
    lines = [
        f'<td role="cell" data-label="Looked at">{text(one.what)}</td>'
        f'<td role="cell" data-label="Expected">{text(one.expected)}</td>'
        f'<td role="cell" data-label="Found" class="nh-found">{text(one.actual)}</td>'
        f'<td role="cell" data-label="Read from" class="nh-source">{path(one.source)}</td>'
        for one in story.evidence
    ]
    note = _note(story)
    if note or not lines:
        lines.append(f'<td role="cell" colspan="{columns}" class="nh-note">{note}</td>')
    names = list(_names(story.results))
    first, *rest = lines
    shown = _links(names[:_NAMES_SHOWN])
    head = f'<td role="rowheader" rowspan="{len(lines)}" class="nh-hosts">{shown}</td>'
    more = _more(names)
    if more:
        rest.append(f'<td role="cell" colspan="{columns + 1}" class="nh-more">{more}</td>')
    return (
        f'<tbody role="rowgroup"><tr role="row">{head}{first}</tr>'
        + "".join(f'<tr role="row">{one}</tr>' for one in rest)
        + "</tbody>"
    )


def _note(story: Story) -> str:
    """What the message says beyond the observations, and the waiver."""
    pieces = [story.message]
    for one in story.evidence:
        at = next((index for index, piece in enumerate(pieces) if sentence(one) in piece), None)
        if at is not None:
            pieces[at : at + 1] = pieces[at].split(sentence(one), 1)
    told = "; ".join(filter(None, (piece.strip(" ;:") for piece in pieces)))
    waiver = waiver_text(story.results[0])
    parts = [text(told)] if told else []
    if waiver:
        parts.append(f"<strong>Waiver</strong> {text(waiver)}")
    return "<br>".join(parts)


def _names(results: Sequence[Result]) -> Iterator[tuple[str, str]]:
    """Each host once, with the items in brackets, and the link that opens it."""
    ordered = sorted(results, key=lambda one: one.host)
    for host, group in groupby(ordered, key=lambda one: one.host):
        of_host = list(group)
        items = ", ".join(one.item for one in of_host if one.item is not None)
        yield (f"{host} [{items}]" if items else host), anchor("cell", host, of_host[0].rule)


def _links(names: Sequence[tuple[str, str]]) -> str:
    # The comma is kept with its name: neither begins a line without the other.
    links = [f'<a href="#{where}">{text(name)}</a>' for name, where in names]
    return f'<span class="nh-names"><span>{",</span> <span>".join(links)}</span></span>'


def _more(names: Sequence[tuple[str, str]]) -> str:
    """Those beyond the first few, folded."""
    if len(names) <= _NAMES_SHOWN:
        return ""
    beyond = f" and {len(names) - _NAMES:,} more in the matrix" if len(names) > _NAMES else ""
    return (
        f"<details><summary>and {len(names) - _NAMES_SHOWN:,} more</summary>"
        f"{_links(names[_NAMES_SHOWN:_NAMES])}{beyond}</details>"
    )

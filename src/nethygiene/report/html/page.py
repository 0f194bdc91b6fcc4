"""The report as one part of an HTML document: verdict, findings, and the matrix's data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files

from nethygiene.outcomes import Outcome, Severity
from nethygiene.report.findings import plural
from nethygiene.report.headline import Coverage, coverage, headline
from nethygiene.report.html.findings import findings_html
from nethygiene.report.html.markup import anchor, text
from nethygiene.report.html.matrix_data import LETTERS, matrix_json
from nethygiene.report.run_report import RunReport
from nethygiene.results import Run

_WORDS = {
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "unknown",
    Outcome.WAIVED: "waived",
    Outcome.PASSED: "passed",
    Outcome.NOT_APPLICABLE: "not applicable",
}
_LINES_SHOWN = 20


def report_html(report: RunReport, *, has_other_tests: bool) -> str:
    """The report, to stand inside a document's body.

    Args:
        report: the run.
        has_other_tests: the document has a table of tests that are no rules, below; without them
            everything that is not ours in the document is hidden.
    """
    return "".join(_parts(report, has_other_tests=has_other_tests))


def page_title(report: RunReport) -> str:
    """Title of the document: what a browser's tab shows."""
    return f"{headline(report.run, report.fail_on).title} - nethygiene"


def _parts(report: RunReport, *, has_other_tests: bool) -> Iterator[str]:
    run, fail_on = report.run, report.fail_on
    shared = "nh-shared" if has_other_tests else "nh-alone"
    # Browsers obey it here too, and pytest-html's template has none.
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{_asset('report.css')}</style>"
    yield f'<main id="nethygiene" class="nh {shared}" lang="en">'
    yield from _head(run, fail_on)
    yield from _unreached(run)
    yield from findings_html(run)
    yield from _remarks(report.remarks)
    yield _asset("matrix.html")
    yield from _about(run, fail_on)
    yield "</main>"
    if has_other_tests:
        yield '<h2 class="nh-others">Other tests, and assertions of checks of your own</h2>'
    yield f'<script type="application/json" id="nh-data">{matrix_json(run)}</script>'
    yield f'<script>(() => {{"use strict";{_script()}}})();</script>'


def _head(run: Run, fail_on: Severity) -> Iterator[str]:
    told = headline(run, fail_on)
    yield f'<header class="nh-verdict nh-{told.tone}">'
    yield f"<h1>{text(told.title)}</h1><p>{text(told.lead)}.</p></header>"
    yield '<div class="nh-tiles">'
    summary = run.summary.model_dump(by_alias=True)
    for outcome, word in _WORDS.items():
        count = summary[outcome.value]
        letter = LETTERS[outcome].replace("-", "&ndash;")
        quiet = " nh-none" if not count else ""
        has_section = count and outcome in {Outcome.FAILED, Outcome.UNKNOWN, Outcome.WAIVED}
        tag, link = ("a", f' href="#{outcome.value}"') if has_section else ("div", "")
        yield (
            f'<{tag} class="nh-tile nh-o-{outcome.value}{quiet}"{link}>'
            f'<span class="nh-letter" aria-hidden="true">{letter}</span>'
            f"<strong>{count:,}</strong> <span>{word}</span></{tag}>"
        )
    yield '</div><p class="nh-jump"><a href="#matrix">Hosts and rules, to filter and search</a></p>'
    yield '<div class="nh-overview">'
    yield from _severities(run)
    yield f"{_coverage(coverage(run))}</div>"


def _severities(run: Run) -> Iterator[str]:
    """Failed, unknown and waived results by severity; nothing where there are none."""
    shown = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.WAIVED)
    counts = {(severity, outcome): 0 for severity in Severity for outcome in shown}
    for one in run.results:
        if one.outcome in shown:
            counts[one.severity, one.outcome] += 1
    if not any(counts.values()):
        return
    head = "".join(f'<th scope="col">{_WORDS[outcome]}</th>' for outcome in shown)
    yield '<table class="nh-severities"><caption>By severity</caption>'
    yield f'<thead><tr><th scope="col">severity</th>{head}</tr></thead><tbody>'
    for severity in reversed(Severity):
        cells = "".join(
            f'<td class="nh-o-{outcome.value}{"" if counts[severity, outcome] else " nh-none"}">'
            f"{counts[severity, outcome]:,}</td>"
            for outcome in shown
        )
        yield f'<tr><th scope="row">{severity}</th>{cells}</tr>'
    yield "</tbody></table>"


def _coverage(told: Coverage) -> str:
    judged = (
        f"<strong>{told.percent}</strong> of what should be judged was: "
        f"{told.decided:,} of {plural(told.due, 'result')}"
        if told.due
        else "Nothing had to be judged"
    )
    return (
        f'<p class="nh-coverage">{judged}, on {told.read:,} of {plural(told.hosts, "host")} read.'
        f'<meter min="0" max="1" value="{told.share:.4f}" aria-label="coverage"></meter></p>'
    )


def _unreached(run: Run) -> Iterator[str]:
    lost = [host for host in run.hosts if not host.reachable]
    if not lost:
        return
    lines = [
        f'<li><a href="#{anchor("host", host.name)}">{text(host.name)}</a>: '
        f"{text(' '.join((host.error or 'the reason is not known').split()))}</li>"
        for host in lost
    ]
    yield '<section class="nh-unreached" aria-labelledby="h-unreached">'
    yield f'<h2 id="h-unreached">{plural(len(lost), "host")} could not be reached</h2><ul>'
    yield from _folded(lines)
    yield "</section>"


def _folded(lines: Sequence[str]) -> Iterator[str]:
    """The rest of a list that is begun, what is beyond the first lines folded."""
    yield from lines[:_LINES_SHOWN]
    yield "</ul>"
    if len(lines) > _LINES_SHOWN:
        yield f"<details><summary>and {len(lines) - _LINES_SHOWN:,} more</summary><ul>"
        yield from lines[_LINES_SHOWN:]
        yield "</ul></details>"


def _remarks(remarks: Sequence[str]) -> Iterator[str]:
    if remarks:
        yield '<section class="nh-remarks" aria-labelledby="h-remarks">'
        yield '<h2 id="h-remarks">Of the inventory and its waivers</h2><ul>'
        yield from _folded([f"<li>{text(remark)}</li>" for remark in remarks])
        yield "</section>"


def _about(run: Run, fail_on: Severity) -> Iterator[str]:
    told = {
        "inventory": run.inventory,
        "started": run.started,
        "finished": run.finished,
        "fail on": fail_on,
        "window": f"{run.window:g} s",
        "run": run.run_id,
        "made by": f"{run.tool.name} {run.tool.version}, with pytest-html",
        **{f"label {key}": value for key, value in run.labels.items()},
    }
    yield '<footer class="nh-about"><dl>'
    yield from (
        f"<div><dt>{text(key)}</dt><dd>{text(said)}</dd></div>" for key, said in told.items()
    )
    yield "</dl></footer>"


@cache
def _script() -> str:
    """The parts of the page's script, in the order of their names."""
    parts = files(__package__).joinpath("scripts").iterdir()
    return "\n".join(
        part.read_text(encoding="utf-8") for part in sorted(parts, key=lambda one: one.name)
    )


@cache
def _asset(name: str) -> str:
    """A file that stands beside this module."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")

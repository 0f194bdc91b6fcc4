"""The report as one part of an HTML document: verdict, findings, and the matrix's data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.results import Run
from nethygiene.report.headline import coverage, headline
from nethygiene.report.html.findings import sections
from nethygiene.report.html.markup import environment
from nethygiene.report.html.matrix_data import LETTERS, matrix_json
from nethygiene.report.run_report import RunReport
from nethygiene.report.ways import ways

_WORDS = {
    Outcome.FAILED: "failed",
    Outcome.UNKNOWN: "unknown",
    Outcome.WAIVED: "waived",
    Outcome.PASSED: "passed",
    Outcome.NOT_APPLICABLE: "not applicable",
}
# Outcomes that have a section of findings.
_WITH_SECTION = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.WAIVED)


@dataclass(frozen=True, slots=True)
class Tile:
    """The number of results of an outcome.

    Attributes:
        tag: a for a link to the outcome's section, else div.
        outcome: the outcome.
        letter: its letter in the matrix.
        count: the number.
        word: the outcome in words.
    """

    tag: str
    outcome: Outcome
    letter: str
    count: int
    word: str


def report_html(report: RunReport, *, has_other_tests: bool) -> str:
    """The report, for a document's body.

    Args:
        report: the run.
        has_other_tests: the document has a table of tests that are no rules, below the report;
            without them the report hides everything else in the document.
    """
    run = report.run
    return (
        environment()
        .get_template("page.html")
        .render(
            run=run,
            remarks=report.remarks,
            headline=headline(run, report.fail_on),
            coverage=coverage(run),
            ways=ways(run.results),
            tiles=_tiles(run),
            severities=_severities(run),
            severity_words=[_WORDS[outcome] for outcome in _WITH_SECTION],
            sections=sections(run),
            about=_about(report),
            has_other_tests=has_other_tests,
            matrix_json=matrix_json(run),
            script=_script(),
        )
    )


def page_title(report: RunReport) -> str:
    """Title of the document, for a browser's tab."""
    return f"{headline(report.run, report.fail_on).title} - nethygiene"


def _tiles(run: Run) -> list[Tile]:
    summary = run.summary.model_dump(by_alias=True)
    counts = {outcome: int(summary[outcome.value]) for outcome in _WORDS}
    return [
        Tile(
            "a" if counts[outcome] and outcome in _WITH_SECTION else "div",
            outcome,
            LETTERS[outcome],
            counts[outcome],
            word,
        )
        for outcome, word in _WORDS.items()
    ]


def _severities(run: Run) -> dict[Severity, dict[Outcome, int]]:
    """Failed, unknown and waived results by severity; empty without any."""
    counts = {severity: dict.fromkeys(_WITH_SECTION, 0) for severity in reversed(Severity)}
    results = [result for result in run.results if result.outcome in _WITH_SECTION]
    for result in results:
        counts[result.severity][result.outcome] += 1
    return counts if results else {}


def _about(report: RunReport) -> dict[str, str]:
    run = report.run
    return {
        "inventory": run.inventory,
        "started": run.started,
        "finished": run.finished,
        "fail on": report.fail_on,
        "window": f"{run.window:g} s",
        "run": run.run_id,
        "made by": f"{run.tool.name} {run.tool.version}, with pytest-html",
        **{f"label {key}": value for key, value in run.labels.items()},
    }


@cache
def _script() -> str:
    """The parts of the page's script, in the order of their names."""
    parts = files(__package__).joinpath("scripts").iterdir()
    return "\n".join(
        part.read_text(encoding="utf-8") for part in sorted(parts, key=lambda part: part.name)
    )

"""pytest-html's hooks: our columns, the verdict on top, everything from hosts escaped."""

from __future__ import annotations

from html import escape

import pytest

from nethygiene.plugin.ending import RUN
from nethygiene.plugin.keys import audit_of
from nethygiene.plugin.outcome import judged_by
from nethygiene.report.console import count_line, observation_lines, summary_lines, verdict_line
from nethygiene.report.text import printable

_COLUMNS = ("rule", "host", "item", "severity", "finding")


def pytest_html_report_title(report: pytest.TestReport) -> None:
    """Title of the page."""
    report.title = "nethygiene: network hygiene"  # type: ignore[attr-defined]


def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The verdict in words, and the hosts that were not reached, above the table."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return
    audit = audit_of(session.config)
    fail_on = audit.options.fail_on
    lines = summary_lines(run, fail_on, audit.remarks(), width=100, verbose=False)
    text = "\n".join(line.text for line in lines)
    prefix += [
        f"<h2>{escape(verdict_line(run, fail_on))}</h2>",
        f"<p>{escape(count_line(run))}</p>",
        f'<pre style="color: #222">{escape(text)}</pre>',
    ]


def pytest_html_results_table_header(cells: list[str]) -> None:
    """Columns: Result, Rule, Host, Item, Severity, Finding."""
    cells[1:] = [
        f'<th class="sortable" data-column-type="{key}">{key.capitalize()}</th>' for key in _COLUMNS
    ]


def pytest_html_results_table_row(report: pytest.TestReport, cells: list[str]) -> None:
    """A row for what a test judged; pytest-html inserts cells raw."""
    judged = judged_by(report)
    if not cells:
        return
    if judged is None:
        # A test that is none of ours, beside our rules: its name, in as many columns.
        texts = (report.nodeid, "", "", "", "")
    else:
        first = judged.results[0]
        items = ", ".join(one.item for one in judged.results if one.item is not None)
        said = "; ".join(one.message for one in judged.results if one.message)
        texts = (first.rule, first.host, items, first.severity.value, said)
    cells[1:] = [
        f'<td class="col-{key}">{escape(printable(text))}</td>'
        for key, text in zip(_COLUMNS, texts, strict=True)
    ]


def pytest_html_results_table_html(report: pytest.TestReport, data: list[str]) -> None:
    """Below a row: what was looked at."""
    judged = judged_by(report)
    if judged is not None:
        data[:] = [
            escape(printable(line)) + "\n"
            for result in judged.results
            for line in observation_lines(result)
        ]

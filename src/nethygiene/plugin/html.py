"""pytest-html's hooks: our columns, the verdict on top, everything from hosts escaped."""

from __future__ import annotations

from html import escape

import pytest

from nethygiene.plugin.ending import RUN
from nethygiene.plugin.keys import audit_of
from nethygiene.plugin.outcome import judged_by
from nethygiene.report.console import summary_lines
from nethygiene.report.text import printable


def pytest_html_report_title(report: pytest.TestReport) -> None:
    """Title of the page."""
    report.title = "nethygiene: network hygiene"  # type: ignore[attr-defined]


def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The verdict in words, and the hosts that were not reached, above the table."""
    run = session.config.stash.get(RUN, None)
    if run is None:
        return
    audit = audit_of(session.config)
    lines = summary_lines(run, audit.options.fail_on, audit.remarks(), width=100, verbose=False)
    text = "\n".join(line.text for line in lines)
    prefix.append(f"<pre>{escape(text)}</pre>")


def pytest_html_results_table_header(cells: list[str]) -> None:
    """Columns: Result, Rule, Host, Item, Severity, Finding."""
    names = (("Rule", "rule"), ("Host", "host"), ("Item", "item"), ("Severity", "severity"))
    columns = [f'<th class="sortable" data-column-type="{key}">{name}</th>' for name, key in names]
    cells[1:] = [*columns, "<th>Finding</th>"]


def pytest_html_results_table_row(report: pytest.TestReport, cells: list[str]) -> None:
    """A row for what a test judged; pytest-html inserts cells raw."""
    judged = judged_by(report)
    if judged is None or not cells:
        return
    results, first = judged.results, judged.results[0]
    items = ", ".join(one.item for one in results if one.item is not None)
    said = "; ".join(one.message for one in results if one.message)
    texts = (first.rule, first.host, items, first.severity.value, said)
    keys = ("rule", "host", "item", "severity", "finding")
    cells[1:] = [
        f'<td class="col-{key}">{escape(printable(text))}</td>'
        for key, text in zip(keys, texts, strict=True)
    ]

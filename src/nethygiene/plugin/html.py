"""pytest-html's hooks: it makes the file, and our report stands in it.

Its table shows one row a test and draws them all; our results stand in the report instead, and
the table is left to other people's tests. It inserts cells raw: what is ours is escaped.
"""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.outcomes import Outcome
from nethygiene.plugin.ending import RUN
from nethygiene.plugin.keys import audit_of
from nethygiene.plugin.outcome import RULE_ITEM, judged_by
from nethygiene.report.html import page_title, report_html

_DOCUMENT = pytest.StashKey[Any]()


def pytest_html_report_title(report: Any) -> None:  # noqa: ANN401 - pytest-html names no type
    """Title of the page, until the verdict is known."""
    report.title = "nethygiene"
    report.config.stash[_DOCUMENT] = report


def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The report, above the table."""
    config = session.config
    run = config.stash.get(RUN, None)
    if run is None:
        return
    audit = audit_of(config)
    fail_on = audit.options.fail_on
    document = config.stash.get(_DOCUMENT, None)
    others = any(document.data["tests"].values()) if document is not None else False
    if document is not None:
        document.title = page_title(run, fail_on)
    prefix.append(report_html(run, fail_on, audit.remarks(), has_other_tests=others))


def pytest_html_results_table_row(report: pytest.TestReport, cells: list[str]) -> None:
    """No row for what a rule judged; a check of a user's own that fails keeps its assertion."""
    judged = judged_by(report)
    if judged is not None:
        is_rule = getattr(report, RULE_ITEM, False)
        if is_rule or judged.outcome is not Outcome.FAILED:
            cells.clear()

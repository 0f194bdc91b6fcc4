"""pytest-html's hooks: it makes the file, and our report stands in it.

Its table shows one row a test and draws them all; our results stand in the report instead, and
the table is left to other people's tests.
"""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.plugin.ending import REPORT
from nethygiene.report.html import page_title, report_html

_DOCUMENT = pytest.StashKey[Any]()


def pytest_html_report_title(report: Any) -> None:  # noqa: ANN401 - pytest-html names no type
    """Title of the page, until the verdict is known."""
    report.title = "nethygiene"
    report.config.stash[_DOCUMENT] = report


def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The report, above the table."""
    config = session.config
    report = config.stash.get(REPORT, None)
    if report is None:
        return
    document = config.stash.get(_DOCUMENT, None)
    others = any(document.data["tests"].values()) if document is not None else False
    if document is not None:
        document.title = page_title(report)
    prefix.append(report_html(report, has_other_tests=others))

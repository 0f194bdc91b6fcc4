"""pytest-html's hooks: pytest-html makes the file, and our report is a part of it.

pytest-html's table has a row for each test and draws them all. Our results are in our report
instead, and only other tests are in the table.
"""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.plugin.session_end import REPORT
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

"""A whole document around a report, as pytest-html makes it, without running pytest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest_html
from jinja2 import Environment, FileSystemLoader, select_autoescape

from nethygiene.engine.outcomes import Severity
from nethygiene.engine.results import Run
from nethygiene.report.html import page_title, report_html
from nethygiene.report.run_report import RunReport

# pytest-html has a box for each, and misses none gladly.
_OUTCOMES = ("failed", "passed", "skipped", "xfailed", "xpassed", "error", "rerun", "retried")


def document(run: Run, remarks: Sequence[str] = ()) -> str:
    """The document, by pytest-html's own template, style sheet and script."""
    resources = Path(pytest_html.__file__).parent / "resources"
    environment = Environment(
        loader=FileSystemLoader(resources), autoescape=select_autoescape(["html", "jinja2"])
    )
    report = RunReport(run, Severity.MEDIUM, remarks)
    part = report_html(report, has_other_tests=False)
    blob = (
        '{"environment": {}, "tests": {}, "renderCollapsed": ["passed"], "initialSort": "result"}'
    )
    return environment.get_template("index.jinja2").render(
        title=page_title(report),
        styles=(resources / "style.css").read_text(encoding="utf-8"),
        running_state="finished",
        self_contained=True,
        outcomes={one: {"label": one, "value": 0} for one in _OUTCOMES},
        test_data=blob,
        table_head=["<th>Result</th>", "<th>Test</th>"],
        additional_summary={"prefix": [part], "summary": [], "postfix": []},
    )

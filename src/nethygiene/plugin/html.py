"""pytest-html's hooks: it makes the file, and our report stands in it.

Its table shows one row a test and draws them all; our results stand in the report instead, and
the table is left to other people's tests.
"""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.engine.outcomes import Outcome
from nethygiene.plugin.ending import REPORT
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
    report = config.stash.get(REPORT, None)
    if report is None:
        return
    document = config.stash.get(_DOCUMENT, None)
    others = any(document.data["tests"].values()) if document is not None else False
    if document is not None:
        document.title = page_title(report)
    prefix.append(report_html(report, has_other_tests=others))


class OtherTests:
    """Mixed into pytest-html's own report: it is told of nothing that stands in ours.

    It would keep every report that it hears of, and draw a row for each.
    """

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of other people's tests, and of the assertion of a user's check that failed."""
        judged, is_rule = judged_by(report), getattr(report, RULE_ITEM, False)
        if judged is None:
            is_ours = is_rule and report.passed
        else:
            is_ours = is_rule or judged.outcome is not Outcome.FAILED
        if not is_ours:
            super().pytest_runtest_logreport(report)  # type: ignore[misc]


def tell_of_other_tests_alone(config: pytest.Config) -> None:
    """Mix :class:`OtherTests` into pytest-html's report, if it makes one.

    Registered anew, since pluggy looks at a plugin's hooks but once. It can leave a plugin out of
    a call of ours, but not out of those of xdist.
    """
    manager = config.pluginmanager
    for plugin in manager.get_plugins():
        kind = type(plugin)
        if kind.__module__.startswith("pytest_html."):
            manager.unregister(plugin)
            plugin.__class__ = type("OtherTests", (OtherTests, kind), {})
            manager.register(plugin)

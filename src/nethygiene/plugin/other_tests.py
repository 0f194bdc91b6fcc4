"""pytest-html's own report, restricted to tests that are not ours.

pytest-html keeps every report, and draws a row for each. Our results are in a report of our own
on the same page.
"""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.engine.outcomes import Outcome
from nethygiene.plugin.outcome import RULE_ITEM, judged_by


class OtherTests:
    """A plugin in place of pytest-html's report, to which it passes on other tests.

    Attributes:
        report: pytest-html's own report.
    """

    def __init__(self, report: Any) -> None:  # noqa: ANN401 - pytest-html names no public type
        self.report = report
        for name in dir(report):
            if name.startswith("pytest_") and not hasattr(type(self), name):
                setattr(self, name, getattr(report, name))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pass on other tests, and the failed assertion of a user's check."""
        judged, is_rule = judged_by(report), getattr(report, RULE_ITEM, False)
        if judged is None:
            is_ours = is_rule and report.passed
        else:
            is_ours = is_rule or judged.outcome is not Outcome.FAILED
        if not is_ours:
            self.report.pytest_runtest_logreport(report)


def show_other_tests_alone(config: pytest.Config) -> None:
    """Put :class:`OtherTests` in the place of pytest-html's report, if there is one.

    To leave that plugin out of our own calls of the hook is not enough: xdist calls it too.
    """
    manager = config.pluginmanager
    for plugin in list(manager.get_plugins()):
        if type(plugin).__module__.startswith("pytest_html."):
            manager.unregister(plugin)
            manager.register(OtherTests(plugin))

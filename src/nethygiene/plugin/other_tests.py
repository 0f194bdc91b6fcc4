"""pytest-html's own report, which is told of other people's tests alone.

It would keep every report that it hears of, and draw a row for each. Our results stand in a report
of our own on the same page.
"""

from __future__ import annotations

from typing import Any

import pytest

from nethygiene.engine.outcomes import Outcome
from nethygiene.plugin.outcome import RULE_ITEM, judged_by


class OtherTests:
    """Stands in for pytest-html's report among pytest's plugins.

    Attributes:
        report: pytest-html's own.
    """

    def __init__(self, report: Any) -> None:  # noqa: ANN401 - pytest-html names no public type
        self.report = report
        for name in dir(report):
            if name.startswith("pytest_") and not hasattr(type(self), name):
                setattr(self, name, getattr(report, name))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of other people's tests, and of the assertion of a user's check that failed."""
        judged, is_rule = judged_by(report), getattr(report, RULE_ITEM, False)
        if judged is None:
            is_ours = is_rule and report.passed
        else:
            is_ours = is_rule or judged.outcome is not Outcome.FAILED
        if not is_ours:
            self.report.pytest_runtest_logreport(report)


def tell_of_other_tests_alone(config: pytest.Config) -> None:
    """Put :class:`OtherTests` in the place of pytest-html's report, if it makes one.

    Leaving that plugin out of our own calls of the hook is not enough: xdist calls it too.
    """
    manager = config.pluginmanager
    for plugin in list(manager.get_plugins()):
        if type(plugin).__module__.startswith("pytest_html."):
            manager.unregister(plugin)
            manager.register(OtherTests(plugin))

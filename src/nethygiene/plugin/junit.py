"""JUnit: an unknown is an error whose message is ours.

pytest writes `failed on setup with "..."` around whatever is no failure of the call itself.
"""

from __future__ import annotations

import pytest
from _pytest.junitxml import LogXML, xml_key

from nethygiene.outcomes import Outcome
from nethygiene.plugin.outcome import judged_by


def tell_unknown(config: pytest.Config, report: pytest.TestReport) -> None:
    """Put our message on the error that pytest has just noted for an unknown."""
    judged = judged_by(report)
    xml = config.stash.get(xml_key, None)
    if xml is None or judged is None or judged.outcome is not Outcome.UNKNOWN:
        return
    _tell(xml, report)


def _tell(xml: LogXML, report: pytest.TestReport) -> None:
    for node in xml.node_reporter(report).nodes:
        if node.tag == "error" and node.text:
            node.set("message", node.text)


def tell_cut_short(config: pytest.Config, why: str) -> None:
    """Add a test that ended in an error: nothing else in the file says that tests are missing."""
    xml = config.stash.get(xml_key, None)
    if xml is None:
        return
    name = "the run was cut short"
    for when, outcome in (("setup", "failed"), ("teardown", "passed")):
        report = pytest.TestReport(
            nodeid=f"nethygiene::{name}",
            location=("nethygiene", None, name),
            keywords={},
            outcome=outcome,  # type: ignore[arg-type]
            longrepr=f"CUT SHORT: {why}" if when == "setup" else None,
            when=when,  # type: ignore[arg-type]
        )
        xml.pytest_runtest_logreport(report)
        if when == "setup":
            _tell(xml, report)

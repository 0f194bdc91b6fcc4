"""JUnit: an unknown is an error with our message, and a failure's text ends in its remedy.

pytest writes `failed on setup with "..."` around the message of every error.
"""

from __future__ import annotations

import pytest
from _pytest.junitxml import LogXML, bin_xml_escape, xml_key

from nethygiene.engine.outcomes import Outcome
from nethygiene.plugin.outcome import Judged, judged_by
from nethygiene.report.text import printable


def write_judged(config: pytest.Config, report: pytest.TestReport) -> None:
    """Put our message on the error that pytest has just written for an unknown.

    A failure's text gets the remedies of its results; its message stays one line.
    """
    judged = judged_by(report)
    xml = config.stash.get(xml_key, None)
    if xml is None or judged is None:
        return
    if judged.outcome is Outcome.UNKNOWN:
        _set_message(xml, report)
    elif judged.outcome is Outcome.FAILED and (remedies := _remedies(judged)):
        for node in xml.node_reporter(report).nodes:
            if node.tag == "failure" and node.text:
                node.text = bin_xml_escape(f"{node.text}\n\nRemedy:\n{remedies}")


def _remedies(judged: Judged) -> str:
    failed = [result for result in judged.results if result.outcome is Outcome.FAILED]
    distinct = dict.fromkeys(result.remedy or judged.rule.remedy for result in failed)
    return printable("\n\n".join(filter(None, distinct)))


def _set_message(xml: LogXML, report: pytest.TestReport) -> None:
    for node in xml.node_reporter(report).nodes:
        if node.tag == "error" and node.text:
            node.set("message", node.text)


def write_cut_short(config: pytest.Config, why: str) -> None:
    """Add a test that ends in an error: nothing else in the file shows that tests are missing."""
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
            _set_message(xml, report)

"""JUnit: an unknown is an error whose message is ours.

pytest writes `failed on setup with "..."` around whatever is no failure of the call itself.
"""

from __future__ import annotations

import pytest
from _pytest.junitxml import xml_key

from nethygiene.outcomes import Outcome
from nethygiene.plugin.outcome import judged_by


def tell_unknown(config: pytest.Config, report: pytest.TestReport) -> None:
    """Put our message on the error that pytest has just noted for an unknown."""
    judged = judged_by(report)
    xml = config.stash.get(xml_key, None)
    if xml is None or judged is None or judged.outcome is not Outcome.UNKNOWN:
        return
    for node in xml.node_reporter(report).nodes:
        if node.tag == "error" and node.text:
            node.set("message", node.text)

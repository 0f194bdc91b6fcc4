"""The input of every report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nethygiene.engine.outcomes import Severity
from nethygiene.engine.results import Run


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, and its options for reports.

    Attributes:
        run: the hosts, the rules, the results.
        fail_on: `--fail-on`, the least severity that fails the run.
        remarks: sentences about the inventory and its waivers.
    """

    run: Run
    fail_on: Severity
    remarks: Sequence[str] = ()

"""What every report is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nethygiene.engine.outcomes import Severity
from nethygiene.engine.results import Run


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, and how it was asked for.

    Attributes:
        run: the hosts, the rules, the results.
        fail_on: `--fail-on`, the least severity that fails the run.
        remarks: what is said beside the results: about the inventory, and about its waivers.
    """

    run: Run
    fail_on: Severity
    remarks: Sequence[str] = ()

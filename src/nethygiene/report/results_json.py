"""The results file: the whole run as JSON."""

from __future__ import annotations

from nethygiene.report.run_report import RunReport


def results_json(report: RunReport) -> str:
    """The text of the results file; its JSON Schema is schemas/results.schema.json."""
    return report.run.model_dump_json(by_alias=True, indent=1) + "\n"

"""The results file: the whole run as JSON."""

from __future__ import annotations

from pathlib import Path

from nethygiene.report.whole_file import write_whole
from nethygiene.results import Run


def write_results(run: Run, path: Path) -> None:
    """Write the results file whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(run.model_dump_json(by_alias=True, indent=1) + "\n", path)

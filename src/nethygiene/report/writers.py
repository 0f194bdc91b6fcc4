"""The table of outputs: a format is one module, and one line here.

A line of WRITERS becomes an option of the command line. Its file is tried before hosts are read,
and written at the end of the run. pytest-html and pytest write --html and --junit-xml themselves,
so that these two have no line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from nethygiene.report.github_annotations import github_annotations, github_runs_this
from nethygiene.report.results_json import results_json
from nethygiene.report.run_report import RunReport
from nethygiene.report.summary_markdown import summary_markdown


@dataclass(frozen=True, slots=True)
class Writer:
    """A format that is written to a file.

    Attributes:
        option: the option that names the file.
        help: the option's help.
        render: makes the text of the file, piece by piece.
    """

    option: str
    help: str
    render: Callable[[RunReport], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Annotator:
    """A CI system that reads findings from the job's log.

    Attributes:
        name: the value of --annotations.
        help: the option's help.
        is_here: whether that system runs this process; then annotations are the default.
        render: makes the lines for the log.
    """

    name: str
    help: str
    is_here: Callable[[], bool]
    render: Callable[[RunReport], Iterator[str]]


WRITERS = (
    Writer("--results", "write the results as JSON", results_json),
    Writer(
        "--summary-md",
        "write a summary in Markdown, for a CI job's page",
        lambda report: (summary_markdown(report),),
    ),
)

ANNOTATORS = (
    Annotator(
        "github",
        "findings at the inventory's lines (default: where GitHub runs it)",
        github_runs_this,
        github_annotations,
    ),
)


def annotator_for(name: str | None) -> Annotator | None:
    """The annotator that --annotations names; without the option, that of the CI system here."""
    for annotator in ANNOTATORS:
        if annotator.is_here() if name is None else annotator.name == name:
            return annotator
    return None

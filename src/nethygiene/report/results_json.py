"""The results file: the whole run as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import TypeAdapter

from nethygiene.engine.results import Result
from nethygiene.report.run_report import RunReport

_RESULT = TypeAdapter(Result)
_NONE = '"results": []'


def results_json(report: RunReport) -> Iterator[str]:
    """The text of the results file, result by result: those of a fleet make 100 MB.

    The file's JSON Schema is schemas/results.schema.json.
    """
    run = report.run
    # A quote within a value is escaped, so that the key alone is found.
    frame = run.model_copy(update={"results": ()}).model_dump_json(by_alias=True, indent=1)
    head, tail = frame.split(_NONE)
    yield head + _NONE.removesuffix("]")
    for number, result in enumerate(run.results):
        text = _RESULT.dump_json(result, by_alias=True, indent=1).decode()
        # No line break stands within a value: it is escaped.
        yield ("," if number else "") + "\n  " + text.replace("\n", "\n  ")
    yield ("\n ]" if run.results else "]") + tail + "\n"

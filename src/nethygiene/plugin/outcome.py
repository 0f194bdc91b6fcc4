"""From results to pytest's reports: failed, unknown as an error, not applicable, waived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter

from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.results import Result, RuleRecord
from nethygiene.report.text import printable

# Of several results of one item (found interfaces), the worst is pytest's outcome.
_WORST_FIRST = (
    Outcome.FAILED,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)
_STATUS = {
    Outcome.FAILED: ("failed", "F", ("FAILED", {"red": True})),
    Outcome.UNKNOWN: ("unknown", "U", ("UNKNOWN", {"yellow": True, "bold": True})),
    Outcome.WAIVED: ("waived", "w", ("WAIVED", {"yellow": True})),
    Outcome.NOT_APPLICABLE: ("not-applicable", "-", ("NOT APPLICABLE", {"light": True})),
}
_CARRIED = "nethygiene"
# Set on reports of rules, whose failures the summary tells; not on those of plain checks.
RULE_ITEM = "nethygiene_rule_item"


@dataclass(frozen=True, slots=True)
class Judged:
    """What a report of ours carries: the results, and the rule that they are of."""

    outcome: Outcome
    rule: RuleRecord
    results: tuple[Result, ...]


_JUDGED = TypeAdapter(Judged)


def settle_report(
    report: pytest.TestReport,
    item: pytest.Item,
    results: Sequence[Result],
    rule: RuleRecord,
    *,
    is_heard: bool = True,
) -> None:
    """Give a report the outcome of its results, and hang them on it.

    Args:
        report: pytest's.
        item: the item that it is about.
        results: what the item came to.
        rule: the rule that they are of.
        is_heard: somebody besides the terminal reads the report's properties, as JUnit does.
    """
    worst = min((one.outcome for one in results), key=_WORST_FIRST.index)
    relevant = [one for one in results if one.outcome is worst]
    text = "\n".join(_line(one) for one in relevant)
    judged = Judged(worst, rule, tuple(results))
    setattr(report, _CARRIED, judged)
    if is_heard:
        report.user_properties = [*report.user_properties, *_properties(worst, relevant)]
        # JUnit takes them from the report of the tear-down, which is made from the item.
        item.user_properties[:] = report.user_properties
    if worst is Outcome.PASSED:
        return
    report.longrepr = text
    if worst is Outcome.FAILED:
        report.outcome = "failed"
    elif worst is Outcome.UNKNOWN:
        # An error rather than a failure, to JUnit and pytest-html: it is raised "in setup".
        report.outcome = "failed"
        report.when = "setup"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
    else:
        report.outcome = "skipped"
        path, line, _ = item.reportinfo()
        report.longrepr = (str(path), (line or 0) + 1, text)
        if worst is Outcome.WAIVED:
            report.wasxfail = text


def judged_by(report: object) -> Judged | None:
    """What hangs on a report; None if it is none of ours."""
    judged: Judged | None = getattr(report, _CARRIED, None)
    return judged


def pack(data: dict[str, Any] | None) -> None:
    """Make what a report carries fit for the way from xdist's worker to its controller."""
    if data is not None and isinstance(judged := data.get(_CARRIED), Judged):
        data[_CARRIED] = _JUDGED.dump_json(judged, by_alias=True).decode()


def unpack(data: dict[str, Any]) -> None:
    """Undo :func:`pack`."""
    if isinstance(text := data.get(_CARRIED), str):
        data[_CARRIED] = _JUDGED.validate_json(text)


def status_of(report: object) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """The terminal's category, letter and word, for what pytest has no name for."""
    judged = judged_by(report)
    return None if judged is None else _STATUS.get(judged.outcome)


def _line(result: Result) -> str:
    where = result.where if result.item is None else f"{result.where} [{result.item}]"
    said = result.message
    if result.waiver is not None:
        said += f" (waived {result.waiver.terms})"
    # On one line: pytest prints it as it is, and a runner of CI reads each line for commands.
    return printable(" ".join(f"{where}: {said}".split()))


def _properties(worst: Outcome, results: Sequence[Result]) -> list[tuple[str, object]]:
    first = results[0]
    properties: list[tuple[str, object]] = [
        ("rule", first.rule),
        ("host", first.host) if first.host is not None else ("group", first.group),
        ("severity", first.severity.value),
        ("outcome", worst.value),
    ]
    for one in results:
        if one.item is not None:
            properties.append(("item", printable(one.item)))
        properties.append(("fingerprint", one.fingerprint))
        if one.reason is not None:
            properties.append(("reason", one.reason.value))
    return properties


def severities(names: set[str]) -> Severity | None:
    """The severity among marker names, if there is one."""
    return next((one for one in Severity if one.value in names), None)

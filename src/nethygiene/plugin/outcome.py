"""Turns results into pytest's reports: failed, unknown as an error, not applicable, waived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import TypeAdapter

from nethygiene.engine.outcomes import Outcome, Severity
from nethygiene.engine.results import Result, RuleRecord
from nethygiene.report.text import printable

# pytest's outcome is the worst of an item's results (of found interfaces, say).
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
# Reports of rules have this attribute: the summary shows their failures. Plain checks' have not.
RULE_ITEM = "nethygiene_rule_item"


@dataclass(frozen=True, slots=True)
class Judged:
    """The results that a report of ours carries, and their rule."""

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
    """Give a report the outcome of its results, and attach them to it.

    Args:
        report: pytest's report.
        item: its item.
        results: the item's results.
        rule: their rule.
        is_heard: a plugin besides the terminal reads the report's properties, as JUnit does.
    """
    worst = min((result.outcome for result in results), key=_WORST_FIRST.index)
    relevant = [result for result in results if result.outcome is worst]
    text = "\n".join(map(_line, relevant))
    judged = Judged(worst, rule, tuple(results))
    setattr(report, _CARRIED, judged)
    if is_heard:
        report.user_properties = [*report.user_properties, *_properties(worst, relevant)]
        # JUnit takes them from the report of the tear-down, which pytest makes from the item.
        item.user_properties[:] = report.user_properties
    if worst is Outcome.PASSED:
        return
    report.longrepr = text
    if worst is Outcome.FAILED:
        report.outcome = "failed"
    elif worst is Outcome.UNKNOWN:
        # JUnit and pytest-html take a failure "in setup" as an error.
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
    """The results that a report carries; None if the report is not ours."""
    judged: Judged | None = getattr(report, _CARRIED, None)
    return judged


def pack(data: dict[str, Any] | None) -> None:
    """Serialize the results of a report, for the way from xdist's worker to its controller."""
    if data is not None and isinstance(judged := data.get(_CARRIED), Judged):
        data[_CARRIED] = _JUDGED.dump_json(judged, by_alias=True).decode()


def unpack(data: dict[str, Any]) -> None:
    """Undo :func:`pack`."""
    if isinstance(text := data.get(_CARRIED), str):
        data[_CARRIED] = _JUDGED.validate_json(text)


def status_of(report: object) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """The terminal's category, letter and word for an outcome that pytest has no name for."""
    judged = judged_by(report)
    return None if judged is None else _STATUS.get(judged.outcome)


def _line(result: Result) -> str:
    where = result.where if result.item is None else f"{result.where} [{result.item}]"
    message = result.message
    if result.waiver is not None:
        message += f" (waived {result.waiver.terms})"
    # One line: pytest prints it unchanged, and a CI runner looks for commands in each line.
    return printable(" ".join(f"{where}: {message}".split()))


def _properties(worst: Outcome, results: Sequence[Result]) -> list[tuple[str, object]]:
    first = results[0]
    properties: list[tuple[str, object]] = [
        ("rule", first.rule),
        ("host", first.host) if first.host is not None else ("group", first.group),
        ("severity", first.severity.value),
        ("outcome", worst.value),
    ]
    for result in results:
        if result.item is not None:
            properties.append(("item", printable(result.item)))
        properties.append(("fingerprint", result.fingerprint))
        if result.reason is not None:
            properties.append(("reason", result.reason.value))
    return properties


def severities(names: set[str]) -> Severity | None:
    """The severity among marker names, if there is one."""
    return next((severity for severity in Severity if severity.value in names), None)

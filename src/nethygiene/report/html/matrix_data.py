"""The run for the page's script: pools of strings and lists, and columns of indexes.

Results of a fleet repeat strings: 40,000 results hold a few thousand different ones.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.results import Result, Run
from nethygiene.report.advice import ADVICE, incident
from nethygiene.report.findings import looked_at
from nethygiene.report.text import printable
from nethygiene.report.ways import way_text

LETTERS = {
    Outcome.PASSED: "P",
    Outcome.FAILED: "F",
    Outcome.UNKNOWN: "U",
    Outcome.WAIVED: "W",
    Outcome.NOT_APPLICABLE: "-",
}

_K = TypeVar("_K", bound=Hashable)


class _Pool(Generic[_K]):
    """Numbers different values, in the order of their first occurrence."""

    def __init__(self) -> None:
        self._numbers: dict[_K, int] = {}

    def number(self, value: _K) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[_K]:
        return list(self._numbers)


def matrix_json(run: Run) -> str:
    """The run as JSON that can stand in an HTML script element.

    `strings` are those of `observations` (four numbers each: what, expected or -1, actual, source)
    and of the results; `lists` are lists of observations. A result is a row of the columns, all
    at one index; -1 is nothing.
    """
    strings: _Pool[str] = _Pool()
    observations: _Pool[tuple[int, int, int, int]] = _Pool()
    lists: _Pool[tuple[int, ...]] = _Pool()
    names = [*(host.name for host in run.hosts), *(f"group {group.name}" for group in run.groups)]
    places = {name: index for index, name in enumerate(names)}
    rules = {rule.id: index for index, rule in enumerate(run.rules)}

    def optional(value: str | None) -> int:
        return -1 if value is None or value == "" else strings.number(value)

    def list_of(result: Result) -> int:
        if not result.observations:
            return -1
        return lists.number(
            tuple(
                observations.number(
                    (
                        strings.number(looked_at(seen)),
                        -1 if seen.expected is None else strings.number(seen.expected),
                        strings.number(seen.actual),
                        optional(seen.source),
                    )
                )
                for seen in result.observations
            )
        )

    results = run.results
    columns = {
        "rule": [rules[result.rule] for result in results],
        # Hosts come in order within a rule, groups after them: steps of 1 are shorter than numbers.
        "host": _steps([places[result.where] for result in results]),
        "item": [-1 if result.item is None else strings.number(result.item) for result in results],
        "outcome": "".join(LETTERS[result.outcome] for result in results),
        "message": [optional(result.message) for result in results],
        "remedy": [optional(result.remedy) for result in results],
        "reason": [optional(result.reason) for result in results],
        "waiver": [optional(waiver_text(result) or None) for result in results],
        "way": [optional(way_text(result)) for result in results],
        "list": [list_of(result) for result in results],
    }
    document = {
        "hosts": [
            {
                "name": printable(host.name),
                "key": host.name,
                "address": printable(host.address),
                "groups": [printable(group) for group in host.groups],
                "os": printable(host.os),
                "kernel": printable(host.kernel),
                "uptime": host.uptime,
                "privileged": host.privileged,
                "reachable": host.reachable,
                "error": printable(host.error or ""),
            }
            for host in run.hosts
        ]
        + [
            {
                "name": printable(f"group {group.name}"),
                "key": f"group {group.name}",
                "groups": [printable(group.name)],
                "reachable": True,
                "members": [printable(name) for name in group.members],
                "leftOut": [printable(name) for name in group.left_out],
            }
            for group in run.groups
        ],
        "rules": [
            {
                "id": printable(rule.id),
                "key": rule.id,
                "title": printable(rule.title),
                "severity": rule.severity,
                "kind": rule.kind,
                "incidents": [incident(code) for code in rule.incidents],
                "why": printable(" ".join(rule.why.split())),
                "remedy": printable(rule.remedy),
            }
            for rule in run.rules
        ],
        "results": columns,
        "observations": [number for row in observations.values() for number in row],
        "lists": [list(numbers) for numbers in lists.values()],
        "strings": [printable(string) for string in strings.values()],
        "advice": {reason.value: advice for reason, advice in ADVICE.items()},
    }
    return for_script(document)


def for_script(document: object) -> str:
    """JSON in ASCII without markup for an HTML parser."""
    made = json.dumps(document, separators=(",", ":"))
    return made.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _steps(numbers: Sequence[int]) -> list[int]:
    return [after - before for before, after in zip([0, *numbers], numbers, strict=False)]


def waiver_text(result: Result) -> str:
    """The name and the terms of a result's waiver; empty without one."""
    return "" if result.waiver is None else f"{result.waiver.name}: {result.waiver.terms}"

"""The run as the page's script reads it: pools of strings and lists, and columns of indexes.

A fleet says the same things over and over: 40,000 results hold a few thousand different strings.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

from nethygiene.engine.outcomes import Outcome
from nethygiene.engine.results import Result, Run
from nethygiene.report.advice import ADVICE, incident
from nethygiene.report.text import printable

LETTERS = {
    Outcome.PASSED: "P",
    Outcome.FAILED: "F",
    Outcome.UNKNOWN: "U",
    Outcome.WAIVED: "W",
    Outcome.NOT_APPLICABLE: "-",
}

_K = TypeVar("_K", bound=Hashable)


class _Pool(Generic[_K]):
    """Gives each different value a number, in the order of their coming."""

    def __init__(self) -> None:
        self._numbers: dict[_K, int] = {}

    def number(self, value: _K) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    def values(self) -> list[_K]:
        return list(self._numbers)


def matrix_json(run: Run) -> str:
    """The run as JSON that can stand in an HTML script element.

    `strings` are those of `observations` (four a line: what, expected or -1, actual, source) and
    of the results; `lists` are lists of observations. A result is what all of its columns hold at
    one index; -1 is nothing.
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
                        strings.number(one.what),
                        -1 if one.expected is None else strings.number(one.expected),
                        strings.number(one.actual),
                        optional(one.source),
                    )
                )
                for one in result.observations
            )
        )

    results = run.results
    columns = {
        "rule": [rules[one.rule] for one in results],
        # Hosts come in order within a rule, groups after them: steps of 1 are shorter than numbers.
        "host": _steps([places[one.where] for one in results]),
        "item": [-1 if one.item is None else strings.number(one.item) for one in results],
        "outcome": "".join(LETTERS[one.outcome] for one in results),
        "message": [optional(one.message) for one in results],
        "remedy": [optional(one.remedy) for one in results],
        "reason": [optional(one.reason) for one in results],
        "waiver": [optional(waiver_text(one) or None) for one in results],
        "list": [list_of(one) for one in results],
    }
    document = {
        "hosts": [
            {
                "name": printable(host.name),
                "key": host.name,
                "address": printable(host.address),
                "groups": [printable(one) for one in host.groups],
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
        "observations": [number for one in observations.values() for number in one],
        "lists": [list(one) for one in lists.values()],
        "strings": [printable(one) for one in strings.values()],
        "advice": {reason.value: advice for reason, advice in ADVICE.items()},
    }
    return for_script(document)


def for_script(document: object) -> str:
    """JSON in ASCII that no HTML parser takes for markup."""
    made = json.dumps(document, separators=(",", ":"))
    return made.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _steps(numbers: Sequence[int]) -> list[int]:
    return [after - before for before, after in zip([0, *numbers], numbers, strict=False)]


def waiver_text(result: Result) -> str:
    """Who waived a result, until when and why."""
    return "" if result.waiver is None else f"{result.waiver.name}: {result.waiver.terms}"

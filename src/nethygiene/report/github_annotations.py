"""GitHub's annotations: findings at the line of the inventory that declares their host.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from nethygiene.engine.outcomes import Outcome, Reason, Severity
from nethygiene.engine.results import PlaceRecord, Result
from nethygiene.report.findings import plural
from nethygiene.report.run_report import RunReport
from nethygiene.report.text import printable

# GitHub shows so many of a level for a step, and drops the rest silently.
_SHOWN = 10
_LINES = 20


def github_runs_this() -> bool:
    """Whether a job of GitHub Actions runs this process."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def github_annotations(report: RunReport) -> Iterator[str]:
    """Workflow commands, a line each.

    A host's failures at or above `--fail-on` are one error; its other failures and its unknown
    results are one warning. They all point at the same line, and GitHub shows ten of a level.
    """
    run = report.run
    places = {host.name: host.declared_at for host in run.hosts}
    # A group has the line of its first member.
    places |= {f"group {group.name}": places.get(group.members[0]) for group in run.groups}
    if run.cut_short is not None:
        yield _command("error", "The run was cut short", run.cut_short, None)
    levels: dict[str, dict[str, list[Result]]] = {"error": {}, "warning": {}}
    for result in run.results:
        level = _level(result, report.fail_on)
        if level is not None:
            levels[level].setdefault(result.where, []).append(result)
    for level, by_host in levels.items():
        ordered = sorted(by_host.items(), key=lambda pair: (_badness(pair[1]), pair[0]))
        for name, results in ordered[:_SHOWN]:
            title = f"{name}: {plural(len(results), 'finding')}"
            yield _command(level, title, _message(results), places.get(name))
        rest = [name for name, _ in ordered[_SHOWN:]]
        if rest:
            title = f"{plural(len(rest), 'more host')} with findings ({level})"
            yield _command("notice", title, ", ".join(rest[: _LINES * 5]), None)


def _level(result: Result, fail_on: Severity) -> str | None:
    match result.outcome:
        case Outcome.FAILED:
            return "error" if result.severity.rank >= fail_on.rank else "warning"
        case Outcome.UNKNOWN if result.reason is not Reason.UNREACHABLE:
            return "warning"
        case _:
            return None


def _badness(results: list[Result]) -> tuple[int, int]:
    return (-max(result.severity.rank for result in results), -len(results))


def _message(results: list[Result]) -> str:
    by_rule: dict[str, list[str]] = defaultdict(list)
    for result in sorted(results, key=lambda result: -result.severity.rank):
        item = "" if result.item is None else f"[{result.item}] "
        remedy = f" Remedy: {result.remedy}" if result.remedy else ""
        by_rule[f"{result.rule} ({result.severity}, {result.outcome})"].append(
            f"{item}{result.message}{remedy}"
        )
    lines = [f"{rule}: {message}" for rule, messages in by_rule.items() for message in messages]
    more = [f"and {len(lines) - _LINES} more"] if len(lines) > _LINES else []
    return "\n".join(printable(" ".join(line.split())) for line in [*lines[:_LINES], *more])


def _command(level: str, title: str, message: str, place: PlaceRecord | None) -> str:
    properties = {"title": printable(title)}
    if place is not None:
        line = {} if place.line is None else {"line": str(place.line)}
        properties = {"file": _from_workspace(place.file), **line, **properties}
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {written}::{_data(message)}"


def _from_workspace(file: str) -> str:
    """The path from the top of the repository, as GitHub names files."""
    # GitHub does not resolve .. in a path.
    path = Path(os.path.abspath(file))  # noqa: PTH100 - resolve() would follow symlinks
    for top in (os.environ.get("GITHUB_WORKSPACE"), str(Path.cwd())):
        if top and path.is_relative_to(top):
            return str(path.relative_to(top))
    return file


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

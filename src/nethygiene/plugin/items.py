"""Rules as pytest items of our own: one a rule, host and declared item.

Items of our own, rather than parametrized functions, so that no conftest.py can put another
fixture under a shipped rule; -k, -m, --lf, -x, --deselect and xdist work on them as usual.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from nethygiene.plugin.audit import Audit
from nethygiene.plugin.hosts import PlannedHost
from nethygiene.plugin.keys import audit_of
from nethygiene.results import Result
from nethygiene.rules.definition import Rule
from nethygiene.rules.items import DECLARED, Named
from nethygiene.shipped import shipped_folder

_HOOKS = pytest.StashKey[dict[Path, Any]]()
_PLACES: dict[tuple[Path, int], tuple[str, int | None]] = {}


class RuleItem(pytest.Item):
    """One rule to be judged on one host, for one declared item if the rule has them."""

    def __init__(
        self,
        *,
        rule: Rule,
        host: str,
        item: Named | None,
        line: int,
        marks: Sequence[pytest.Mark],
        **rest: Any,  # noqa: ANN401 - pytest's own arguments, passed on
    ) -> None:
        super().__init__(**rest)
        self.rule = rule
        self.host = host
        self.declared_item = item
        self.results: list[Result] = []
        self._line = line
        # Shared by all items of the rule: add_marker() would build them anew for each.
        self.own_markers.extend(marks)
        self.keywords.update((mark.name, mark) for mark in marks)
        # What -k looks at, beside the function's own name.
        self.extra_keyword_matches.add(rule.id)

    def runtest(self) -> None:
        """Judge. Raises nothing: what it came to is put on the report."""
        # Of a live run they are there: it was judged while other hosts were waited for.
        if not self.results:
            audit = audit_of(self.config)
            self.results = audit.judge(self.rule, self.host, self.declared_item)

    @property
    def ihook(self) -> Any:  # noqa: ANN401 - pluggy's, which is pytest's affair
        """As pytest's own, which looks for conftests anew three times for each item."""
        known = self.session.stash.setdefault(_HOOKS, {})
        hook = known.get(self.path)
        if hook is None:
            hook = known[self.path] = super().ihook
        return hook

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        """As pytest's own, which asks the file system anew for each item."""
        place = _PLACES.get((self.path, self._line))
        if place is None:
            file, line, _ = super().location
            place = _PLACES[self.path, self._line] = (file, line)
        return (*place, self.name)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """Where the rule stands, and what this item is called in reports."""
        return self.path, self._line, self.name


def rule_items(collector: pytest.Collector, rule: Rule) -> list[RuleItem]:
    """The items of a rule that stands in the module `collector`."""
    audit = audit_of(collector.config)
    hosts = hosts_for(audit, getattr(collector, "obj", None))
    made: list[RuleItem] = []
    for host in hosts:
        items: list[Named | None] = [*declared_items(rule.declared, host)]
        made += [_item(collector, rule, host.name, item) for item in items or [None]]
    return made


def reachability_item(session: pytest.Session, rule: Rule, host: str) -> RuleItem:
    """The item of host-reachable for a run that did not collect its module."""
    return _item(session, rule, host, None)


def hosts_for(audit: Audit, module: object) -> list[PlannedHost]:
    """The hosts that a module's checks are for: all, unless `testinfra_hosts` narrows them."""
    patterns = getattr(module, "testinfra_hosts", None)
    if patterns is None:
        return list(audit.hosts.values())
    return [host for host in audit.hosts.values() if _is_named(host, patterns)]


def _is_named(host: PlannedHost, patterns: Sequence[str]) -> bool:
    # Testinfra's own spelling, paramiko://NAME, still names the host.
    globs = [pattern.rpartition("://")[2] for pattern in patterns]
    names = (host.name, "all", *host.groups)
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def declared_items(kind: str | None, host: PlannedHost) -> list[Named]:
    """The items of a kind that a host's policy declares."""
    return [] if kind is None else list(DECLARED[kind](host.policy))


def _item(parent: pytest.Collector, rule: Rule, host: str, item: Named | None) -> RuleItem:
    subject = host if item is None else f"{host}:{item.name}"
    name = f"{rule.function.__name__}[{subject}]"
    code = rule.function.__code__
    # A rule's module is its file; an explicit nodeid is needed or --lf selects everything.
    base = _shipped_name(code.co_filename) or parent.nodeid or Path(code.co_filename).name
    created: RuleItem = RuleItem.from_parent(
        parent,
        name=name,
        nodeid=f"{base}::{name}",
        rule=rule,
        host=host,
        item=item,
        line=code.co_firstlineno,
        marks=_marks(parent.config, rule),
    )
    return created


@cache
def _shipped_name(file: str) -> str | None:
    """``checks/test_x.py`` of a shipped rule; None of a user's own.

    The same in a clone and a wheel, and from whatever folder: JUnit's readers, and --lf, know a
    test by its name. pytest's own name is the path from its rootdir.
    """
    path, checks = Path(file).resolve(), shipped_folder() / "checks"
    return f"checks/{path.relative_to(checks).as_posix()}" if path.is_relative_to(checks) else None


_MARKS: dict[str, tuple[pytest.Mark, ...]] = {}


def _marks(config: pytest.Config, rule: Rule) -> tuple[pytest.Mark, ...]:
    """Severity, kind and incidents: ``-m "high and not rate"``, ``-m S1.8``, ``-m S1``."""
    if rule.id not in _MARKS:
        names = list(mark_names(rule))
        # A user's own rules are born from incidents of their own.
        known = {line.partition(":")[0] for line in config.getini("markers")}
        for name in set(names) - known:
            config.addinivalue_line("markers", f"{name}: born from incident {name}")
        _MARKS[rule.id] = tuple(getattr(pytest.mark, name).mark for name in names)
    return _MARKS[rule.id]


def mark_names(rule: Rule) -> Iterator[str]:
    """The names of a rule's markers."""
    yield from (rule.severity.value, rule.kind.value)
    incidents = {*rule.incidents, *(code.partition(".")[0] for code in rule.incidents)}
    yield from sorted(incidents)

"""Rules as pytest items of our own: an item for each rule, host and declared item.

They are not parametrized functions, so that no conftest.py can put another fixture under a shipped
rule; -k, -m, --lf, -x, --deselect and xdist work on them as usual.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nethygiene.engine.audit import Audit
from nethygiene.engine.results import Result
from nethygiene.engine.rule import Rule
from nethygiene.engine.unit import Unit, units_of
from nethygiene.inventory.model import Group, Host
from nethygiene.plugin.audit_of_run import audit_of
from nethygiene.shipped import shipped_folder

if TYPE_CHECKING:
    from _pytest.nodeid import NodeId

_HOOKS = pytest.StashKey[dict[Path, Any]]()
_PLACES: dict[tuple[Path, int], tuple[str, int | None]] = {}


class RuleItem(pytest.Item):
    """Shows the results of one rule for one host, and one declared item if the rule has them."""

    def __init__(
        self,
        *,
        unit: Unit,
        line: int,
        marks: list[pytest.Mark],
        keywords: set[str],
        **rest: Any,  # noqa: ANN401 - pytest's own arguments, passed on
    ) -> None:
        super().__init__(**rest)
        self.unit = unit
        self._line = line
        # All items of the rule share both: a large fleet has hundreds of thousands of items.
        self.own_markers = marks
        self.extra_keyword_matches = keywords

    def add_marker(self, marker: str | pytest.MarkDecorator, append: bool = True) -> None:
        """Mark this item alone, as a conftest.py may do."""
        self.own_markers = [*self.own_markers]
        super().add_marker(marker, append)

    @property
    def results(self) -> tuple[Result, ...]:
        """Its results. The host is judged already, unless this is a worker of xdist."""
        return audit_of(self.config).results_of(self.unit)

    def runtest(self) -> None:
        """Judge the host if it is not judged yet; only a bug of ours raises."""
        _ = self.results

    @cached_property
    def location(self) -> tuple[str, int | None, str]:
        """pytest's own location, cached: pytest asks the file system again for each item."""
        place = _PLACES.get((self.path, self._line))
        if place is None:
            file, line, _ = super().location
            place = _PLACES[self.path, self._line] = (file, line)
        return (*place, self.name)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        """The place of the rule, and the item's name in reports."""
        return self.path, self._line, self.name


def rule_items(collector: pytest.Collector, rule: Rule) -> list[RuleItem]:
    """The items of a rule in the module `collector`."""
    audit = audit_of(collector.config)
    hosts = hosts_for(audit, getattr(collector, "obj", None))
    groups = groups_for(audit, getattr(collector, "obj", None))
    units = units_of(rule, hosts, groups, audit.plan.everyone)
    return [_item(collector, unit) for unit in units]


def reachability_item(session: pytest.Session, rule: Rule, host: str) -> RuleItem:
    """The item of host-reachable for a run that did not collect its module."""
    return _item(session, Unit(rule, (host,)))


def hosts_for(audit: Audit, module: object) -> list[Host]:
    """The hosts of a module's checks: all, unless `testinfra_hosts` narrows them."""
    patterns = getattr(module, "testinfra_hosts", None)
    if patterns is None:
        return list(audit.hosts.values())
    return [host for host in audit.hosts.values() if _is_named(host, patterns)]


def groups_for(audit: Audit, module: object) -> list[Group]:
    """The groups of a module's checks: those that `testinfra_hosts` names, or all."""
    patterns = getattr(module, "testinfra_hosts", None)
    groups = list(audit.plan.groups.values())
    if patterns is None:
        return groups
    named = (group for group in groups for glob in patterns if fnmatchcase(group.name, glob))
    return groups if "all" in patterns else list(dict.fromkeys(named))


def _is_named(host: Host, patterns: Sequence[str]) -> bool:
    # Testinfra's own spelling is paramiko://NAME.
    globs = [pattern.rpartition("://")[2] for pattern in patterns]
    names = (host.name, "all", *host.groups)
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def _item(parent: pytest.Collector, unit: Unit) -> RuleItem:
    rule = unit.rule
    function = rule.function.__name__
    code = rule.function.__code__
    # A rule's module is its file. Without an explicit nodeid --lf selects everything.
    base = _shipped_name(code.co_filename) or parent.nodeid or Path(code.co_filename).name
    created: RuleItem = RuleItem.from_parent(
        parent,
        name=f"{function}[{unit.name}]",
        nodeid=_rule_id(parent, base, function).with_params(unit.name),
        unit=unit,
        line=code.co_firstlineno,
        marks=_marks(parent.config, rule),
        keywords=_keywords(rule),
    )
    return created


_IDS: dict[tuple[str, str], NodeId] = {}


def _rule_id(parent: pytest.Collector, base: str, function: str) -> NodeId:
    """The common part of the ids of a rule's items, which share it."""
    shared = _IDS.get((base, function))
    if shared is None:
        shared = _IDS[base, function] = type(parent.id)(path=base, names=(function,))
    return shared


@cache
def _keywords(rule: Rule) -> set[str]:
    """The words that -k matches, beside the function's own name."""
    return {rule.id}


@cache
def _shipped_name(file: str) -> str | None:
    """The file of a shipped rule as ``checks/test_x.py``; None for a user's own rule.

    It is the same in a clone and a wheel, and from any folder: readers of JUnit, and --lf, know a
    test by its name. pytest's own name is the path from its rootdir.
    """
    path, checks = Path(file).resolve(), shipped_folder() / "checks"
    return f"checks/{path.relative_to(checks).as_posix()}" if path.is_relative_to(checks) else None


_MARKS: dict[str, list[pytest.Mark]] = {}


def _marks(config: pytest.Config, rule: Rule) -> list[pytest.Mark]:
    """Severity, kind and incidents: ``-m "high and not rate"``, ``-m S1.8``, ``-m S1``."""
    if rule.id not in _MARKS:
        names = list(mark_names(rule))
        # A user's own rules have incidents of their own.
        registered = {line.partition(":")[0] for line in config.getini("markers")}
        for name in set(names) - registered:
            config.addinivalue_line("markers", f"{name}: born from incident {name}")
        _MARKS[rule.id] = [getattr(pytest.mark, name).mark for name in names]
    return _MARKS[rule.id]


def mark_names(rule: Rule) -> Iterator[str]:
    """The names of a rule's markers."""
    yield from (rule.severity.value, rule.kind.value)
    incidents = {*rule.incidents, *(code.partition(".")[0] for code in rule.incidents)}
    yield from sorted(incidents)

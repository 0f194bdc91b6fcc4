"""`@rule`: turns a function into a rule, and checks its declaration when it is imported."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, TypeVar

from nethygiene.engine import catalogue
from nethygiene.engine.documentation import Documentation, parse_documentation
from nethygiene.engine.items import DECLARED, DECLARED_BY_GROUPS
from nethygiene.engine.outcomes import Kind, Severity

Scope = Literal["host", "group", "run", "ends"]
_OF_SEVERAL = frozenset({"expect", "group", "policies", "round_trip"})
_BESIDE_FACTS: Mapping[Scope, frozenset[str]] = {
    "host": frozenset({*DECLARED, "connection", "expect", "policy"}),
    "group": _OF_SEVERAL | DECLARED_BY_GROUPS.keys(),
    "run": _OF_SEVERAL,
    "ends": frozenset({"expect", "upstream"}),
}
_DECLARED: Mapping[Scope, Container[str]] = {
    "host": DECLARED.keys(),
    "group": DECLARED_BY_GROUPS.keys(),
    "run": (),
    "ends": ("upstream",),
}
ALWAYS_SENT = ("kernel", "machine")
_ATTRIBUTE = "__nethygiene_rule__"

F = TypeVar("F", bound=Callable[..., None])


class RuleDeclarationError(Exception):
    """A rule that is declared wrongly. It is raised when the rule's module is imported."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rule as declared.

    Attributes:
        id: the function's name without ``test_``, with dashes.
        version: raised when its verdict can change.
        severity: how much a failure matters.
        kind: setting, state or rate.
        incidents: codes of the incidents behind it, as ``S1.8``.
        documentation: its parsed docstring.
        function: the function itself.
        arguments: the names of the function's arguments.
        declared: the argument that names a declared item, None without one.
        found: the argument that names a found item, None without one.
        judged_if: the name of the precondition under which it judges a declared item; None without
            one.
        scope: ``host``; ``group``, if all members of an inventory group are judged as one;
            ``run``, if all hosts of the run are; or ``ends``, if a host is judged by the facts of
            all hosts of the run.
        defaults: the kernel's own values of sysctls that it judges, by name.
    """

    id: str
    version: int
    severity: Severity
    kind: Kind
    incidents: tuple[str, ...]
    documentation: Documentation
    function: Callable[..., None]
    arguments: tuple[str, ...]
    declared: str | None
    found: str | None
    judged_if: str | None = None
    scope: Scope = "host"
    defaults: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def judges_reachability(self) -> bool:
        """Whether it judges the connection itself, so that an unreachable host fails it."""
        return "connection" in self.arguments

    @property
    def probes(self) -> frozenset[str]:
        """The names of the probes that it needs."""
        return _probes_of(self)


def rule(
    *,
    severity: str,
    kind: str,
    incidents: Sequence[str],
    version: int = 1,
    judged_if: str | None = None,
    scope: Scope = "host",
    defaults: Mapping[str, str] | None = None,
) -> Callable[[F], F]:
    """Declare a rule.

    The function's arguments name its inputs: a probe's name brings that fact, a declared or found
    item's name makes one result for each item, ``policy`` brings the host's policy, ``connection``
    how it was reached, and ``expect`` judges.

    Args:
        severity: ``low``, ``medium``, ``high`` or ``critical``.
        kind: ``setting``, ``state`` or ``rate``.
        incidents: codes of the incidents behind it.
        version: raised when its verdict can change.
        judged_if: the name of a precondition. By ``served_here`` a rule about a service judges the
            port that the host itself serves, and does not apply if another host or container
            serves it.
        scope: ``host`` judges each host by itself. ``group`` judges all members of an inventory
            group as one: a probe's name then brings :class:`Each` member's fact, and ``group``
            the group itself. It may take an item that groups declare, as ``virtual_address``.
            ``run`` judges all hosts of the run as one, as group ``all``. Both may take
            ``policies``, the policy of each host by its name. ``ends`` judges what a host connects
            to: a probe's name brings the facts :class:`Across` all hosts of the run.
        defaults: the kernel's own values of sysctls that the rule judges, by name. If no file sets
            one, settings-persist expects this value at the next boot. A value that differs by
            kernel or by interface is in `subjects/kernel/kernel_defaults.py`.

    Raises:
        RuleDeclarationError: on import, when the declaration is wrong.
    """

    def declare(function: F) -> F:
        read = _read(function, severity, kind, tuple(incidents), version, scope)
        if judged_if is not None and not catalogue.is_there(judged_if):
            raise RuleDeclarationError(
                f"{function.__name__}: no precondition is called {judged_if!r}"
            )
        read = replace(read, judged_if=judged_if, defaults=dict(defaults or {}))
        setattr(function, _ATTRIBUTE, read)
        return function

    return declare


def rule_of(thing: object) -> Rule | None:
    """The rule that a module's attribute is, if it is one."""
    declared: Any = getattr(thing, _ATTRIBUTE, None)
    return declared if isinstance(declared, Rule) else None


def _read(
    function: Callable[..., None],
    severity: str,
    kind: str,
    incidents: tuple[str, ...],
    version: int,
    scope: Scope,
) -> Rule:
    name = function.__name__
    if not re.fullmatch(r"test_[a-z0-9]+(_[a-z0-9]+)*", name):
        raise RuleDeclarationError(
            f"{name}: a rule's name is test_ and words in lower case: its id says the wanted state"
        )
    if severity not in list(Severity):
        raise RuleDeclarationError(f"{name}: severity {severity!r} is none of {_listed(Severity)}")
    if kind not in list(Kind):
        raise RuleDeclarationError(f"{name}: kind {kind!r} is none of {_listed(Kind)}")
    if not incidents:
        raise RuleDeclarationError(f"{name}: names no incident: every rule is born from one")
    try:
        documentation = parse_documentation(function.__doc__, name)
    except ValueError as error:
        raise RuleDeclarationError(str(error)) from None
    arguments = tuple(inspect.signature(function).parameters)
    facts = {argument: catalogue.probe(argument) for argument in arguments}
    finders = {argument: catalogue.finder(argument) for argument in arguments}
    found = [
        argument
        for argument, kind in finders.items()
        if kind is not None and kind.of_groups == (scope in {"group", "run"})
    ]
    known = {*_BESIDE_FACTS[scope], *found, *(name for name in arguments if facts[name])}
    if strange := [argument for argument in arguments if argument not in known]:
        fitting = (
            name
            for name, kind in catalogue.all_finders().items()
            if kind.of_groups == (scope in {"group", "run"})
        )
        known |= {*catalogue.all_probes(), *fitting}
        raise RuleDeclarationError(
            f"{name}: no probe or item is called {', '.join(map(repr, strange))}. "
            f"Known: {', '.join(sorted(known))}"
        )
    if "expect" not in arguments:
        raise RuleDeclarationError(f"{name}: asks for no 'expect', so it could never fail")
    declared = [argument for argument in arguments if argument in _DECLARED[scope]]
    if len(declared) + len(found) > 1:
        raise RuleDeclarationError(
            f"{name}: {', '.join(declared + found)}: a rule has one item at most"
        )
    return Rule(
        id=name.removeprefix("test_").replace("_", "-"),
        version=version,
        severity=Severity(severity),
        kind=Kind(kind),
        incidents=incidents,
        documentation=documentation,
        function=function,
        arguments=arguments,
        declared=declared[0] if declared else None,
        found=found[0] if found else None,
        scope=scope,
    )


@cache
def _probes_of(rule: Rule) -> frozenset[str]:
    names = {*ALWAYS_SENT, *(name for name in rule.arguments if catalogue.probe(name))}
    if rule.found is not None and (finder := catalogue.finder(rule.found)):
        names |= set(finder.probes)
    if rule.judged_if is not None and (condition := catalogue.precondition(rule.judged_if)):
        names |= set(condition.probes)
    return frozenset(names)


def _listed(words: type[Severity | Kind]) -> str:
    return ", ".join(words)

"""The shipped rules, found by importing the modules under checks/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nethygiene.engine.rule import Rule, rule_of
from nethygiene.shipped import load_checks


@dataclass(frozen=True, slots=True)
class CheckModule:
    """One module of rules.

    Attributes:
        path: relative to the clone, as ``checks/test_accept_queue.py``.
        subject: the first line of its docstring.
        rules: in the order of the file.
    """

    path: str
    subject: str
    rules: tuple[Rule, ...]


def check_modules(root: Path) -> tuple[CheckModule, ...]:
    """The modules of rules under `root`/checks, by name.

    Raises:
        RuleDeclarationError: a rule is declared wrongly, or its docstring lacks a heading.
    """
    return tuple(_load(path) for path in sorted((root / "checks").glob("test_*.py")))


def _load(path: Path) -> CheckModule:
    module = load_checks(path)
    declared = (rule_of(value) for value in vars(module).values())
    subject = (module.__doc__ or path.stem).split("\n", 1)[0].rstrip(".")
    rules = tuple(rule for rule in declared if rule is not None)
    return CheckModule(f"checks/{path.name}", subject, rules)

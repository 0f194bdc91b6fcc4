"""Suites that are run inside pytest, as a user would run them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from nethygiene.engine.results import Result, Run
from nethygiene.shipped import shipped_folder

# Inside one process the package was imported by the outer pytest already.
PLUGIN = ("-p", "nethygiene.plugin", "-W", "ignore::pytest.PytestAssertRewriteWarning")
CHECKS = shipped_folder() / "checks"


@dataclass(frozen=True)
class Suite:
    """What a run came to."""

    status: int
    output: str
    errors: str
    run: Run | None

    @property
    def said(self) -> str:
        """The output as one line: how it is wrapped does not matter."""
        return " ".join(self.output.split())

    def outcomes(self, rule: str) -> dict[str, str]:
        """Outcome of each result of a rule, by ``host`` or ``host:item``."""
        return {_key(one): one.outcome.value for one in self.results(rule)}

    def results(self, rule: str) -> list[Result]:
        """The results of a rule."""
        assert self.run is not None
        return [one for one in self.run.results if one.rule == rule]

    def message(self, rule: str) -> str:
        """The message of a rule's only result."""
        (only,) = self.results(rule)
        return only.message


def _key(result: Result) -> str:
    return result.where if result.item is None else f"{result.where}:{result.item}"


class Runner:
    """Runs suites in a folder of its own."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.folder = pytester.path

    def inventory(self, text: str, name: str = "inventory.yaml") -> Path:
        """Write an inventory."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: object, checks: object = CHECKS) -> Suite:
        """Run the shipped rules, or `checks`, in this process."""
        results = self.folder / "results.json"
        results.unlink(missing_ok=True)
        given = [str(one) for one in arguments]
        if not any(one.startswith("--results") for one in given):
            given.append(f"--results={results}")
        if not any(one.startswith("--window") for one in given):
            given.append("--window=0.05")
        outcome = self.pytester.runpytest_inprocess(
            *PLUGIN, "-p", "no:cacheprovider", str(checks), *given
        )
        run = None
        if results.is_file():
            run = Run.model_validate(json.loads(results.read_text(encoding="utf-8")))
        return Suite(int(outcome.ret), outcome.stdout.str(), outcome.stderr.str(), run)

    def check(self, source: str, *arguments: object, name: str = "test_mine.py") -> Suite:
        """Run a module of a user's own."""
        path = self.folder / name
        path.write_text(source, encoding="utf-8")
        return self.run(*arguments, checks=path)


@pytest.fixture
def runner(pytester: pytest.Pytester) -> Runner:
    """Runs suites as a user would."""
    return Runner(pytester)


LOCAL = """\
all:
  hosts:
    here: {ansible_connection: local}
"""


@pytest.fixture
def local(runner: Runner) -> str:
    """The option that names an inventory of this machine alone."""
    return f"--inventory={runner.inventory(LOCAL)}"

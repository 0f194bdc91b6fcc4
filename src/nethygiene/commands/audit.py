"""`nethygiene audit`: pytest on the shipped rules, with pytest's options."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from nethygiene import __version__
from nethygiene.audit_options import declare_options
from nethygiene.commands.command import Parser
from nethygiene.shipped import names_shipped_checks, shipped_folder

_USAGE = "nethygiene audit [-i FILE] [OPTION ...] [MORE_CHECKS ...]"
_DESCRIPTION = """
    Log in to each host once, ask what the rules need, and judge the answers. It
    changes nothing there. Without -i FILE it audits this machine, without SSH and
    without sudo.
    """
_AFTER = """
    options of Testinfra, for connecting:
      --ssh-config=FILE, --ssh-identity-file=FILE, --sudo

    options of pytest, which runs the rules: all of them work, for instance
      -k 'keepalive or somaxconn'   rules and hosts whose names contain a text
      -m 'critical and not rate'    rules of a severity (low, medium, high,
                                    critical), of a kind (setting, state, rate)
                                    or of an incident (S3)
      -x                            stop at the first failure
      --lf                          judge what failed last time, and nothing else
      -v, -q                        say more, say less
      --collect-only                list what would be judged, connect to nothing
      -n 4                          judge in 4 processes, with pytest-xdist
      --html=FILE --self-contained-html
                                    write the report for people
      --junit-xml=FILE              write the results as JUnit
      --pytest-help                 show all of pytest's options

    MORE_CHECKS are files and folders with checks of your own.

    examples:
      nethygiene audit
      nethygiene audit -i hosts.yaml
      nethygiene audit -i hosts.yaml --limit 'web:!web-01' -k firewall
      nethygiene audit -i hosts.yaml --html=report.html --self-contained-html
      nethygiene audit -i hosts.yaml test_own.py

    exit status:
      0   clean: nothing at or above --fail-on failed or is unknown
      1   something at or above --fail-on failed
      10  nothing did, but something at or above --fail-on is unknown
      11  nothing was judged: no selected rule applies to these hosts
      2   cut short: interrupted, or ended by -x before a failure that counts
      3   a rule or nethygiene crashed, or a report could not be written
      4   wrong usage: the command line, the inventory, an evidence file
      5   no test is selected
    """

# In a folder that is not writable, pytest would warn that it cannot remember failures for --lf.
_SET_UP = ("-p", "nethygiene.plugin", "-W", "ignore::pytest.PytestCacheWarning")


def run(arguments: Sequence[str]) -> int:
    """Run the audit; returns its exit status."""
    parser = AuditParser()
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if {"-h", "--help"} & {*before}:
        parser.print_help()
        return 0
    if {"-V", "--version"} & {*before}:
        sys.stdout.write(f"nethygiene {__version__}, with pytest {pytest.__version__}\n")
        return 0
    given = list(parser.for_pytest(arguments))
    return int(pytest.main([*_SET_UP, *_checks(given), *given], [_Named()]))


class _Named:
    """A plugin of pytest that puts the name of our program into pytest's messages."""

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        parser.prog = "nethygiene audit"


def _checks(arguments: Sequence[str]) -> list[str]:
    """The shipped rules; not all of them where an argument names some of their modules."""
    here = Path.cwd()
    modules = [
        argument
        for argument in arguments
        if ".py" in argument or argument.startswith("nethygiene.checks")
    ]
    if any(
        names_shipped_checks(argument, here) for argument in modules if not argument.startswith("-")
    ):
        return ["--pyargs"]
    # A clone on the import path without an installation has no package of this name.
    if importlib.util.find_spec("nethygiene.checks") is not None:
        return ["--pyargs", "nethygiene.checks"]
    return [str(shipped_folder() / "checks")]


class AuditParser(Parser):
    """Recognises our options; pytest reads their values, and reports what is wrong with them."""

    def __init__(self) -> None:
        super().__init__("audit", description=_DESCRIPTION, after=_AFTER, usage=_USAGE)
        self._valued: dict[str, str] = {}
        declare_options(self._declare)

    def _declare(self, name: str, **about: Any) -> None:  # noqa: ANN401 - as argparse has it
        names = ("-i", name) if name == "--inventory" else (name,)
        self.add_argument(*names, **about)
        if about.get("action", "append") == "append":
            self._valued.update(dict.fromkeys(names, name))

    def for_pytest(self, arguments: Sequence[str]) -> Iterator[str]:
        """The arguments as pytest takes them.

        Short names become long ones, which are all that pytest leaves to plugins. A value is joined
        to its option: pytest would take a file after a blank for a place where tests are.
        """
        rest = iter(arguments)
        inventory = None
        for argument in rest:
            if argument == "--":
                yield from (argument, *rest)
                return
            name, equals, value = _parted(argument)
            if name not in self._valued:
                yield "--help" if argument == "--pytest-help" else argument
                continue
            if not equals:
                value = next(rest, "")
                if not value or value.startswith("-"):
                    self.error(f"{name} needs a value: give {name} VALUE")
            if self._valued[name] == "--inventory":
                if inventory is not None:
                    self.error(f"{name} {value}: {inventory} was given before: give one inventory")
                inventory = value
            yield f"{self._valued[name]}={value}"


def _parted(argument: str) -> tuple[str, str, str]:
    """An option, what joins it to its value, and the value: -i FILE, -iFILE, --inventory=FILE."""
    if argument.startswith("-i") and len(argument) > 2:
        return "-i", "=", argument[2:].removeprefix("=")
    return argument.partition("=")

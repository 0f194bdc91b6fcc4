"""The base of the commands, and the parser of their arguments."""

from __future__ import annotations

import argparse
import importlib
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

USAGE_ERROR = 4
"""The exit status of the audit for wrong usage."""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A command, and the module of its name, which is imported when the command is run.

    Attributes:
        name: what is typed after `nethygiene`.
        summary: one line for the list of commands.
    """

    name: str
    summary: str

    def run(self, arguments: Sequence[str]) -> int:
        """Run it with the arguments after its name; returns the exit status.

        Raises:
            UsageError: what it reads is wrong.
        """
        # Modules whose assertions pytest rewrites must not be imported before pytest runs.
        module = importlib.import_module(f"nethygiene.commands.{self.name.replace('-', '_')}")
        run: Callable[[Sequence[str]], int] = module.run
        return run(arguments)


class Parser(argparse.ArgumentParser):
    """Reads the arguments of one command; its help is a page of description and examples."""

    def __init__(
        self, name: str, *, description: str, after: str = "", usage: str | None = None
    ) -> None:
        """Describe the command.

        Args:
            name: the command's name.
            description: the description of the command, in paragraphs.
            after: the text after the options: examples and the like.
            usage: the usage line; by default argparse makes it from the options.
        """
        super().__init__(
            prog=f"nethygiene {name}",
            usage=usage,
            description=textwrap.dedent(description).strip(),
            epilog=textwrap.dedent(after).strip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and where the help is."""
        sys.stderr.write(f"{self.prog}: {message}\nHelp: {self.prog} --help\n")
        raise SystemExit(USAGE_ERROR)

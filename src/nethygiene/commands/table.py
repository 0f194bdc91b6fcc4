"""The table of commands: a new one is a module beside this one with a `run`, and a line here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from nethygiene import __version__
from nethygiene.commands.command import USAGE_ERROR, Subcommand
from nethygiene.errors import UsageError

COMMANDS = (
    Subcommand("audit", "audit the hosts of an inventory, or this machine"),
    Subcommand("sudoers", "print the sudoers file for the login that audits"),
    Subcommand(
        "forced-command", "print the forced command for a key that can do nothing but audit"
    ),
    Subcommand("redact", "copy an evidence file with pseudonyms for addresses and names"),
)

_HELP = frozenset({"-h", "--help", "help"})
_BROKEN_PIPE = 141
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        The exit status: the command's own, 4 for wrong usage, and what a shell gives for a signal.
    """
    try:
        status = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return USAGE_ERROR
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone. Python would try to flush the rest of it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return status


def _run(arguments: list[str]) -> int:
    if not arguments:
        sys.stdout.write(overview())
        # No audit ran: a script that lost its arguments must not take this for a clean audit.
        return USAGE_ERROR
    name, *rest = arguments
    commands = {command.name: command for command in COMMANDS}
    if name in {"--version", "-V"}:
        sys.stdout.write(f"nethygiene {__version__}\n")
        return 0
    if name in _HELP and not rest:
        sys.stdout.write(overview())
        return 0
    if name == "help":
        name, rest = rest[0], ["--help"]
    if name in commands:
        return commands[name].run(rest)
    if name.startswith("-"):
        raise UsageError(f"nethygiene: {name}: a command comes first: nethygiene audit {name} ...")
    meant = get_close_matches(name, commands, 1) or ["--help"]
    raise UsageError(
        f"nethygiene: there is no command {name!r}: {', '.join(commands)} are there. "
        f"Did you mean nethygiene {meant[0]}?"
    )


def overview() -> str:
    """The help of the program: its commands and examples."""
    width = max(len(command.name) for command in COMMANDS)
    lines = [f"  {command.name:{width}}  {command.summary}" for command in COMMANDS]
    return "\n".join(
        [
            "usage: nethygiene COMMAND [OPTION ...]",
            "",
            "Network-hygiene rules, each born from a real incident, judged on hosts by SSH.",
            "",
            "commands:",
            *lines,
            "",
            "  nethygiene COMMAND --help   describes a command",
            "  nethygiene --version        prints the version",
            "",
            "examples:",
            "  nethygiene audit                 this machine, without SSH and without root",
            "  nethygiene audit -i hosts.yaml   the hosts of an inventory",
            "",
        ]
    )

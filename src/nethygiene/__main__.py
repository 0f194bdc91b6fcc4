"""`python -m nethygiene`: what is not a test run. The audit itself is pytest's."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

from nethygiene import __version__
from nethygiene.errors import EvidenceError, UsageError
from nethygiene.evidence import EvidenceWriter, read_evidence
from nethygiene.forced_command import forced_command
from nethygiene.inventory import load_inventory
from nethygiene.inventory.policy import Policy
from nethygiene.redaction import redact
from nethygiene.sudoers import sudoers_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 2 for wrong usage, 4 for a wrong inventory."""
    parser = argparse.ArgumentParser(
        prog="python -m nethygiene",
        description="The audit is run by pytest: pytest --pyargs nethygiene.checks "
        "--inventory=FILE (in a clone: pytest checks --inventory=FILE).",
    )
    parser.add_argument("--version", action="version", version=f"nethygiene {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sudoers = commands.add_parser(
        "sudoers",
        help="print the sudoers file for the login that audits",
        description="Print the sudoers file that allows the commands for which probes need root.",
    )
    sudoers.add_argument("--user", required=True, help="the login; %%NAME is a group")
    forced = commands.add_parser(
        "forced-command",
        help="print the forced command for a key that can do nothing but audit",
        description="Print the program that an authorized_keys file names in restrict,command=.",
    )
    for one in (sudoers, forced):
        one.add_argument("--become-user", default="root", help="as whom (default: root)")
        one.add_argument(
            "--inventory", help="a file whose hosts it is for: adds what their policies need"
        )
    redacts = commands.add_parser(
        "redact",
        help="write an evidence file anew, with pseudonyms for addresses and names",
        description="Replace addresses and names one to one, alike in the whole file, so that "
        "rules judge it as they judged the original. The key of the pseudonyms is kept nowhere.",
    )
    redacts.add_argument("evidence", metavar="IN", type=Path, help="what --evidence kept")
    redacts.add_argument("redacted", metavar="OUT", type=Path, help="the file to write")
    options = parser.parse_args(arguments)
    if options.command == "redact":
        return _redact(options.evidence, options.redacted)
    try:
        sys.stdout.write(_printed(options))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    except ValueError as error:
        commands.choices[options.command].error(str(error))
    return 0


def _printed(options: argparse.Namespace) -> str:
    inventory: str | None = options.inventory
    policies = () if inventory is None else _policies(inventory)
    become_user: str = options.become_user
    if options.command == "forced-command":
        return forced_command(policies, become_user, inventory=inventory)
    return sudoers_file(options.user, become_user, policies=policies, inventory=inventory)


def _redact(source: Path, to: Path) -> int:
    try:
        if to.exists():
            raise EvidenceError(f"{to}: is there already: name a new file")
        header, _ = read_evidence(source)
        hosts = redact(lambda: read_evidence(source)[1])
        # All of the file has been read once before the first comes: what is wrong with it is told
        # before a file is made.
        first = next(hosts, None)
        with EvidenceWriter(to, header.unnamed()) as writer:
            for host in () if first is None else itertools.chain([first], hosts):
                writer.add(host)
    except EvidenceError as error:
        sys.stderr.write(f"{error}\n")
        return 4
    except UsageError as error:
        sys.stderr.write(f"{source}: {error}\n")
        return 4
    return 0


def _policies(path: str) -> tuple[Policy, ...]:
    return tuple(host.policy for host in load_inventory(path).hosts)


if __name__ == "__main__":
    sys.exit(main())

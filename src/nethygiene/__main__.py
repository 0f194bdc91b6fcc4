"""`python -m nethygiene`: what is not a test run. The audit itself is pytest's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nethygiene import __version__
from nethygiene.errors import UsageError
from nethygiene.forced_command import forced_command
from nethygiene.inventory import load_inventory
from nethygiene.inventory.policy import Policy
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
    options = parser.parse_args(arguments)
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


def _policies(path: str) -> tuple[Policy, ...]:
    return tuple(host.policy for host in load_inventory(path).hosts)


if __name__ == "__main__":
    sys.exit(main())

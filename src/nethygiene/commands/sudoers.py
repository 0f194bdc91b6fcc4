"""`nethygiene sudoers`: the sudoers file for the login that audits."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nethygiene.commands.command import Parser
from nethygiene.commands.hosts import add_host_options, policies_of
from nethygiene.sudoers import sudoers_file


def run(arguments: Sequence[str]) -> int:
    """Print the file.

    Raises:
        UsageError: the inventory is wrong.
    """
    parser = Parser(
        "sudoers",
        description="""
            Print the sudoers file that lets a login run, as root, the commands for which
            probes need root: these commands word for word, and no others.
            """,
        after="""
            examples:
              nethygiene sudoers --user audit
              nethygiene sudoers --user %auditors -i hosts.yaml > nethygiene.sudoers

            The first lines of the file say how it is installed.
            """,
    )
    parser.add_argument(
        "--user", required=True, metavar="LOGIN", help="the login; %%NAME is a group (required)"
    )
    add_host_options(parser)
    options = parser.parse_args(arguments)
    policies = policies_of(options.inventory)
    try:
        text = sudoers_file(
            options.user, options.become_user, policies=policies, inventory=options.inventory
        )
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.write(text)
    return 0

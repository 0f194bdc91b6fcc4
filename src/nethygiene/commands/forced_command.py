"""`nethygiene forced-command`: the program for a key that can do nothing but audit."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from nethygiene.commands.command import Parser
from nethygiene.commands.hosts import add_host_options, policies_of
from nethygiene.forced_command import forced_command


def run(arguments: Sequence[str]) -> int:
    """Print the program.

    Raises:
        UsageError: the inventory is wrong.
    """
    parser = Parser(
        "forced-command",
        description="""
            Print the program that an authorized_keys file names in
            restrict,command="...". A key with it runs the script of an audit by this
            version of nethygiene, and nothing else.
            """,
        after="""
            example:
              nethygiene forced-command -i hosts.yaml > nethygiene-audit

            Install it on the host as /usr/local/bin/nethygiene-audit with mode 0755, and
            write into authorized_keys, before the key:
              restrict,command="/usr/local/bin/nethygiene-audit" ssh-ed25519 ...
            """,
    )
    add_host_options(parser)
    options = parser.parse_args(arguments)
    policies = policies_of(options.inventory)
    sys.stdout.write(forced_command(policies, options.become_user, inventory=options.inventory))
    return 0

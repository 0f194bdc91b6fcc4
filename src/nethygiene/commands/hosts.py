"""The options of commands that print something to install on hosts."""

from __future__ import annotations

import argparse

from nethygiene.inventory.load import load_inventory
from nethygiene.inventory.policy import Policy


def add_host_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say for which hosts it is printed."""
    parser.add_argument(
        "-i",
        "--inventory",
        metavar="FILE",
        help="the inventory of the hosts: adds what the rules need that its policies ask for",
    )
    parser.add_argument(
        "--become-user",
        default="root",
        metavar="USER",
        help="whom the commands run as, ansible_become_user (default: root)",
    )


def policies_of(inventory: str | None) -> tuple[Policy, ...]:
    """The policies of an inventory's hosts; none without an inventory.

    Raises:
        UsageError: the inventory is wrong.
    """
    if inventory is None:
        return ()
    return tuple(host.policy for host in load_inventory(inventory).hosts)

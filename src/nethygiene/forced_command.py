"""The forced command for a dedicated key: a login that can run the audit's script, nothing else.

It stands in ``authorized_keys`` as ``restrict,command="FILE"``. sshd then runs it in place of what
the client asks for. It compares the script that it is sent with the one that this version of
nethygiene sends, line by line, and runs it only if each line is known. A thief of the key can
therefore read what the audit reads, and change nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

from nethygiene import __version__
from nethygiene.collect.command import REFUSED, Command
from nethygiene.collect.script import compose
from nethygiene.collect.shell_file import Verbatim, as_written
from nethygiene.engine.catalogue import all_probes
from nethygiene.inventory.policy import Policy

# These two differ from run to run; the program checks their characters.
_BOUNDARY = "BOUNDARY"
_WINDOW = 9.0


_PROGRAM = Path(__file__).with_name("forced_command.sh")


def forced_command(
    policies: Iterable[Policy] = (),
    become_user: str = "root",
    *,
    inventory: str | None = None,
) -> str:
    """The program to install on a host, for `command=` in authorized_keys.

    Args:
        policies: those of the hosts where it is installed; it allows what they declare too.
        become_user: `ansible_become_user`.
        inventory: the file that they are from, for the comment that says how it was made.

    Returns:
        A script for POSIX sh.

    Raises:
        ValueError: a probe has a command of several lines, which a thief could recombine.
    """
    before, after, known = _parts(policies, become_user)
    options = "" if become_user == "root" else f" --become-user {shlex.quote(become_user)}"
    options += "" if inventory is None else f" --inventory={shlex.quote(inventory)}"
    return as_written(
        _PROGRAM,
        VERSION=Verbatim(__version__),
        OPTIONS=Verbatim(options),
        REFUSED=Verbatim(REFUSED),
        BEFORE=before,
        AFTER=after,
        KNOWN="\n".join(["", *known, ""]),
        MOST=str(4 * len("\n".join([before, after, *known]).encode())),
    )


def _parts(policies: Iterable[Policy], become_user: str) -> tuple[str, str, list[str]]:
    """The script's head before and after its boundary, and every line that may follow."""
    user = () if become_user == "root" else ("-u", become_user)
    empty = compose((), boundary=_BOUNDARY, window=0.0).decode()
    head = empty[: empty.index("nh_mark done")]
    known: dict[str, None] = {}
    for policy in [Policy(), *policies]:
        commands = _commands(policy)
        for sudo in ((), ("sudo", "-n", *user)):
            for window in (0.0, _WINDOW):
                script = compose(commands, boundary=_BOUNDARY, window=window, sudo=sudo).decode()
                # splitlines() would split at characters that do not end a line in a shell.
                known.update(dict.fromkeys(script.removeprefix(head).split("\n")))
    before, _, after = head.partition(_BOUNDARY)
    return before, after, list(known)


def _commands(policy: Policy) -> list[Command]:
    commands = [
        command for probe in all_probes().values() for command in probe.commands_for(policy)
    ]
    for command in commands:
        if "\n" in f"{command.name}{command.shell}{command.skip_if}":
            raise ValueError(
                f"section {command.name}: its command is of several lines: {command.shell!r}"
            )
    return commands

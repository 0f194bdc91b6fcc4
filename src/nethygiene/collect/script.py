"""The one script that a host is sent: the commands of the probes, in frames that none can forge.

The script is POSIX sh (dash, bash, busybox ash) and travels on standard input: an argument
would end at 128 KiB, and would show the boundary in the process list. It writes no file and
leaves no process.
"""

from __future__ import annotations

import math
import secrets
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from nethygiene.collect.command import LONGEST_WINDOW, REFUSED, Command
from nethygiene.collect.shell_file import Verbatim, many_lines

_PRELUDE = Path(__file__).with_name("prelude.sh")


AS_ROOT = ("sudo", "-n")
"""The words by which an ordinary login runs a command as root."""


# The script sleeps this many seconds at a time, at most. After each sleep it writes a line break
# between sections, and so ends if its connection is gone, which a long window would outlive.
_SLEEP = 5.0


def new_boundary() -> str:
    """A boundary that nobody can guess: 128 random bits."""
    return f"nethygiene-{secrets.token_hex(16)}"


def sent_sections(
    commands: Iterable[Command], window: float, longest: float = LONGEST_WINDOW
) -> tuple[str, ...]:
    """The names of the sections that the script for these commands and this window fills."""
    ends = ("@first", "@last") if window > 0 else ("@last",)
    return tuple(
        f"{command.name}{end}"
        for command in commands
        if not command.prolongs or 0 < window < longest
        for end in (ends if command.sampled else ("",))
    )


def longest_window(
    commands: Iterable[Command], window: float, longest: float = LONGEST_WINDOW
) -> float:
    """Seconds that the script for these commands and this window may take for the window."""
    prolongs = 0 < window < longest and any(command.prolongs for command in commands)
    return longest if prolongs else window


def compose(
    commands: Iterable[Command],
    *,
    boundary: str,
    window: float,
    longest: float = LONGEST_WINDOW,
    sudo: Sequence[str] = (),
) -> bytes:
    """Write the script.

    Args:
        commands: what to run, in this order; the sampled ones run at both ends of the window,
            and the others meanwhile.
        boundary: from :func:`new_boundary`.
        window: seconds between the samples; 0 takes one sample alone.
        longest: seconds until which a suspicion may prolong the window.
        sudo: the words put before privileged commands, as ``("sudo", "-n")``.

    Returns:
        The script, for the standard input of ``/bin/sh -s``.
    """
    commands = list(commands)
    # One command at most: the script has one function for it.
    prolonging = [command for command in commands if command.prolongs and 0 < window < longest]
    watch = prolonging[0] if prolonging else None
    commands = [command for command in commands if not command.prolongs]
    sampled = [command for command in commands if command.sampled]
    prefix = "".join(f"{shlex.quote(word)} " for word in sudo)
    if tuple(sudo) == AS_ROOT:
        # Root needs no sudo, and its host may well have none.
        prefix = "$nh_sudo "
    lines = [many_lines(_PRELUDE, BOUNDARY=boundary, REFUSED=Verbatim(REFUSED))]
    if prefix == "$nh_sudo ":
        lines.append(f"nh_sudo='{' '.join(AS_ROOT)}'\n")
        lines.append('[ "$(id -u 2>/dev/null)" = 0 ] && nh_sudo=\n')
    if any(command.user is not None for command in commands):
        # `id` runs once, and only if something depends on it: each command costs a host some ms.
        lines.append(f"nh_me=$(id -un 2>/dev/null) nh_become={'sudo' if sudo else ''}\n")
    if sampled and window > 0:
        if watch is not None:
            lines.append(f"nh_suspects() {{ {watch.shell}; }}\n")
        lines += [_run(command, f"{command.name}@first", prefix) for command in sampled]
        if watch is not None:
            # It runs between the samples: they have counted all that it counts.
            lines.append("nh_before=$(nh_suspects </dev/null 2>/dev/null 4>&-)\n")
        # The other commands run inside the window; `wait` lasts until both are over.
        parts = math.ceil(window / _SLEEP)
        lines.append(f"nh_parts={parts} nh_part={window / parts:.6g}\n")
        lines.append('sleep "$nh_part" </dev/null >/dev/null 2>&1 4>&- & nh_window=$!\n')
    lines += [_run(command, command.name, prefix) for command in commands if not command.sampled]
    if sampled and window > 0:
        # Without a distance in time, the samples would find that no counter rose.
        lines.append("if wait $nh_window && nh_rest; then :\n")
        if watch is not None:
            lines.append(f"nh_prolong {shlex.quote(watch.name)} {math.ceil(longest)}\n")
        lines += [_run(command, f"{command.name}@last", prefix) for command in sampled]
        lines.append("else :\n")
        lost = [f"{command.name}@last" for command in sampled]
        lost += [] if watch is None else [watch.name]
        lines += [f"nh_lost {shlex.quote(name)}\n" for name in lost]
        lines.append("fi\n")
    else:
        lines += [_run(command, f"{command.name}@last", prefix) for command in sampled]
    lines.append("nh_mark done\nexit 0\n")
    return "".join(lines).encode()


def _run(command: Command, section: str, prefix: str) -> str:
    limits = f"{shlex.quote(section)} {command.seconds} {command.cap}"
    if command.user is not None:
        return f"nh_run_as {limits} {shlex.quote(command.user)} {command.shell}\n"
    before = prefix if command.privileged else ""
    run = f"nh_run {limits} {before}{command.shell}\n"
    if command.small and not before:
        run = f"nh_run_small {shlex.quote(section)} {command.shell}\n"
    if not command.skip_if:
        return run
    test = f"{{ {command.skip_if}; }} </dev/null >/dev/null 2>&1"
    skipped = f"nh_mark begin {shlex.quote(section)}; nh_mark end {shlex.quote(section)} 0"
    return f"if {test}; then {skipped}\nelse {run}fi\n"

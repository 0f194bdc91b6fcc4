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

from nethygiene.collect.command import LONGEST_WINDOW, REFUSED, Command

# Each section is framed on both streams by a line that starts with the run's boundary. No
# command can write it: it is in no argument, no environment and no file.
#
# $(...) carries the exit statuses on descriptor 3, past the pipe that caps the output. The status
# of `head` is reported if it fails: a host without `head` would leave an empty section.
#
# `set +a` and `unset` serve a login whose shell exports all, or has a variable of that name.
_PRELUDE = """\
set +a
unset nh
nh=BOUNDARY
unset LANGUAGE BASH_ENV ENV CDPATH GREP_OPTIONS GREP_COLOR GREP_COLORS
LC_ALL=C PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec 4>&1
nh_limit=
timeout 9 true 2>/dev/null && nh_limit='timeout -s KILL'
nh_mark() {
  printf '\\n%s %s\\n' "$nh" "$*" >&4
  printf '\\n%s %s\\n' "$nh" "$*" >&2
}
nh_run() {
  nh_mark begin "$1"
  nh_name=$1 nh_seconds=$2 nh_cap=$3
  shift 3
  nh_status=$({
    {
      ${nh_limit:+$nh_limit $nh_seconds} "$@" </dev/null 3>&- 4>&-
      echo $? >&3
    } | head -c "$nh_cap" 3>&- >&4 || echo head $? >&3
  } 3>&1)
  nh_mark end "$nh_name" $nh_status
}
nh_run_small() {
  nh_mark begin "$1"
  nh_name=$1
  shift
  "$@" </dev/null 4>&-
  nh_mark end "$nh_name" $?
}
nh_run_as() {
  nh_name=$1 nh_seconds=$2 nh_cap=$3 nh_user=$4
  shift 4
  if [ "$nh_me" = "$nh_user" ]; then
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" "$@"
  elif [ "$nh_me" = root ] && command -v runuser >/dev/null 2>&1; then
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" runuser -u "$nh_user" -- "$@"
  elif [ "$nh_me" = root ]; then
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" \
      su -s /bin/sh -c 'LC_ALL=C exec "$@"' -- "$nh_user" sh "$@"
  elif [ -n "$nh_become" ]; then
    nh_run "$nh_name" "$nh_seconds" "$nh_cap" sudo -n -u "$nh_user" "$@"
  elif [ -z "$nh_me" ]; then
    nh_mark begin "$nh_name"
    echo "id: not found, so that who is logged in cannot be told" >&2
    nh_mark end "$nh_name" 127
  else
    nh_mark begin "$nh_name"
    echo "REFUSED$nh_me" >&2
    nh_mark end "$nh_name" 1
  fi
}
nh_rest() {
  while [ "$nh_parts" -gt 1 ]; do
    nh_parts=$((nh_parts - 1))
    printf '\\n' >&4 || exit 1
    sleep "$nh_part" </dev/null >/dev/null 2>&1 4>&- || return
  done
}
nh_prolong() {
  nh_mark begin "$1"
  nh_left=$2
  while [ "$nh_left" -gt 0 ]; do
    nh_left=$((nh_left - 1))
    nh_why=$(printf '%s\\n' "$nh_before" | nh_suspects 2>/dev/null 4>&-) || break
    [ -n "$nh_why" ] || break
    printf '%s\\n' "$nh_why" || exit 1
    sleep 1 </dev/null >/dev/null 2>&1 4>&- || break
  done
  nh_mark end "$1" 0
}
nh_lost() {
  nh_mark begin "$1"
  echo "sleep: it failed, so that there was no window" >&2
  nh_mark end "$1" 127
}
"""


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
    first = _PRELUDE.replace("BOUNDARY", boundary).replace("REFUSED", REFUSED)
    lines = [first]
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

"""The forced command for a dedicated key: a login that can run the audit's script, nothing else.

It stands in ``authorized_keys`` as ``restrict,command="FILE"``. sshd then runs it in place of what
the client asks for. It compares the script that it is sent with the one that this version of
nethygiene sends, line by line, and runs it only if each line is known. A thief of the key can
therefore read what the audit reads, and change nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from string import Template

from nethygiene import __version__
from nethygiene.collect.command import REFUSED, Command
from nethygiene.collect.script import compose
from nethygiene.engine.catalogue import all_probes
from nethygiene.inventory.policy import Policy

# These two differ from run to run; the program checks their characters.
_BOUNDARY = "BOUNDARY"
_WINDOW = 9.0


class _Program(Template):
    delimiter = "@"


# POSIX sh and its builtins decide, so that neither a missing tool nor a PATH can let a line pass.
_PROGRAM = _Program(r"""#!/bin/sh
# The forced command of the key that audits. To install it on a host:
#   install -m 0755 -o root -g root FILE /usr/local/bin/nethygiene-audit
# and in authorized_keys:
#   restrict,command="/usr/local/bin/nethygiene-audit" ssh-ed25519 AAAA... nethygiene
# It runs the script that nethygiene @version sends, and nothing else. Make it again after an
# upgrade, and when what the inventory declares for this host changes:
#   nethygiene forced-command@options
PATH=/usr/bin:/bin LC_ALL=C
export PATH LC_ALL
unset ENV BASH_ENV
newline='
'
refuse() {
  printf '%s\n' "@refused$*" >&2
  exit 126
}
is_hex() {
  case $1 in '' | *[!0-9a-f]*) return 1 ;; esac
}

# paramiko asks for the first; ssh for the second, and waits for its last word to come back.
case ${SSH_ORIGINAL_COMMAND-} in
'/bin/sh -s') ;;
*' nethygiene-'*)
  nonce=${SSH_ORIGINAL_COMMAND##* nethygiene-}
  is_hex "$nonce" || refuse 'this key is for the audit alone'
  printf 'nethygiene-%s\n' "$nonce"
  IFS= read -r command || exit 125
  [ "$command" = '/bin/sh -s' ] || refuse 'this key is for the audit alone'
  ;;
*) refuse 'this key is for the audit alone' ;;
esac

stale='the forced command is not of the nethygiene that asks'
# No known script is as long as this limit: a thief of the key must not fill the memory either.
script=$(head -c @most && echo .) || refuse 'the script cannot be read'
script=${script%.}
[ ${#script} -lt @most ] || refuse 'the script is longer than any audit'
before=@before
after=@after
known=@known

case $script in "$before"nethygiene-*) ;; *) refuse "$stale" ;; esac
rest=${script#"$before"nethygiene-}
is_hex "${rest%%"$newline"*}" || refuse 'the script has no valid boundary'
rest=$newline${rest#*"$newline"}
case $rest in "$after"*) ;; *) refuse "$stale" ;; esac
# A variable, because in a here-document dash takes the inner quotes for a part of the pattern.
body=${rest#"$after"}
checked=
seen=$newline
while IFS= read -r line; do
  case $line in '' | fi) continue ;; esac
  # Each line may come once, and no sleep is long: a thief could leave thousands in the background.
  case $seen in *"$newline$line$newline"*) refuse "a line comes twice: $line" ;; esac
  seen=$seen$line$newline
  case $known in *"$newline$line$newline"*) continue ;; esac
  case $line in
  'nh_parts='*)
    parts=${line#nh_parts=} part=${line##*=}
    parts=${parts%%' '*}
    case $parts in
    '' | *[!0-9]*) ;;
    *)
      case $part in
      *[!0-9.]*) ;;
      [0-5] | [0-4].*) [ "$line" = "nh_parts=$parts nh_part=$part" ] && continue ;;
      esac
      ;;
    esac
    ;;
  esac
  refuse "$stale, or what its inventory declares is newer; first strange line: $line"
done <<SCRIPT && checked=yes
$body
SCRIPT
[ "$checked" = yes ] || refuse 'the script could not be checked'
printf '%s' "$script" | /bin/sh -s
""")


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
    return _PROGRAM.substitute(
        version=__version__,
        options=options,
        refused=REFUSED,
        before=shlex.quote(before),
        after=shlex.quote(after),
        known=shlex.quote("\n".join(["", *known, ""])),
        most=4 * len("\n".join([before, after, *known]).encode()),
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

"""A command that a host is sent, how far it may go, and what its answer holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_SHOWN = 60
DEFAULT_CAP = 4 * 1024 * 1024
LONGEST_WINDOW = 10.0
"""Seconds until which a suspicion may prolong the window, where it was not asked to be longer."""


Holds = Literal[
    "addresses",
    "sockets",
    "interfaces",
    "configuration",
    "log",
    "ssh processes",
    "ssh configuration",
    "nft",
    "iptables",
    "virtual servers",
    "traffic control",
]
"""What an answer holds that names somebody; ``addresses`` at most, or the listing that it is."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a probe; its output becomes the section of the same name.

    Attributes:
        name: name of the section, unique among all probes.
        shell: one simple command in POSIX sh (dash, bash and busybox ash alike). The script's
            shell expands its globs; anything longer is spelt ``sh -c '...'``.
        privileged: needs root; with become it is run by ``sudo -n``, and so must hold no
            glob and no quoting: it stands in the sudoers file word for word.
        user: whose command it is: run directly where the login is that user, by `runuser` or `su`
            where it is root, by ``sudo -n -u USER`` with become. Otherwise it does not run, and
            is unreadable. Names from a policy have to be quoted in `shell`.
        sampled: run at both ends of the window, as the sections NAME@first and NAME@last;
            with `--since`, NAME@since is the last one of an earlier run.
        seconds: time limit on the host.
        cap: bytes of standard output that are kept.
        small: it only asks the kernel for a bounded answer: it can neither hang nor flood. Then no
            processes are spent on limits on the host (they cost more than the command itself); the
            connection's own deadline and caps hold all the same.
        skip_if: a condition in POSIX sh that proves that there is nothing to see: the command is
            not run then (it would load a module, or create what it lists), and its section is
            empty. Where the condition itself fails, the command is run.
        prolongs: it tells whether the window shall go on. It is run as the window begins, with
            nothing on its standard input, and what it prints is given to it once the window is
            over: as long as it then prints something, which is its section, the window goes on,
            until LONGEST_WINDOW is over.
        title: how messages name it, where its text says little.
        holds: what stands in the output that would name the host, its networks or its people: how
            evidence is redacted. Without it, redacted evidence leaves the section out.
    """

    name: str
    shell: str
    privileged: bool = False
    user: str | None = None
    sampled: bool = False
    seconds: int = 10
    cap: int = DEFAULT_CAP
    small: bool = False
    skip_if: str = ""
    prolongs: bool = False
    title: str = ""
    holds: Holds | None = None

    @property
    def shown(self) -> str:
        """The command as messages name it: by its title, or its beginning where it is long."""
        if self.title:
            return self.title
        return self.shell if len(self.shell) <= _SHOWN else f"{self.shell[:_SHOWN]}…"

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of the sections that it fills."""
        if not self.sampled:
            return (self.name,)
        return (f"{self.name}@since", f"{self.name}@first", f"{self.name}@last")


REFUSED = "nethygiene: "
"""Begins what the script says on standard error where it did not run a command of a user."""

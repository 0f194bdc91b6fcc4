"""A command that a host is sent, how far it may go, and what its answer holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_SHOWN = 60
DEFAULT_CAP = 4 * 1024 * 1024
LONGEST_WINDOW = 10.0
"""Seconds. A suspicion may prolong the window to this, unless the user asks for a longer one."""

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
    "keepalived",
]
"""What in an answer identifies somebody: addresses alone, or the kind of listing that it is."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a probe; its output becomes the section of the same name.

    Attributes:
        name: name of the section, unique among all probes.
        shell: one simple command in POSIX sh (dash, bash and busybox ash alike). The script's
            shell expands its globs; anything longer is spelt ``sh -c '...'``.
        privileged: it needs root; with become it is run by ``sudo -n``. It stands in the sudoers
            file word for word, and so must hold no glob and no quoting.
        user: the user it runs as: directly if the login is that user, by `runuser` or `su` if the
            login is root, by ``sudo -n -u USER`` with become. Otherwise it does not run, and its
            section is unreadable. Names from a policy have to be quoted in `shell`.
        sampled: run at both ends of the window, as the sections NAME@first and NAME@last;
            with `--since`, NAME@since is the last one of an earlier run.
        seconds: time limit on the host.
        cap: bytes of standard output that are kept.
        small: it only asks the kernel for a bounded answer: it can neither hang nor flood. It then
            runs without limits on the host (they cost more than the command itself); the
            connection's own deadline and caps hold all the same.
        skip_if: a condition in POSIX sh that proves that there is nothing to see. If it holds, the
            command does not run (it would load a module, or create what it lists), and its
            section is empty. If the condition itself fails, the command runs.
        prolongs: it decides whether the window goes on. It runs as the window begins, with empty
            standard input, and again when the window is over, with its first output on standard
            input. While it prints something, which is its section, the window goes on, until
            LONGEST_WINDOW is over.
        title: how messages name it, if its text says little.
        holds: what in the output identifies the host, its networks or its people. Redaction
            depends on it; redacted evidence has no section of a command without it.
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
"""The script's message on standard error begins so if it does not run a command of a user."""

"""What a probe is: commands to run on a host, and a pure function from their output to a fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nethygiene.facts.fact import Fact
from nethygiene.outcomes import Reason, Unreadable
from nethygiene.transcript import Cut, Section

_SHOWN = 60
DEFAULT_CAP = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a probe; its output becomes the section of the same name.

    Attributes:
        name: name of the section, unique among all probes.
        shell: one simple command in POSIX sh (dash, bash and busybox ash alike). The script's
            shell expands its globs; anything longer is spelt ``sh -c '...'``.
        privileged: needs root; with become it is run by ``sudo -n``, and so must hold no
            glob and no quoting: it stands in the sudoers file word for word.
        sampled: run at both ends of the window, as the sections NAME@first and NAME@last;
            with `--since`, NAME@since is the last one of an earlier run.
        seconds: time limit on the host.
        cap: bytes of standard output that are kept.
    """

    name: str
    shell: str
    privileged: bool = False
    sampled: bool = False
    seconds: int = 10
    cap: int = DEFAULT_CAP

    @property
    def shown(self) -> str:
        """The command as messages name it: its beginning, where it is long."""
        return self.shell if len(self.shell) <= _SHOWN else f"{self.shell[:_SHOWN]}…"

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of the sections that it fills."""
        if not self.sampled:
            return (self.name,)
        return (f"{self.name}@since", f"{self.name}@first", f"{self.name}@last")


Sections = Mapping[str, Section | Unreadable]
"""A probe's sections by name; one that did not come back whole is an Unreadable."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Brings one fact. Its name is the argument by which a rule asks for the fact.

    Attributes:
        name: the argument's name.
        version: raised when the commands change so that old output can no longer be parsed.
        commands: what is run on the host.
        parse: pure function from the sections to the fact. It must not raise for any bytes.
    """

    name: str
    version: int
    commands: tuple[Command, ...]
    parse: Callable[[Sections], Fact | Unreadable]


def whole(command: Command, section: Section | None) -> Section | Unreadable:
    """The section if its command ran to its end, else why it cannot be believed.

    A non-zero exit status is left to the parser, for some commands use it to talk.
    """
    source = command.shown
    if section is None:
        return Unreadable(
            Reason.NOT_COLLECTED, source, "not in the transcript: evidence older than the rule"
        )
    stderr = section.stderr.decode("utf-8", "replace").strip()
    last = stderr.splitlines()[-1][:200] if stderr else ""
    if section.cut is Cut.TIMEOUT or section.status in {124, 137}:
        return Unreadable(
            Reason.TIMEOUT, source, f"did not end within {command.seconds} s on the host"
        )
    if section.cut is Cut.CAP or len(section.stdout) >= command.cap:
        return Unreadable(Reason.CUT_OFF, source, f"more output than {command.cap} bytes")
    if section.cut is not None or section.status is None:
        return Unreadable(Reason.CUT_OFF, source, "the connection ended before the command did")
    # With status 0 it only grumbled, as in "sudo: unable to resolve host".
    if command.privileged and section.status != 0 and stderr.startswith("sudo:"):
        return Unreadable(Reason.PERMISSION, source, f"sudo refused: {last}")
    if section.status in {126, 127}:
        return Unreadable(Reason.TOOL_MISSING, source, last or "command not found")
    return section


def refused(command: Command, section: Section) -> Unreadable:
    """Why a command that ended with a non-zero status cannot be believed."""
    stderr = section.stderr.decode("utf-8", "replace").strip()
    last = stderr.splitlines()[-1][:200] if stderr else "no message"
    permission = "ermission denied" in last or "not permitted" in last
    reason = Reason.PERMISSION if permission else Reason.COMMAND_FAILED
    return Unreadable(reason, command.shown, f"exit status {section.status}: {last}")

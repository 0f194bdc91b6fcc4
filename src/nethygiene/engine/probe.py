"""Probes: commands to run on a host, and a pure function from their output to a fact."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from nethygiene.collect.command import REFUSED, Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.inventory.policy import Policy
from nethygiene.transcript import Cut, Section

T = TypeVar("T")


Sections = Mapping[str, Section | Unreadable]
"""A probe's sections by name; a section that is missing or cut is an Unreadable."""


def _nothing_more(_policy: Policy) -> tuple[Command, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Probe:
    """Reads one fact. Its name is the argument by which a rule asks for the fact.

    Attributes:
        name: the argument's name.
        version: raised when the commands change so that old output can no longer be parsed.
        commands: the commands to run on the host.
        parse: pure function from the sections to the fact. It must not raise for any bytes.
        declared: further commands for items that the host's policy declares. Their sections have
            the item's name in theirs: ``tunnel_config:to-cloud``, by :func:`item_section`.
    """

    name: str
    version: int
    commands: tuple[Command, ...]
    parse: Callable[[Sections], Fact | Unreadable]
    declared: Callable[[Policy], tuple[Command, ...]] = _nothing_more

    def commands_for(self, policy: Policy) -> tuple[Command, ...]:
        """The commands to run on a host of this policy."""
        return self.commands + self.declared(policy)


def item_section(kind: str, item: str) -> str:
    """The name of a declared item's section: printable ASCII without spaces."""
    return f"{kind}:{quote(item, safe=':@/+.-_')}"


def whole(command: Command, section: Section | None) -> Section | Unreadable:
    """The section if its command ran to its end, otherwise why it is unreadable.

    A non-zero exit status is left to the parser: it may be an answer.
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
    # With status 0 sudo only warned, as in "sudo: unable to resolve host".
    asked_sudo = command.privileged or command.user is not None
    if asked_sudo and section.status != 0 and stderr.startswith("sudo:"):
        option = "" if command.user is None else " --inventory=FILE"
        detail = (
            f"sudo refused: {last.removeprefix('sudo: ')}: install the sudoers file that "
            f"`nethygiene sudoers --user LOGIN{option}` prints"
        )
        if "tty" in last:
            detail += ", and take away the # before its !requiretty"
        return Unreadable(Reason.PERMISSION, source, detail)
    if command.user is not None and section.status != 0 and stderr.startswith(REFUSED):
        detail = (
            f"has to run as {command.user}, and we are {stderr.removeprefix(REFUSED)[:100]}: log "
            "in as that user or as root, or use ansible_become with the sudoers file that "
            "`nethygiene sudoers --user LOGIN --inventory=FILE` prints"
        )
        return Unreadable(Reason.PERMISSION, source, detail)
    if section.status in {126, 127}:
        return Unreadable(Reason.TOOL_MISSING, source, last or "command not found")
    return section


def hidden(command: Command, section: Section, place: str) -> Unreadable:
    """Why a command that ran shows nothing of a place where every host has something."""
    stderr = section.stderr.decode("utf-8", "replace")
    if "ermission denied" in stderr:
        detail = "Permission denied: log in as root, or as a user that may read it"
        return Unreadable(Reason.PERMISSION, place, detail)
    if "o such file" in stderr:
        detail = (
            "nothing of it can be seen: it is masked, as in some containers, or /proc is mounted "
            "with subset=pid; audit the host from outside of it"
        )
        return Unreadable(Reason.ABSENT, place, detail)
    return refused(command, section)


def refused(command: Command, section: Section) -> Unreadable:
    """Why the section of a command that ended with a non-zero status is unreadable."""
    stderr = section.stderr.decode("utf-8", "replace").strip()
    last = stderr.splitlines()[-1][:200] if stderr else "no message"
    if "BusyBox v" in stderr:
        detail = "busybox's own tool cannot do that: install the full one (ip is of iproute2)"
        return Unreadable(Reason.TOOL_MISSING, command.shown, detail)
    permission = "ermission denied" in last or "not permitted" in last
    reason = Reason.PERMISSION if permission else Reason.COMMAND_FAILED
    return Unreadable(reason, command.shown, f"exit status {section.status}: {last}")


class NoListingError(ValueError):
    """Output that a parser cannot read, for a reason other than its form."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


def read_listing(
    section: Section | Unreadable, command: Command, parse: Callable[[str], T]
) -> T | Unreadable:
    """The listing of a command, by a parser that raises ValueError for a text it cannot read."""
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        return refused(command, section)
    try:
        return parse(section.stdout.decode("utf-8", "replace"))
    except NoListingError as error:
        return Unreadable(error.reason, command.shown, str(error))
    except ValueError as error:
        return Unreadable(Reason.UNPARSABLE, command.shown, str(error))

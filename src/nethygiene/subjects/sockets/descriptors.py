"""How many file descriptors each process has open, and how many it may open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.lines import file_lines
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections
from nethygiene.inventory.policy import Policy
from nethygiene.transcript import Section

_CAP_SYS_PTRACE = 1 << 19


@dataclass(frozen=True, slots=True)
class ProcessDescriptors:
    """One process.

    Attributes:
        uid: its owner; /proc says root if the login may not trace the process.
        count: its open descriptors; None if neither the kernel (before Linux 6.2) nor the login's
            rights show them.
        table: the size of its table of descriptors, which is no less than are open; None if the
            kernel shows the count.
        soft_limit: how many it may open.
    """

    uid: int
    count: int | None
    table: int | None
    soft_limit: int


@dataclass(frozen=True)
class Descriptors(Fact):
    """The processes that the login can see in /proc.

    Attributes:
        _processes: by process id.
        uid: the login's.
        may_trace: the login has CAP_SYS_PTRACE, and so sees the descriptors of all processes.
    """

    _processes: Mapping[int, ProcessDescriptors]
    uid: int
    may_trace: bool

    def of(self, pid: int) -> ProcessDescriptors:
        """One process; unreadable if /proc does not show it."""
        process = self._processes.get(pid)
        if process is None:
            detail = (
                "not to be seen: it has ended meanwhile, or /proc is mounted with hidepid: log in "
                "as root, or as a member of the group in its option gid="
            )
            self.ledger.cannot_read(Unreadable(Reason.PERMISSION, f"/proc/{pid}/limits", detail))
        shown = "more" if process.count is None else str(process.count)
        self.ledger.read(f"descriptors of process {pid}", f"/proc/{pid}/fd", shown)
        return process


_STAT = re.compile(r"/proc/(self|\d{1,10})/fd (\d{1,10}) (\d{1,10})", re.ASCII)
_COUNTED = re.compile(r"/proc/(\d{1,10})/fd/ (\d{1,10})", re.ASCII)


def parse(sections: Sections) -> Descriptors | Unreadable:
    """Parse what the command's three parts say, each line naming its process."""
    section = sections.get(DESCRIPTORS.name)
    if section is None:
        return Unreadable(Reason.NOT_COLLECTED, DESCRIPTORS.shown, "no service is declared")
    if isinstance(section, Unreadable):
        return section
    lines = section.stdout.decode("utf-8", "replace").split("\n")
    sizes = {match[1]: match for match in map(_STAT.fullmatch, lines) if match}
    own = sizes.pop("self", None)
    if own is None:
        return Unreadable(Reason.TOOL_MISSING, "stat -c", "it did not tell of its own descriptors")
    # Before Linux 6.2 the directory's size is 0 (commit f1f1f2569901).
    size_is_count = own[2] != "0"
    rights = re.search(
        r"^/proc/self/status:CapEff:\s*([0-9a-f]{1,16})$", "\n".join(lines), re.MULTILINE
    )
    if rights is None:
        return Unreadable(Reason.TOOL_MISSING, "grep", "it did not tell of its own rights")
    counted = {match[1]: int(match[2]) for match in map(_COUNTED.fullmatch, lines) if match}
    limits = dict(_in_files(section, "limits", r"open files +(\d{1,20})"))
    tables = dict(_in_files(section, "status", r"FDSize:\s*(\d{1,10})"))
    processes = {
        int(pid): ProcessDescriptors(
            uid=int(match[3]),
            count=int(match[2]) if size_is_count else counted.get(pid),
            table=int(tables[pid]) if pid in tables else None,
            soft_limit=int(limits[pid]),
        )
        for pid, match in sizes.items()
        if pid in limits
    }
    return Descriptors(processes, int(own[3]), bool(int(rights[1], 16) & _CAP_SYS_PTRACE))


def _in_files(section: Section, file: str, pattern: str) -> Iterator[tuple[str, str]]:
    for path, text in file_lines(section):
        parts = path.split("/")
        match = re.fullmatch(pattern, text, re.ASCII)
        if match and len(parts) == 4 and parts[3] == file and parts[2].isdecimal():
            yield parts[2], match[1]


def _where_declared(policy: Policy) -> tuple[Command, ...]:
    # Each process costs the host some 20 us, so run it only if a rule may ask.
    return (DESCRIPTORS,) if policy.services else ()


DESCRIPTORS = Command(
    "descriptors",
    sh_c(Path(__file__).with_name("descriptors.sh")),
    seconds=20,
    title="stat and grep in /proc/[0-9]*",
    holds="addresses",
)
PROBE = Probe("descriptors", 1, (), parse, declared=_where_declared)

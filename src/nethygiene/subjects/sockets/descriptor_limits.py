"""How near processes, and the host, are to the descriptors that they may open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nethygiene.engine.expect import unknown
from nethygiene.engine.remedies import command, paragraphs, word
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.descriptors import Descriptors
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listener

_AMPLE = 65536
# fs.nr_open, the most that any limit can be unless that is raised.
_NR_OPEN = 1048576
_ROOT = "log in as root, or allow `ss -lntp` by ansible_become and sudo"


@dataclass(frozen=True, slots=True)
class DescriptorUse:
    """Descriptors in use, and how many there may be.

    Attributes:
        what: what was counted, and for whom.
        used: the number, or an upper bound of it.
        limit: how many there may be.
        pid: the process; None for the host.
    """

    what: str
    used: int
    limit: int
    pid: int | None = None

    @property
    def nine_tenths(self) -> int:
        """The largest number that passes."""
        return self.limit * 9 // 10


def descriptors_of_host(sysctl: Sysctls) -> DescriptorUse:
    """The open files of the whole host; fs.file-nr holds used, 0, and the limit."""
    text = sysctl.text("fs.file-nr")
    match = re.fullmatch(r"(\d{1,20})\s+\d{1,20}\s+(\d{1,20})", text, re.ASCII)
    if match is None:
        unknown(f"fs.file-nr is not three numbers: {text[:80]!r}")
    return DescriptorUse("number of open files (fs.file-nr)", int(match[1]), int(match[2]))


def descriptors_of_listeners(
    sockets: Iterable[Listener], owners: ListenerOwners, descriptors: Descriptors
) -> Iterator[DescriptorUse]:
    """Each process that holds one of the sockets, masters and workers.

    After these, the rule ends as unknown if a process, or its number of descriptors, cannot be
    seen. So the failures of the others stand.
    """
    processes = dict.fromkeys(owner for socket in sockets for owner in owners.at(str(socket)))
    blind: list[str] = []
    others = False
    for owner in processes:
        pid = owner.pid
        process = descriptors.of(pid)
        others = others or process.uid != descriptors.uid
        limit = process.soft_limit
        if process.count is not None:
            yield DescriptorUse(
                f"number of open descriptors of {owner}", process.count, limit, owner.pid
            )
        elif process.table is not None and process.table * 10 <= limit * 9:
            # Before Linux 6.2 others see only the table, which is no smaller than what is open.
            yield DescriptorUse(f"room for descriptors of {owner}", process.table, limit, pid)
        else:
            blind.append(f"{owner} has room for {process.table} and may open {limit}")
    if blind:
        why = "before Linux 6.2 only root sees how many are open: log in as root"
        unknown(f"{', '.join(blind)}: {why}")
    if not (others or descriptors.may_trace):
        unknown(f"other users' processes on the same sockets cannot be seen: {_ROOT}")


def raise_limit(use: DescriptorUse, listener: Listener) -> str:
    """The remedy of a process near its limit: a higher limit now, and after its next start."""
    limit = max(_AMPLE, 2 * use.limit)
    if limit > _NR_OPEN:
        return (
            f"{use.limit} descriptors are as many as a service ever needs: see what it holds "
            f"open, `ls -l /proc/{use.pid}/fd`, and fix the leak."
        )
    # The soft limit may rise to the hard limit without any capability. To raise the hard limit
    # takes a capability that containers lack.
    hard = f"$(prlimit --pid {use.pid} --nofile --noheadings --output HARD | tr -d ' ')"
    now = command(f'prlimit --pid {use.pid} --nofile="{hard}:"')
    advice = (
        "Let it open as many as its hard limit allows, at once; where it leaks them, fix the "
        "application."
    )
    if not listener.unit:
        return paragraphs(
            advice,
            now,
            f"Give it a limit of {limit} where it is started as well (`LimitNOFILE={limit}` in a "
            f"unit, `ulimit -n {limit}` in a script).",
        )
    folder = word(f"/etc/systemd/system/{listener.unit}.d")
    drop_in = word(f"/etc/systemd/system/{listener.unit}.d/limit-nofile.conf")
    return paragraphs(
        advice,
        now,
        f"For its next start, in a file of {listener.unit}:",
        "\n".join(
            [
                command(f"mkdir -p {folder}"),
                command(rf"printf '[Service]\nLimitNOFILE={limit}\n' > {drop_in}"),
                command("systemctl daemon-reload"),
            ]
        ),
    )

"""How near processes, and the host, are to the descriptors that they may open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nethygiene.probes.descriptors import Descriptors
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.probes.listeners import Listener
from nethygiene.probes.sysctl import Sysctls
from nethygiene.rules.expect import unknown

_ROOT = "log in as root, or allow `ss -lntp` by ansible_become and sudo"


@dataclass(frozen=True, slots=True)
class DescriptorUse:
    """Descriptors in use, and how many there may be.

    Attributes:
        what: whose, and what was counted.
        used: the number, or no less than it.
        limit: how many there may be.
    """

    what: str
    used: int
    limit: int

    @property
    def nine_tenths(self) -> int:
        """The most that is well."""
        return self.limit * 9 // 10


def descriptors_of_host(sysctl: Sysctls) -> DescriptorUse:
    """The open files of the whole host: fs.file-nr is used, 0, and at most."""
    text = sysctl.text("fs.file-nr")
    match = re.fullmatch(r"(\d{1,20})\s+\d{1,20}\s+(\d{1,20})", text, re.ASCII)
    if match is None:
        unknown(f"fs.file-nr is not three numbers: {text[:80]!r}")
    return DescriptorUse("open files (fs.file-nr)", int(match[1]), int(match[2]))


def descriptors_of_listeners(
    sockets: Iterable[Listener], owners: ListenerOwners, descriptors: Descriptors
) -> Iterator[DescriptorUse]:
    """Each process that holds one of the sockets, master and workers alike.

    Ends the rule as unknown where one cannot be seen, or how many it has open; after those
    that can be judged, so that their failures stand.
    """
    processes = dict.fromkeys(name for socket in sockets for name in owners.at(str(socket)))
    blind: list[str] = []
    others = False
    for name in processes:
        process = descriptors.of(int(name.rpartition("(pid ")[2].rstrip(")")))
        others = others or process.uid != descriptors.uid
        limit = process.soft_limit
        if process.count is not None:
            yield DescriptorUse(f"open descriptors of {name}", process.count, limit)
        elif process.table is not None and process.table * 10 <= limit * 9:
            # Linux before 6.2, seen by others: the table is no smaller than what is open.
            yield DescriptorUse(f"room for descriptors of {name}", process.table, limit)
        else:
            blind.append(f"{name} has room for {process.table} and may open {limit}")
    if blind:
        why = "before Linux 6.2 only root sees how many are open: log in as root"
        unknown(f"{', '.join(blind)}: {why}")
    if not (others or descriptors.may_trace):
        unknown(f"other users' processes on the same sockets cannot be seen: {_ROOT}")

"""Which process holds which listening TCP port; other users' processes need privilege."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nethygiene.facts.fact import Fact
from nethygiene.outcomes import Unreadable
from nethygiene.probes.base import Command, Probe, Sections


@dataclass(frozen=True)
class ListenerOwners(Fact):
    """The processes behind listening ports: names for messages, never for a verdict.

    So it is empty, not unreadable, where nothing could be seen.

    Attributes:
        names: port to process names with their ids, as ``nginx (pid 812)``. A port that is not
            in it belongs to a process that could not be seen.
    """

    names: Mapping[int, tuple[str, ...]]

    def of(self, port: int) -> tuple[str, ...]:
        """The processes that listen on `port`; empty where they could not be seen."""
        return self.names.get(port, ())


_PORT = re.compile(r"LISTEN\s+\d+\s+\d+\s+\S+:(\d{1,5})\s", re.ASCII)
_USER = re.compile(r'\("([^"]{1,64})",pid=(\d{1,10}),', re.ASCII)


def parse(sections: Sections) -> ListenerOwners:
    """Parse ``ss -lntp``: each row ends in ``users:(("nginx",pid=812,fd=6),…)`` where seen."""
    section = sections[SS.name]
    names: dict[int, tuple[str, ...]] = {}
    if isinstance(section, Unreadable):
        return ListenerOwners(names)
    for line in section.stdout.decode("utf-8", "replace").split("\n"):
        port = _PORT.match(line)
        owners = tuple(f"{name} (pid {pid})" for name, pid in _USER.findall(line))
        if port is not None and owners:
            known = names.get(int(port[1]), ())
            names[int(port[1])] = tuple(dict.fromkeys(known + owners))
    return ListenerOwners(names)


SS = Command("listener_owners", "ss -lntp", privileged=True, seconds=20, cap=16 * 1024 * 1024)
PROBE = Probe("listener_owners", 1, (SS,), parse)

"""Which process holds which listening TCP port; to see other users' processes takes privilege."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections


class Owner(NamedTuple):
    """A process that holds a socket; ss shows the first 15 bytes of its name."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


@dataclass(frozen=True)
class ListenerOwners(Fact):
    """The processes behind listening ports.

    :meth:`of` gives names for messages, never for a verdict. It is empty, not unreadable, if
    nothing could be seen. A verdict asks :meth:`at`.

    Attributes:
        _by_port: the processes of a port; it leaves out a port whose process could not be seen.
        _by_socket: the same by address and port, as ``127.0.0.1:80``.
        _unreadable: why nothing was read; None if ss answered.
    """

    _by_port: Mapping[int, tuple[Owner, ...]]
    _by_socket: Mapping[str, tuple[Owner, ...]] = field(default_factory=dict, compare=False)
    _unreadable: Unreadable | None = field(default=None, compare=False)

    def at(self, socket: str) -> tuple[Owner, ...]:
        """The processes of one socket, as ``127.0.0.1:80``; unreadable if they are not seen."""
        owners = self._by_socket.get(socket, ())
        if not owners:
            detail = (
                f"the process that listens on {socket} could not be seen: log in as root, or as "
                "its user, or allow it by ansible_become and sudo"
            )
            self.ledger.cannot_read(
                self._unreadable or Unreadable(Reason.PERMISSION, SS.shell, detail)
            )
        self.ledger.read(f"process at {socket}", SS.shell, " and ".join(map(str, owners)))
        return owners

    def of(self, port: int) -> tuple[Owner, ...]:
        """The processes that listen on `port`; empty if they could not be seen."""
        return self._by_port.get(port, ())


_PORT = re.compile(r"LISTEN\s+\d+\s+\d+\s+(\S+:(\d{1,5}))\s", re.ASCII)
_USER = re.compile(r'\("([^"]{1,64})",pid=(\d{1,10}),', re.ASCII)


def parse(sections: Sections) -> ListenerOwners:
    """Parse ``ss -lntp``: a row ends in ``users:(("nginx",pid=812,fd=6),…)`` if ss may see it."""
    section = sections[SS.name]
    if isinstance(section, Unreadable):
        return ListenerOwners({}, _unreadable=section)
    # Dicts keep the order, and are quick for a port with a hundred thousand sockets.
    by_port: dict[int, dict[Owner, None]] = {}
    by_socket: dict[str, dict[Owner, None]] = {}
    for line in section.stdout.decode("utf-8", "replace").split("\n"):
        port = _PORT.match(line)
        owners = dict.fromkeys(Owner(name, int(pid)) for name, pid in _USER.findall(line))
        if port is not None and owners:
            by_port.setdefault(int(port[2]), {}).update(owners)
            by_socket.setdefault(port[1], {}).update(owners)
    return ListenerOwners(
        {port: tuple(owners) for port, owners in by_port.items()},
        {socket: tuple(owners) for socket, owners in by_socket.items()},
    )


SS = Command(
    "listener_owners",
    "ss -lntp",
    privileged=True,
    seconds=20,
    cap=16 * 1024 * 1024,
    holds="sockets",
)
PROBE = Probe("listener_owners", 1, (SS,), parse)

"""TCP connections whose handshake is under way: ours that were dialled, and half-open ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nethygiene.facts.fact import Fact
from nethygiene.outcomes import Reason, Unreadable
from nethygiene.probes.base import Command, Probe, Sections, refused


@dataclass(frozen=True, slots=True)
class Handshake:
    """One connection before it is established.

    Attributes:
        state: ``SYN-SENT``: this host dialled, and waits; ``SYN-RECV``: a peer dialled, and its
            last word is awaited: half-open.
        address: this host's address, an IPv4-mapped one as plain IPv4.
        port: this host's port.
        peer: the other end, as ``192.0.2.7:443``.
    """

    state: Literal["SYN-SENT", "SYN-RECV"]
    address: str
    port: int
    peer: str


@dataclass(frozen=True)
class Handshakes(Fact):
    """The handshakes under way in a host's network namespace."""

    _sockets: tuple[Handshake, ...]

    def half_open(self) -> tuple[Handshake, ...]:
        """Connections in SYN_RECV: they fill the SYN queues of the listeners."""
        found = tuple(one for one in self._sockets if one.state == "SYN-RECV")
        self.ledger.read("half-open connections", SS.shell, len(found))
        return found


_ROW = re.compile(
    r"(?P<state>SYN-SENT|SYN-RECV)\s+\d{1,10}\s+\d{1,10}\s+"
    r"(?P<address>\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+)(?:%[^\s:]+)?:(?P<port>\d{1,5})\s+"
    r"(?P<peer>\S+:\d{1,5})\s*",
    re.ASCII,
)


def parse(sections: Sections) -> Handshakes | Unreadable:
    """Parse ``ss -tn state syn-sent state syn-recv``: one row a connection, below a header."""
    section = sections[SS.name]
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        return refused(SS, section)
    header, *rows = section.stdout.decode("utf-8", "replace").split("\n")
    # The header proves that it was ss that answered, also where no handshake is under way.
    if not header.startswith("State"):
        return Unreadable(Reason.UNPARSABLE, SS.shell, f"no header: {header[:80]!r}")
    sockets: list[Handshake] = []
    for found in _handshakes(rows):
        if isinstance(found, Unreadable):
            return found
        sockets.append(found)
    return Handshakes(tuple(sockets))


def _handshakes(rows: list[str]) -> Iterator[Handshake | Unreadable]:
    for row in rows:
        if not row:
            continue
        match = _ROW.fullmatch(row)
        if match is None or int(match["port"]) > 65535:
            yield Unreadable(Reason.UNPARSABLE, SS.shell, f"not a handshake: {row[:120]!r}")
            return
        address = match["address"].strip("[]").removeprefix("::ffff:")
        sent = match["state"] == "SYN-SENT"
        state: Literal["SYN-SENT", "SYN-RECV"] = "SYN-SENT" if sent else "SYN-RECV"
        yield Handshake(state, address, int(match["port"]), match["peer"])


SS = Command("handshakes", "ss -tn state syn-sent state syn-recv", seconds=20, cap=16 * 1024 * 1024)
PROBE = Probe("handshakes", 1, (SS,), parse)

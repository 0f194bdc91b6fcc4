"""Local ports that connections to one peer have used up, of those that the kernel may choose."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nethygiene.collect.command import Command
from nethygiene.collect.shell_file import awk_program, in_double_quotes, one_line, sh_c
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, refused


@dataclass(frozen=True, slots=True)
class PortUse:
    """The local ports of one address of this host towards one peer and port.

    Attributes:
        address: this host's address.
        peer: the other end, as ``192.0.2.9:5432``.
        used: how many of the ports that the kernel chooses from are taken.
        waiting: how many of them are in TIME-WAIT.
    """

    address: str
    peer: str
    used: int
    waiting: int


@dataclass(frozen=True)
class LocalPorts(Fact):
    """The peers towards which at least half of the local ports are taken.

    Attributes:
        choice: how many ports the kernel chooses from; 0 if the host was not asked.
        _uses: those peers.
    """

    choice: int
    _uses: Sequence[PortUse]

    def scarce(self) -> tuple[PortUse, ...]:
        """Those peers, most used first."""
        uses = sorted(self._uses, key=lambda use: -use.used)
        shown = ", ".join(f"{use.peer} ({use.used})" for use in uses[:5])
        self.ledger.read("peers with half of the local ports", PORTS.shown, shown or "none")
        return tuple(uses)


_ROW = re.compile(r"(\d{1,6}) (\d{1,6}) (\S{1,80}) (\S{1,90})", re.ASCII)


def parse(sections: Sections) -> LocalPorts | Unreadable:
    """Parse lines of ports used, ports in TIME-WAIT, address and peer; the last says ``end``.

    The command prints nothing at all if the host has fewer sockets than half of these ports.
    """
    section = sections[PORTS.name]
    if isinstance(section, Unreadable):
        return section
    if section.status == 0 and not section.stdout:
        return LocalPorts(0, ())
    if section.status != 0 or not section.stdout.endswith(b"\nend\n"):
        return refused(PORTS, section)
    ports, *rows = section.stdout.decode("utf-8", "replace").split("\n")[:-2]
    choice = _choice(ports)
    if choice is None:
        return Unreadable(Reason.UNPARSABLE, PORTS.shown, f"no range of ports: {ports[:80]!r}")
    uses: list[PortUse] = []
    for row in rows:
        match = _ROW.fullmatch(row)
        if match is None:
            return Unreadable(Reason.UNPARSABLE, PORTS.shown, f"no ports: {row[:80]!r}")
        uses.append(PortUse(match[3], match[4], int(match[1]), int(match[2])))
    return LocalPorts(choice, tuple(uses))


def _choice(text: str) -> int | None:
    """How many ports there are to choose from: ``32768 60999 40000-40010,50000``."""
    match = re.fullmatch(r"(\d{1,5}) (\d{1,5})(?: ([\d,-]{1,4000}))?", text, re.ASCII)
    if match is None:
        return None
    low, high = int(match[1]), int(match[2])
    reserved: set[int] = set()
    for span in re.finditer(r"(\d{1,5})(?:-(\d{1,5}))?", match[3] or "", re.ASCII):
        reserved |= set(range(max(low, int(span[1])), min(high, int(span[2] or span[1])) + 1))
    return high - low + 1 - len(reserved)


_RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"
_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
PORTS = Command(
    "local_ports",
    sh_c(
        Path(__file__).with_name("local_ports.sh"),
        RANGE=_RANGE,
        RESERVED=_RESERVED,
        PROGRAM=in_double_quotes(awk_program(Path(__file__).with_name("local_ports.awk"))),
    ),
    seconds=20,
    skip_if=one_line(Path(__file__).with_name("few_sockets.sh"), RANGE=_RANGE),
    title="ss -tan, by peer",
    holds="addresses",
)
PROBE = Probe("local_ports", 1, (PORTS,), parse)

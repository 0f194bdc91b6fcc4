"""Listening TCP sockets: where they listen, and their accept queues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Literal

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import NoListingError, Probe, Sections, read_listing
from nethygiene.subjects.links.ip.families import Address


@dataclass(frozen=True, slots=True)
class Listener:
    """One listening socket. With SO_REUSEPORT a port has several, each with its own queue.

    Attributes:
        address: the address listened on; ``*`` is every address of both families.
        device: the interface that it is bound to, as in ``127.0.0.53%lo``, or None.
        port: TCP port.
        waiting: connections in the accept queue (Recv-Q).
        backlog: limit of the accept queue (Send-Q): min(listen()'s backlog, somaxconn), frozen
            when listen() was called (Linux 6.18). The queue is full when waiting > backlog.
        v6only: IPV6_V6ONLY of an IPv6 socket; None for an IPv4 socket, and if the kernel (before
            4.3) or ss does not show it.
        unit: the system service of systemd that opened it, as ``nginx.service``; empty if there is
            none, or if the kernel (before 5.7) or ss (before 5.8) does not show it.
    """

    address: str
    device: str | None
    port: int
    waiting: int
    backlog: int
    v6only: bool | None = None
    unit: str = ""

    @property
    def ip(self) -> Address | None:
        """The address listened on; None for ``*``. IPv4 in an IPv6 socket is plain IPv4 here."""
        if self.address == "*":
            return None
        address = ip_address(self.address)
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return mapped or address

    @property
    def is_wildcard(self) -> bool:
        """Whether it listens on every address of a family, or of both."""
        return self.ip is None or self.ip.is_unspecified

    def serves(self, version: Literal[4, 6]) -> bool | None:
        """Whether it takes connections of an IP version; None if ss does not show it.

        ``*`` is both families since iproute2 4.15, IPv4 before 4.13, and either in between.
        """
        address = self.ip
        if address is not None and (address.version == 4 or not address.is_unspecified):
            return address.version == version
        if self.v6only is None:
            surely = 4 if address is None else 6
            return True if version == surely else None
        return version == 6 or not self.v6only

    def __str__(self) -> str:
        device = f"%{self.device}" if self.device else ""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}{device}:{self.port}"


@dataclass(frozen=True)
class Listeners(Fact):
    """The listening TCP sockets of a host's network namespace."""

    _sockets: tuple[Listener, ...]

    def __iter__(self) -> Iterator[Listener]:
        self.ledger.read("listening sockets", SS.shell, len(self._sockets))
        return iter(self._sockets)

    def on(self, port: int) -> tuple[Listener, ...]:
        """The sockets that listen on a TCP port, at whatever address."""
        sockets = tuple(socket for socket in self._sockets if socket.port == port)
        self.ledger.read(
            f"listeners on port {port}", SS.shell, ", ".join(map(str, sockets)) or "none"
        )
        return sockets


_ROW = re.compile(
    r"LISTEN\s+(?P<waiting>\d{1,10})\s+(?P<backlog>\d{1,10})\s+"
    # Before iproute2 4.13 IPv6 addresses stood without brackets: ":::22".
    r"(?P<address>\*|\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+)(?:%(?P<device>[^\s:]+))?:(?P<port>\d{1,5})"
    r"\s+\S+:\*\s*(?P<rest>.*)",
    re.ASCII,
)
_V6ONLY = re.compile(r"(?:^|\s)v6only:([01])(?=\s|$)", re.ASCII)

# This leaves out what a user's own manager runs, and what a login runs.
_UNIT = re.compile(
    r"\scgroup:/system\.slice/(?:[^\s/]+\.slice/)*([^\s/]+\.service)(?=[\s/]|$)", re.ASCII
)


def parse(sections: Sections) -> Listeners | Unreadable:
    """Parse ``ss -lntme``.

    Rows without ``skmem:`` came from ss's silent fall-back to /proc/net/tcp, where the accept
    queue's limit reads 0 for every listener (Linux 6.18, iproute2 6.1): they are unreadable.
    """
    return read_listing(sections[SS.name], SS, _listeners)


def _listeners(text: str) -> Listeners:
    lines = text.split("\n")
    # The header proves that ss answered, even if nothing listens.
    if not lines[0].startswith("State"):
        raise ValueError(f"no header: {lines[0][:80]!r}")
    parts: list[list[str]] = []
    for line in lines[1:]:
        if line[:1].isspace() and parts:
            parts[-1].append(line)
        elif line:
            parts.append([line])
    rows = [" ".join(part) for part in parts]
    sockets = []
    for row in rows:
        match = _ROW.fullmatch(row)
        if match is None or int(match["port"]) > 65535:
            raise ValueError(f"not a listening socket: {row[:120]!r}")
        if "skmem:" not in match["rest"]:
            detail = "the kernel's tcp_diag did not answer, and /proc has no accept queue limits"
            raise NoListingError(Reason.TOOL_MISSING, detail)
        try:
            ip_address(match["address"].strip("[]").replace("*", "::"))
        except ValueError:
            raise ValueError(f"not an address: {row[:120]!r}") from None
        unit = _UNIT.search(match["rest"])
        v6only = _V6ONLY.findall(match["rest"])
        sockets.append(
            Listener(
                address=match["address"].strip("[]"),
                device=match["device"],
                port=int(match["port"]),
                waiting=int(match["waiting"]),
                backlog=int(match["backlog"]),
                v6only=v6only[-1] == "1" if v6only else None,
                unit=unit[1] if unit is not None else "",
            )
        )
    return Listeners(tuple(sockets))


SS = Command("listeners", "ss -lntme", seconds=20, cap=16 * 1024 * 1024, holds="sockets")
PROBE = Probe("listeners", 1, (SS,), parse)

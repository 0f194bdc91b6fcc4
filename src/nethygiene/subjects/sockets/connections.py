"""Established TCP connections: their ends, timers, and for how long they have been silent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

from nethygiene.collect.command import Command
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import NoListingError, Probe, Sections, read_listing
from nethygiene.subjects.links.ip.families import Address


@dataclass(frozen=True, slots=True)
class Timer:
    """The timer that the kernel runs for a connection.

    Attributes:
        kind: ``keepalive``; ``on`` while data is unacknowledged; ``persist`` while the peer's
            window is closed. The kernel shows the most important of them.
        due: seconds until it fires, at least.
        due_before: seconds until it fires, at most. ss(8) leaves out the seconds from ten minutes
            on, and the milliseconds from ten seconds on.
    """

    kind: str
    due: float
    due_before: float


@dataclass(frozen=True, slots=True)
class TcpConnection:
    """One established connection. IPv4 in an IPv6 socket is plain IPv4 here.

    Attributes:
        local: this host's address.
        local_port: this host's port.
        peer: the other end's address.
        peer_port: the other end's port.
        timer: the running timer, None without one.
        silent: seconds since anything was sent, received or acknowledged. Keepalive probes that
            come from the other end do not count (tried on Linux 6.18).
        quiet: seconds since data last went either way; acknowledgements do not count.
        accepted: a process has it. A connection in the accept queue has no options of its own yet.
        to_itself: the other end is a socket of this host too.
    """

    local: Address
    local_port: int
    peer: Address
    peer_port: int
    timer: Timer | None
    silent: float
    quiet: float
    accepted: bool
    to_itself: bool

    def __str__(self) -> str:
        ends = ((self.local, self.local_port), (self.peer, self.peer_port))
        local, peer = (f"[{a}]:{p}" if a.version == 6 else f"{a}:{p}" for a, p in ends)
        return f"{local} with {peer}"


@dataclass(frozen=True)
class Connections(Fact):
    """The established TCP connections of a host's network namespace.

    Attributes:
        _by_local_port: the connections, by this host's port.
        login_port: the port of sshd at which this very login arrived, None without SSH.
    """

    _by_local_port: Mapping[int, tuple[TcpConnection, ...]]
    login_port: int | None = None
    # Filled by the first question: most hosts declare no upstream.
    _by_peer: dict[tuple[Address, int], list[TcpConnection]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __iter__(self) -> Iterator[TcpConnection]:
        count = sum(map(len, self._by_local_port.values()))
        self.ledger.read("established connections", SS.shown, count)
        return (connection for group in self._by_local_port.values() for connection in group)

    def at(self, port: int) -> tuple[TcpConnection, ...]:
        """The connections at a port of this host."""
        here = self._by_local_port.get(port, ())
        self.ledger.read(f"established connections at port {port}", SS.shown, len(here))
        return here

    def to(self, address: Address, port: int) -> tuple[TcpConnection, ...]:
        """The connections to an address and port elsewhere."""
        if not self._by_peer:
            for group in self._by_local_port.values():
                for connection in group:
                    self._by_peer.setdefault((connection.peer, connection.peer_port), []).append(
                        connection
                    )
        there = tuple(self._by_peer.get((address, port), ()))
        what = f"established connections to {address} port {port}"
        self.ledger.read(what, SS.shown, len(there))
        return there

    def arrival(self) -> int | None:
        """The port of sshd at which this very login arrived, None without SSH."""
        self.ledger.read("port of this login", "SSH_CONNECTION", self.login_port or "none")
        return self.login_port


# Before iproute2 4.13 IPv6 addresses stood without brackets: "::1:22".
_END = r"(\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+)(?:%[^\s:]+)?:(\d{1,5})"
_ROW = re.compile(
    rf"\d+\s+\d+\s+{_END}\s+{_END}(?=\s|$)(?:\s+timer:\(([a-z]+),([0-9a-z.]*),\d+\))?(.*)",
    re.ASCII,
)
_INODE = re.compile(r" ino:(\d+)", re.ASCII)
_LAST = re.compile(r" last(snd|rcv|ack):(\d{1,15})(?=\s|$)", re.ASCII)
# print_ms_timer() in ss.c: "119min", "1min30sec", "42sec", and "9.123ms" for 9.123 seconds.
_DUE = re.compile(
    r"(?:(?P<minutes>\d{1,8})min)?(?:(?P<seconds>\d{1,2})(?:sec|\.(?=\d{3}ms)))?(?:(?P<ms>\d{3})ms)?",
    re.ASCII,
)
# A timer already due was printed as a huge unsigned number by some versions.
_OVERDUE_MINUTES = 35_791


def parse_due(text: str) -> tuple[float, float] | None:
    """Parse a timer as ss(8) prints it: seconds at least and at most, None if it is no timer."""
    match = _DUE.fullmatch(text)
    if match is None:
        return None
    minutes, seconds, ms = (int(match[name] or 0) for name in ("minutes", "seconds", "ms"))
    if minutes > _OVERDUE_MINUTES:
        return 0.0, 0.0
    due = (minutes * 60_000 + seconds * 1000 + ms) / 1000
    if minutes > 9:
        return due, due + 60
    return (due, due + 1) if minutes or seconds > 9 else (due, due)


def parse(sections: Sections) -> Connections | Unreadable:
    """Parse SSH_CONNECTION on the first line, then ``ss -tnoie state established``.

    Rows without ``mss:`` came from ss's silent fall-back to /proc/net/tcp, which does not show when
    a connection was last used.
    """
    return read_listing(sections[SS.name], SS, _connections)


def _connections(text: str) -> Connections:
    first, header, *lines = (text + "\n").split("\n")
    # The header proves that ss answered, even if nothing is connected.
    if not header.startswith("Recv-Q"):
        raise ValueError(f"no header: {header[:80]!r}")
    groups: dict[int, list[TcpConnection]] = {}
    for connection in _read(_rows(lines)):
        groups.setdefault(connection.local_port, []).append(connection)
    return Connections({port: tuple(group) for port, group in groups.items()}, _login_port(first))


def _rows(lines: list[str]) -> Iterator[str]:
    row = ""
    for line in lines:
        if line[:1] in {" ", "\t"} and row:
            row += " " + line.strip()
        elif line:
            if row:
                yield row
            row = line
    if row:
        yield row


def _read(rows: Iterator[str]) -> Iterator[TcpConnection]:
    addresses: dict[str, Address] = {}
    matches: list[tuple[tuple[Address, int, Address, int], re.Match[str]]] = []
    for row in rows:
        match = _ROW.match(row)
        if match is None:
            raise ValueError(f"not a connection: {row[:120]!r}")
        if " mss:" not in match[7]:
            detail = "the kernel's tcp_diag did not answer, and /proc tells no idle times"
            raise NoListingError(Reason.TOOL_MISSING, detail)
        local, peer = (_address(match[number], addresses) for number in (1, 3))
        ends = (local, int(match[2]), peer, int(match[4]))
        if max(ends[1], ends[3]) > 65535:
            raise ValueError(f"not a port: {row[:120]!r}")
        matches.append((ends, match))
    all_ends = {ends for ends, _ in matches}
    for ends, match in matches:
        yield _connection(ends, match, to_itself=(*ends[2:], *ends[:2]) in all_ends)


def _connection(
    ends: tuple[Address, int, Address, int], match: re.Match[str], *, to_itself: bool
) -> TcpConnection:
    rest = match[7]
    # ss leaves out what is 0 ms ago.
    last = {name: int(text) / 1000 for name, text in _LAST.findall(rest)}
    quiet = min(last.get("snd", 0.0), last.get("rcv", 0.0))
    inode = _INODE.search(rest)
    return TcpConnection(
        *ends,
        timer=_timer(match[5], match[6]),
        silent=min(quiet, last.get("ack", 0.0)),
        quiet=quiet,
        accepted=inode is None or int(inode[1]) != 0,
        to_itself=to_itself,
    )


def _timer(kind: str | None, text: str) -> Timer | None:
    if kind is None or kind == "off":
        return None
    due = parse_due(text)
    if due is None:
        raise ValueError(f"not a time until a timer: {text!r}")
    return Timer(kind, *due)


def _address(text: str, parsed: dict[str, Address]) -> Address:
    address = parsed.get(text)
    if address is None:
        try:
            address = ip_address(text.strip("[]"))
        except ValueError:
            raise ValueError(f"not an address: {text!r}") from None
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        parsed[text] = address
    return address


def _login_port(line: str) -> int | None:
    """The last word of SSH_CONNECTION: client address and port, this host's address and port."""
    match = re.fullmatch(r"\S+ \d{1,5} \S+ (\d{1,5})", line, re.ASCII)
    return int(match[1]) if match else None


SS = Command(
    "connections",
    "sh -c 'echo \"$SSH_CONNECTION\"; exec ss -tnoie state established'",
    seconds=20,
    # Some 450 bytes each: enough for 70,000.
    cap=32 * 1024 * 1024,
    title="ss -tnoie state established",
    holds="sockets",
)
PROBE = Probe("connections", 1, (SS,), parse)

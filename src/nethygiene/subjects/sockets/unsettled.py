"""TCP connections that are not yet, or no longer, established, as ``ss -tno`` prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from nethygiene.subjects.links.ip.families import Address


@dataclass(frozen=True, slots=True)
class UnsettledConnection:
    """One connection in SYN-SENT, SYN-RECV or CLOSE-WAIT.

    Attributes:
        state: as ss prints it.
        place: this host's end, as ``192.0.2.1:56164``.
        peer: the other end, likewise.
        due: when the kernel's timer is due, as ss prints it; empty without a timer.
        sent_again: how often TCP sent again what the timer waits for.
    """

    state: str
    place: str
    peer: str
    due: str
    sent_again: int


@dataclass(frozen=True, slots=True)
class ServedConnection:
    """A connection that a peer opened; an IPv4 address in an IPv6 socket is plain IPv4 here.

    Attributes:
        address: this host's address.
        port: this host's port.
        peer: the other end's address.
    """

    address: Address
    port: int
    peer: Address


# Before iproute2 4.13 IPv6 addresses stood without brackets: "::1:22".
_PLACE = r"(?:\[[0-9a-fA-F:.]+\]|[0-9a-fA-F:.]+)(?:%[^\s:]+)?:\d{1,5}"
_ROW = re.compile(
    r"(?P<state>SYN-SENT|SYN-RECV|CLOSE-WAIT)\s+\d{1,10}\s+\d{1,10}\s+"
    rf"(?P<place>{_PLACE})\s+(?P<peer>{_PLACE})"
    r"(?:\s+timer:\([a-z]+,(?P<due>[0-9a-z.]*),(?P<again>\d{1,3})\))?\s*",
    re.ASCII,
)


def parse_unsettled(text: str) -> tuple[UnsettledConnection, ...]:
    """Read rows below a header, which proves that ss answered, even without a row.

    Raises:
        ValueError: there is no header, or a row is no such connection.
    """
    header, *rows = text.split("\n")
    if not header.startswith("State"):
        raise ValueError(f"no header: {header[:80]!r}")
    return tuple(_connection(row) for row in rows if row)


def _connection(row: str) -> UnsettledConnection:
    match = _ROW.fullmatch(row)
    ports = [] if match is None else [match[end].rpartition(":")[2] for end in ("place", "peer")]
    if match is None or any(int(port) > 65535 for port in ports):
        raise ValueError(f"not a connection: {row[:120]!r}")
    again = int(match["again"] or 0)
    return UnsettledConnection(
        match["state"], match["place"], match["peer"], match["due"] or "", again
    )


def served(text: str, state: str) -> tuple[ServedConnection, ...]:
    """The connections in a state, of rows as :func:`parse_unsettled` reads them.

    Raises:
        ValueError: a row cannot be read.
    """
    return tuple(
        ServedConnection(*_split(connection.place), _split(connection.peer)[0])
        for connection in parse_unsettled(text)
        if connection.state == state
    )


def _split(place: str) -> tuple[Address, int]:
    host, _, port = place.rpartition(":")
    address = ip_address(host.partition("%")[0].strip("[]"))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address, int(port)

"""The addresses of a host's interfaces, one line each, as ``ip -o addr`` prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from itertools import pairwise

from nethygiene.subjects.links.ip.families import rows_of


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """One address.

    Attributes:
        link: the interface that has it.
        interface: the address with its prefix length.
        duplicate: the kernel does not use it, since another host on the link has it
            (``dadfailed``).
        tentative: the kernel does not use it yet, while it asks whether another host has it.
        scope: as ``global``.
        words: what ip says of it, as ``global``, ``secondary``, ``deprecated``, ``temporary``.
    """

    link: str
    interface: IPv4Interface | IPv6Interface
    duplicate: bool = False
    tentative: bool = False
    scope: str = "global"
    words: frozenset[str] = frozenset()


_ROW = re.compile(
    r"\d+: (?P<name>\S+)\s+inet6? (?P<address>\S+)(?: peer (?P<peer>\S+))? (?P<rest>.*)", re.ASCII
)


_DADFAILED = 0x08


def parse_addresses(text: str) -> tuple[LinkAddress, ...]:
    """Read ``ip -o addr``, in the kernel's order.

    Raises:
        ValueError: a line is no address.
    """
    return tuple(_address(row) for row in rows_of(text))


def _address(row: str) -> LinkAddress:
    match = _ROW.fullmatch(row)
    if match is not None:
        # On a point-to-point link the prefix stands behind the peer's address.
        prefix = (match["peer"] or match["address"]).partition("/")[2]
        address = match["address"].partition("/")[0]
        try:
            interface = ip_interface(f"{address}/{prefix}" if prefix else address)
        except ValueError:
            match = None
    if match is None:
        raise ValueError(f"not an address: {row[:120]!r}")
    # A label, which may hold anything but a space, stands before the backslash.
    words = match["rest"].partition("\\")[0].split()
    after = dict(pairwise(words))
    # busybox writes the flags that it has no word for as a number (IFA_F_DADFAILED is 0x08).
    bits = after.get("flags", "")
    failed = re.fullmatch("[0-9a-f]{2}", bits) is not None and bool(int(bits, 16) & _DADFAILED)
    return LinkAddress(
        match["name"].partition("@")[0],
        interface,
        duplicate="dadfailed" in words or failed,
        # An optimistic address is in use already (RFC 4429).
        tentative="tentative" in words and "optimistic" not in words,
        words=frozenset(words),
        scope=after.get("scope", "global"),
    )

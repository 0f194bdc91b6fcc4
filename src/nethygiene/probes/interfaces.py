"""Network interfaces, their flags and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface

from nethygiene.facts.fact import Fact
from nethygiene.outcomes import Reason, Unreadable
from nethygiene.probes.base import Command, Probe, Sections, refused


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface.

    Attributes:
        name: as ``eth0``, without the peer that ip(8) shows behind an @.
        flags: as ``{"BROADCAST", "UP", "LOWER_UP"}``.
        addresses: its addresses with their prefix lengths, both families.
    """

    name: str
    flags: frozenset[str]
    addresses: tuple[IPv4Interface | IPv6Interface, ...]

    @property
    def is_up(self) -> bool:
        """Whether it was set up by an administrator (not whether a cable is in it)."""
        return "UP" in self.flags

    @property
    def is_loopback(self) -> bool:
        """Whether it is the loopback interface."""
        return "LOOPBACK" in self.flags


@dataclass(frozen=True)
class Interfaces(Fact):
    """The interfaces of a host's network namespace, in the kernel's order."""

    _interfaces: tuple[Interface, ...]

    def __iter__(self) -> Iterator[Interface]:
        self.ledger.read(
            "interfaces", LINK.shell, ", ".join(one.name for one in self._interfaces) or "none"
        )
        return iter(self._interfaces)


_LINK = re.compile(r"\d+: (?P<name>[^\s@]+)(?:@\S+)?: <(?P<flags>[A-Z0-9_,-]*)> .*", re.ASCII)
_ADDRESS = re.compile(
    r"\d+: (?P<name>\S+)\s+inet6? (?P<address>\S+)(?: peer (?P<peer>\S+))? .*", re.ASCII
)


def parse(sections: Sections) -> Interfaces | Unreadable:
    """Parse ``ip -o link`` and ``ip -o addr``: one line an interface, one line an address."""
    rows: dict[str, list[str]] = {}
    for command in (LINK, ADDR):
        section = sections[command.name]
        if isinstance(section, Unreadable):
            return section
        if section.status != 0:
            return refused(command, section)
        lines = section.stdout.decode("utf-8", "replace").split("\n")
        rows[command.name] = [line for line in lines if line]
    flags = _parse_links(rows[LINK.name])
    if isinstance(flags, Unreadable):
        return flags
    addresses = _parse_addresses(rows[ADDR.name], flags)
    if isinstance(addresses, Unreadable):
        return addresses
    return Interfaces(tuple(Interface(name, flags[name], tuple(addresses[name])) for name in flags))


def _parse_links(rows: Sequence[str]) -> dict[str, frozenset[str]] | Unreadable:
    flags: dict[str, frozenset[str]] = {}
    for row in rows:
        match = _LINK.fullmatch(row)
        # An alias may hold a line break, with which it could pose as an interface.
        if match is None or match["name"] in flags:
            return Unreadable(Reason.UNPARSABLE, LINK.shell, f"not an interface: {row[:120]!r}")
        flags[match["name"]] = frozenset(match["flags"].split(","))
    if not flags:
        return Unreadable(Reason.UNPARSABLE, LINK.shell, "no interface, not even lo")
    return flags


def _parse_addresses(
    rows: Sequence[str], flags: dict[str, frozenset[str]]
) -> dict[str, list[IPv4Interface | IPv6Interface]] | Unreadable:
    addresses: dict[str, list[IPv4Interface | IPv6Interface]] = {name: [] for name in flags}
    for row in rows:
        match = _ADDRESS.fullmatch(row)
        name = match["name"].partition("@")[0] if match else ""
        try:
            if match is None or name not in addresses:
                raise ValueError(row)
            # On a point-to-point link the prefix stands behind the peer's address.
            prefix = (match["peer"] or match["address"]).partition("/")[2]
            address = match["address"].partition("/")[0]
            addresses[name].append(ip_interface(f"{address}/{prefix}" if prefix else address))
        except ValueError:
            return Unreadable(Reason.UNPARSABLE, ADDR.shell, f"not an address: {row[:120]!r}")
    return addresses


LINK = Command("links", "ip -o link", small=True)
ADDR = Command("addresses", "ip -o addr", small=True)
PROBE = Probe("interfaces", 1, (LINK, ADDR), parse)

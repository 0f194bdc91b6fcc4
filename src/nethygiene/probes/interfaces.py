"""Network interfaces, their flags and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
        duplicates: IPv6 addresses that it was given and does not use, for another host on the
            link has them (``dadfailed``).
        master: the bridge, bond or VRF that it belongs to; empty for none.
    """

    name: str
    flags: frozenset[str]
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    duplicates: tuple[IPv4Interface | IPv6Interface, ...] = ()
    master: str = ""

    @property
    def has_carrier(self) -> bool:
        """Whether its link is up: a cable is in it, a port of the bridge is."""
        return "NO-CARRIER" not in self.flags

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


_LINK = re.compile(
    r"\d+: (?P<name>[^\s@]+)(?:@\S+)?: <(?P<flags>[A-Z0-9_,-]*)>(?P<rest> .*)", re.ASCII
)
_MASTER = re.compile(r" master (\S+)")
_ADDRESS = re.compile(
    r"\d+: (?P<name>\S+)\s+inet6? (?P<address>\S+)(?: peer (?P<peer>\S+))? (?P<rest>.*)", re.ASCII
)


@dataclass(slots=True)
class _Draft:
    """An interface being read."""

    flags: frozenset[str]
    master: str
    addresses: list[IPv4Interface | IPv6Interface] = field(default_factory=list)
    duplicates: list[IPv4Interface | IPv6Interface] = field(default_factory=list)


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
    drafts = _parse_links(rows[LINK.name])
    if isinstance(drafts, Unreadable):
        return drafts
    if (trouble := _add_addresses(rows[ADDR.name], drafts)) is not None:
        return trouble
    return Interfaces(
        tuple(
            Interface(name, one.flags, tuple(one.addresses), tuple(one.duplicates), one.master)
            for name, one in drafts.items()
        )
    )


def _parse_links(rows: Sequence[str]) -> dict[str, _Draft] | Unreadable:
    drafts: dict[str, _Draft] = {}
    for row in rows:
        match = _LINK.fullmatch(row)
        # An alias may hold a line break, with which it could pose as an interface.
        if match is None or match["name"] in drafts:
            return Unreadable(Reason.UNPARSABLE, LINK.shell, f"not an interface: {row[:120]!r}")
        # An alias, which may hold anything, stands behind the first backslash.
        master = _MASTER.search(match["rest"].partition("\\")[0])
        flags = frozenset(match["flags"].split(","))
        drafts[match["name"]] = _Draft(flags, master[1] if master else "")
    if not drafts:
        return Unreadable(Reason.UNPARSABLE, LINK.shell, "no interface, not even lo")
    return drafts


def _add_addresses(rows: Sequence[str], drafts: dict[str, _Draft]) -> Unreadable | None:
    for row in rows:
        match = _ADDRESS.fullmatch(row)
        name = match["name"].partition("@")[0] if match else ""
        try:
            if match is None or name not in drafts:
                raise ValueError(row)
            # On a point-to-point link the prefix stands behind the peer's address.
            prefix = (match["peer"] or match["address"]).partition("/")[2]
            address = match["address"].partition("/")[0]
            found = ip_interface(f"{address}/{prefix}" if prefix else address)
        except ValueError:
            return Unreadable(Reason.UNPARSABLE, ADDR.shell, f"not an address: {row[:120]!r}")
        duplicate = "dadfailed" in match["rest"].partition("\\")[0].split()
        (drafts[name].duplicates if duplicate else drafts[name].addresses).append(found)
    return None


LINK = Command("links", "ip -o link", small=True)
ADDR = Command("addresses", "ip -o addr", small=True)
PROBE = Probe("interfaces", 1, (LINK, ADDR), parse)

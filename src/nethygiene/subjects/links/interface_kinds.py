"""What kind of device a network interface is: hardware, a bond, a VLAN, or something virtual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Reason, Unreadable
from nethygiene.engine.probe import Probe, Sections, read_listing, refused
from nethygiene.subjects.links.interfaces import LINKS, lacks_details
from nethygiene.subjects.links.ip.links import OVER_HARDWARE, Link, parse_links
from nethygiene.transcript import Section

_WIRED = frozenset({"ether", "infiniband"})


@dataclass(frozen=True)
class InterfaceKinds(Fact):
    """The kinds of a host's interfaces.

    Attributes:
        _kinds: interface to ``hardware``, ``bond``, ``team``, ``vlan``, ``veth``, ``bridge`` and
            so on; a device without a wire or a kind has its link type, as ``ppp``.
    """

    _kinds: Mapping[str, str]

    def has_wire(self, interface: str) -> bool:
        """Whether it is hardware, or a bond, team or VLAN; plumbing within a host has no wire."""
        kind = self._kind(interface)
        return kind == "hardware" or kind in OVER_HARDWARE

    def is_bridge(self, interface: str) -> bool:
        """Whether it is a bridge of this host."""
        return self._kind(interface) in {"bridge", "openvswitch"}

    def _kind(self, interface: str) -> str:
        kind = self._kinds.get(interface)
        if kind is None:
            detail = f"{interface} is not in it: it came up meanwhile"
            self.ledger.cannot_read(Unreadable(Reason.UNDECIDABLE, LINKS.shown, detail))
        self.ledger.read(f"kind of {interface}", LINKS.shown, kind)
        return kind


def parse(sections: Sections) -> InterfaceKinds | Unreadable:
    """Parse ``ip -o -d link``: one line an interface."""
    section = sections[LINKS.name]
    if isinstance(section, Section) and lacks_details(section):
        return refused(LINKS, section)
    links = read_listing(section, LINKS, parse_links)
    if isinstance(links, Unreadable):
        return links
    return InterfaceKinds({link.name: _kind(link) for link in links})


def _kind(link: Link) -> str:
    # A kind that the list misses counts as hardware: better judged too often than never.
    return link.kind or ("hardware" if link.type in _WIRED else link.type or "unknown")


PROBE = Probe("interface_kinds", 2, (LINKS,), parse)

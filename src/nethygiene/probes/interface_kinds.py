"""What kind of device a network interface is: hardware, a bond, a VLAN, or something virtual."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nethygiene.facts.fact import Fact
from nethygiene.outcomes import Reason, Unreadable
from nethygiene.probes.base import Command, Probe, Sections, refused

# The kernel's rtnl_link_ops of devices without a wire of their own, by `ip -d link`. One that
# is missing here is taken for hardware: looked at too often rather than never.
_VIRTUAL = frozenset({
    "amt", "bareudp", "batadv", "bridge", "can", "dummy", "erspan", "geneve", "gre", "gretap",
    "gtp", "hsr", "ifb", "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip", "ipvlan",
    "ipvtap", "lowpan", "macsec", "macvlan", "macvtap", "netdevsim", "netkit", "nlmon",
    "openvswitch", "ovpn", "ppp", "sit", "tun", "veth", "vcan", "virt_wifi", "vrf", "vti",
    "vti6", "vxcan", "vxlan", "wireguard", "wwan", "xfrm",
})  # fmt: skip
_OVER_HARDWARE = frozenset({"bond", "team", "vlan"})
_WIRED = frozenset({"ether", "infiniband"})


@dataclass(frozen=True)
class InterfaceKinds(Fact):
    """The kinds of a host's interfaces.

    Attributes:
        _kinds: interface to ``hardware``, ``bond``, ``team``, ``vlan``, ``veth``, ``bridge`` and
            so on; for a device without a wire and a kind its link type, as ``ppp``.
    """

    _kinds: Mapping[str, str]

    def has_wire(self, interface: str) -> bool:
        """Whether it is hardware, or a bond, team or VLAN over such; not plumbing within a host."""
        kind = self._kind(interface)
        return kind == "hardware" or kind in _OVER_HARDWARE

    def is_bridge(self, interface: str) -> bool:
        """Whether it is a bridge of this host."""
        return self._kind(interface) in {"bridge", "openvswitch"}

    def _kind(self, interface: str) -> str:
        kind = self._kinds.get(interface)
        if kind is None:
            detail = f"{interface} is not in it: it came up meanwhile"
            self.ledger.cannot_read(Unreadable(Reason.UNDECIDABLE, LINK.shell, detail))
        self.ledger.read(f"kind of {interface}", LINK.shell, kind)
        return kind


_ROW = re.compile(r"\d+: (?P<name>[^\s@]+)(?:@\S+)?: <[A-Z0-9_,-]*> (?P<rest>.*)", re.ASCII)
_TYPE = re.compile(r"link/([a-z0-9_\[\]]+)", re.ASCII)


def parse(sections: Sections) -> InterfaceKinds | Unreadable:
    r"""Parse ``ip -o -d link``: one line an interface, ``\`` where it would break the line.

    The kind begins a line of its own: ``\    vlan protocol 802.1Q id 5``.
    """
    section = sections[LINK.name]
    if isinstance(section, Unreadable):
        return section
    if section.status != 0:
        return refused(LINK, section)
    kinds: dict[str, str] = {}
    for row in section.stdout.decode("utf-8", "replace").split("\n"):
        if not row:
            continue
        match = _ROW.fullmatch(row)
        # An alias may hold a line break, with which it could pose as an interface.
        if match is None or match["name"] in kinds:
            return Unreadable(Reason.UNPARSABLE, LINK.shell, f"not an interface: {row[:120]!r}")
        kinds[match["name"]] = _kind(match["rest"])
    if not kinds:
        return Unreadable(Reason.UNPARSABLE, LINK.shell, "no interface, not even lo")
    return InterfaceKinds(kinds)


def _kind(rest: str) -> str:
    # An alias, which may hold anything, comes last.
    lines = rest.partition("\\    alias ")[0].split("\\    ")
    words = [line.split(" ", 1)[0] for line in lines[1:]]
    for word in words:
        if word in _VIRTUAL or word in _OVER_HARDWARE:
            return word
    types = [match[1] for match in map(_TYPE.match, words) if match]
    if not types:
        return "unknown"
    return "hardware" if types[0] in _WIRED else types[0]


LINK = Command("link_kinds", "ip -o -d link", small=True)
PROBE = Probe("interface_kinds", 1, (LINK,), parse)

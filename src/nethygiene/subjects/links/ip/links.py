"""The interfaces of a host, one line each, as ``ip -o -d link`` prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nethygiene.subjects.links.ip.families import rows_of


@dataclass(frozen=True, slots=True)
class Link:
    """One interface.

    Attributes:
        name: as ``eth0``, without the part that ip(8) shows behind an @.
        flags: as ``{"BROADCAST", "UP", "LOWER_UP"}``.
        parent: the part behind the @: the interface under a VLAN or the like, or the other end of
            a veth; empty for none.
        master: the bridge, bond or VRF that it belongs to; empty for none.
        group: as ``default``.
        type: the type of device, as ``ether``.
        kind: ``bridge``, ``bond``, ``vlan``, ``vrf`` and so on; empty for hardware.
        mac: its link-layer address in lower case; empty for none.
        mtu: in bytes; None if it is not shown.
        xdp: an XDP program sees its packets first.
    """

    name: str
    flags: frozenset[str] = frozenset({"UP"})
    parent: str = ""
    master: str = ""
    group: str = ""
    type: str = ""
    kind: str = ""
    mac: str = ""
    mtu: int | None = None
    xdp: bool = False

    @property
    def loopback(self) -> bool:
        """Whether it is lo."""
        return "LOOPBACK" in self.flags

    @property
    def up(self) -> bool:
        """Whether an administrator set it up."""
        return "UP" in self.flags

    @property
    def resolves(self) -> bool:
        """Whether it finds its neighbours by ARP and neighbour discovery."""
        return "BROADCAST" in self.flags and "NOARP" not in self.flags


VIRTUAL = frozenset({
    "amt", "bareudp", "batadv", "bridge", "can", "dummy", "erspan", "geneve", "gre", "gretap",
    "gtp", "hsr", "ifb", "ip6erspan", "ip6gre", "ip6gretap", "ip6tnl", "ipip", "ipvlan",
    "ipvtap", "lowpan", "macsec", "macvlan", "macvtap", "netdevsim", "netkit", "nlmon",
    "openvswitch", "ovpn", "ppp", "sit", "tun", "veth", "vcan", "virt_wifi", "vrf", "vti",
    "vti6", "vxcan", "vxlan", "wireguard", "wwan", "xfrm",
})  # fmt: skip
"""The kernel's rtnl_link_ops of devices without a wire of their own."""

OVER_HARDWARE = frozenset({"bond", "team", "vlan"})
"""Kinds that stand over other devices, and so over wires."""

_ROW = re.compile(
    r"\d+: (?P<name>[^\s@]+)(?:@(?P<parent>\S+))?: <(?P<flags>[A-Z0-9_,-]*)> (?P<rest>.*)",
    re.ASCII,
)
# With -o, ip writes a backslash where it would begin a line. The first word of a line says what it
# is.
_BREAK = "\\    "
_ALIAS = f"{_BREAK}alias "
_XDP = re.compile(r"mtu \d+ xdp[a-z]*(/id:\d+)? ", re.ASCII)
_MTU = re.compile(r"mtu (\d{1,10}) ", re.ASCII)
_MAC = re.compile(r"link/\S+ ((?:[0-9a-f]{2}:){5,19}[0-9a-f]{2}) ", re.ASCII)
_MASTER = re.compile(r" master (\S+)")
_GROUP = re.compile(r" group (\S+)")


def parse_links(text: str) -> tuple[Link, ...]:
    """Read ``ip -o -d link``; without ``-d`` the kinds are missing.

    Raises:
        ValueError: a line is no interface, or there is none.
    """
    links: dict[str, Link] = {}
    for row in rows_of(text):
        match = _ROW.fullmatch(row)
        # An alias may hold a line break, and so pose as an interface.
        if match is None or match["name"] in links:
            raise ValueError(f"not an interface: {row[:120]!r}")
        links[match["name"]] = _link(match)
    if not links:
        raise ValueError("no interface, not even lo")
    return tuple(links.values())


def _link(match: re.Match[str]) -> Link:
    # An alias may hold any text. Only alternative names come after it (Linux 6.18, iproute2 6.1).
    head, *lines = match["rest"].partition(_ALIAS)[0].split(_BREAK)
    words = [line.partition(" ")[0] for line in lines]
    mtu = _MTU.match(head)
    mac = next((found for line in lines if (found := _MAC.match(f"{line} "))), None)
    master, group = _MASTER.search(head), _GROUP.search(head)
    return Link(
        match["name"],
        frozenset(match["flags"].split(",")),
        parent=match["parent"] or "",
        master=master[1] if master else "",
        group=group[1] if group else "",
        type=next((word[5:] for word in words if word.startswith("link/")), ""),
        kind=next((word for word in words if word in VIRTUAL or word in OVER_HARDWARE), ""),
        mac=mac[1] if mac else "",
        mtu=int(mtu[1]) if mtu else None,
        xdp=_XDP.match(head) is not None or any(word.startswith("prog/xdp") for word in words),
    )

"""What random rules are about: the addresses, ports and marks of the ground."""

from __future__ import annotations

from random import Random

from tests.lab.firewall.topology import BOX, LINK_LOCAL, VIPS

PORTS = tuple(range(2000, 2024))
"""The ports that are listened on, and that the rules are about."""
SOURCES4 = (
    *("198.18.200.0/24", "198.18.200.1", "198.18.0.0/16", "10.77.0.0/29", "10.0.0.0/8"),
    *("203.0.113.0/25", "203.0.113.7", "172.20.0.0/16"),
)
SOURCES6 = (
    *("fd42:198:18::/64", "fd42:198:18::c1", "fd77::/126", "fd00::/8", "2001:db8:3::/64"),
    *("2001:db8:3::7", "fe80::/10", "fd20::/64"),
)
RANGES4 = ("198.18.200.2-198.18.201.9", "10.77.0.0-10.77.0.3", "203.0.113.0-203.0.113.99")
RANGES6 = ("fd42:198:18::c1-fd42:198:18::c2", "2001:db8:3::1-2001:db8:3::ff")
HERE4 = (
    *("198.18.0.0/16", "10.77.0.100", VIPS[0], "192.0.2.64/28", "192.0.2.0/24", LINK_LOCAL),
    *(BOX[0], "172.20.0.0/16"),
)
HERE6 = (
    *("fd42:198:18::/64", "fd77::100", VIPS[1], "2001:db8:64::/112", "2001:db8::/32"),
    *("fe80::/10", BOX[1]),
)
MARKS = ("0x1", "0x4", "0x7", "0x8000", "0x80")
# nft takes these as words; the ports that clients call from, and those that they do not.
SPORTS = ("1024-65535", "32768-65535", "0-1023", "53", "20", "5432", "123")


def port(random: Random) -> str:
    """One port, or a range of them."""
    low = random.choice(PORTS)
    return random.choice((str(low), f"{low}-{min(low + random.randint(1, 8), 2030)}"))


def ports(random: Random, most: int = 4) -> str:
    """Some ports, as a list."""
    return ", ".join(str(one) for one in sorted(random.sample(PORTS, random.randint(1, most))))


def often(random: Random, share: float) -> bool:
    """True for that share of the cases."""
    return random.random() < share

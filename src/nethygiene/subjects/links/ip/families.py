"""Address families, addresses, and networks as ``ip`` writes them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Literal

Family = Literal["ipv4", "ipv6"]
Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")


def family_of(network: Network) -> Family:
    """The family of a network."""
    return "ipv4" if network.version == 4 else "ipv6"


def parse_network(word: str, family: Family) -> Network:
    """Read a network of a family, as ``default`` or ``192.0.2.0/24``.

    Raises:
        ValueError: it is no network of the family.
    """
    if word == "default":
        word = "0.0.0.0/0" if family == "ipv4" else "::/0"
    network = ip_network(word, strict=False)
    if family_of(network) != family:
        raise ValueError(f"of another family: {word[:60]}")
    return network


def rows_of(text: str) -> list[str]:
    """The lines of a listing that hold something."""
    return [line for line in text.split("\n") if line.strip()]

"""Pseudonyms of addresses that keep prefixes: two that share n bits share n bits afterwards.

The construction is Crypto-PAn's (Xu, Fan, Ammar, Moon: Prefix-Preserving IP Address Anonymization,
2002): a keyed hash of the bits before a bit decides whether it is flipped. Libraries of it do not
keep what has to stay here: the kind of an address, and ranges as ranges.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

_BITS = {4: 32, 6: 128}
# These stay as they are: this network, loopback, multicast, reserved and broadcast.
_UNCHANGED = tuple(map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/8", "ff00::/8")))
# An address in one of these stays in it: private, shared, link-local, unique local, global, and
# those of protocols, benchmarks and documentation, which no client of the Internet has.
_KEPT = (
    *("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    *("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/8", "ff00::/8"),
    *("192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("2001:db8::/32", "3fff::/20"),
    *("64:ff9b::/96", "2000::/3", "fc00::/8", "fd00::/8", "fe80::/64"),
)
# IPv4 addresses written as IPv6 ones: mapped, and NAT64's.
_EMBEDDED = (0xFFFF << 32, 0x64FF9B << 96)


class AddressMap:
    """One permutation of all addresses of each family, by a key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._flips: dict[tuple[int, int, int], int] = {}
        self._known: dict[tuple[int, int], int] = {}
        self._pinned: set[tuple[int, int, int]] = set()
        for network in map(ip_network, _KEPT):
            for depth in range(network.prefixlen):
                self._pin(network.version, int(network.network_address), depth)

    def address(self, version: int, number: int) -> int:
        """The pseudonym of an address."""
        pseudonym = self._known.get((version, number))
        if pseudonym is None:
            pseudonym = self._known[version, number] = self._mapped(version, number)
        return pseudonym

    def network(self, version: int, number: int, length: int) -> int:
        """The first address of the pseudonym of a network."""
        host = (1 << (_BITS[version] - length)) - 1
        return self.address(version, number & ~host) & ~host

    def range(self, version: int, low: int, high: int) -> tuple[int, int]:
        """The first and last address of a range's pseudonym.

        It is right once :meth:`learn` has seen all ranges.
        """
        if low >= high:
            return self.address(version, low), self.address(version, high)
        below, above = _free_bits(version, low, high)
        first = self.address(version, low) & ~((1 << below) - 1)
        return first, self.address(version, high) | ((1 << above) - 1)

    def learn(self, version: int, low: int, high: int) -> None:
        """Keep a range in one piece; call this before the first pseudonym is asked for."""
        if low >= high:
            return
        bits = _BITS[version]
        split = bits - (low ^ high).bit_length()
        below, above = _free_bits(version, low, high)
        for number, free in ((low, below), (high, above)):
            for depth in range(split, bits - free):
                self._pin(version, number, depth)
        self._known.clear()

    def changed(self) -> Iterator[tuple[int, int, int]]:
        """Version, address and pseudonym of each address asked for that has a pseudonym."""
        for (version, number), other in self._known.items():
            if number != other:
                yield version, number, other

    def _pin(self, version: int, number: int, depth: int) -> None:
        self._pinned.add((version, depth, number >> (_BITS[version] - depth)))

    def _mapped(self, version: int, number: int) -> int:
        if version == 6:
            for upper in _EMBEDDED:
                if number >> 32 << 32 == upper:
                    return upper | self.address(4, number & 0xFFFFFFFF)
        for network in _UNCHANGED:
            length = _BITS[version] - network.prefixlen
            if network.version == version and number >> length == int(network[0]) >> length:
                return number
        bits = _BITS[version]
        flips = 0
        for depth in range(bits):
            flips = flips << 1 | self._flip(version, depth, number >> (bits - depth))
        return number ^ flips

    def _flip(self, version: int, depth: int, prefix: int) -> int:
        node = (version, depth, prefix)
        if node in self._pinned:
            return 0
        flip = self._flips.get(node)
        if flip is None:
            digest = hashlib.blake2b(b"%d %d %x" % node, key=self._key, digest_size=1).digest()
            flip = self._flips[node] = digest[0] & 1
        return flip


def _free_bits(version: int, low: int, high: int) -> tuple[int, int]:
    """How many of the last bits of each end the range holds in every combination."""
    inside = (low ^ high).bit_length() - 1
    below = (low & -low).bit_length() - 1 if low else _BITS[version]
    above = (~high & (high + 1)).bit_length() - 1
    return min(below, inside), min(above, inside)

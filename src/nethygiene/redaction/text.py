"""Addresses in text, wherever and however commands write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from nethygiene.redaction.addresses import AddressMap, Network
from nethygiene.redaction.names import NameMap

_FOUR = r"\d{1,3}(?:\.\d{1,3}){3}"
_SIX = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?"
_ADDRESS = rf"(?:(?<![\w.:]){_SIX}(?![\w:])|(?<![\w.]){_FOUR}(?!\w|\.\d))"
_TOKEN = re.compile(
    rf"(?P<begin>{_ADDRESS})"
    rf"(?:-(?P<end>(?:{_SIX}|{_FOUR}))(?![\w:]*:\w|\.\d|\w)|/(?P<length>\d{{1,3}})(?![\w.]))?"
)
_MAC = re.compile(r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5,19}(?![0-9A-Fa-f:])")


@dataclass
class Pseudonyms:
    """The pseudonyms of one evidence file.

    Attributes:
        addresses: those of addresses.
        names: those of everything else.
        learning: the file is read for the first time: ranges are noted, and the result is dropped.
    """

    addresses: AddressMap
    names: NameMap
    learning: bool = field(default=True)

    def address(self, text: str) -> str:
        """An address; other text stays."""
        try:
            parsed = ip_address(text)
        except ValueError:
            return text
        return _written(parsed.version, self.addresses.address(parsed.version, int(parsed)))

    def host(self, text: str) -> str:
        """A host's address or name, perhaps in brackets or with an interface."""
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        address, percent, zone = bare.partition("%")
        try:
            ip_address(address)
        except ValueError:
            return text.replace(bare, self.names.host(bare))
        return text.replace(bare, self.address(address) + percent + zone)

    def network(self, network: Network) -> Network:
        """A network."""
        first = int(network.network_address)
        number = self.addresses.network(network.version, first, network.prefixlen)
        return ip_network((number, network.prefixlen))

    def span(self, begin: str, end: str) -> tuple[str, str] | None:
        """The pseudonyms of the two ends of a range; None if they are not ends of a range."""
        try:
            low, high = ip_address(begin), ip_address(end)
        except ValueError:
            return None
        if low.version != high.version:
            return None
        if self.learning:
            self.addresses.learn(low.version, int(low), int(high))
        first, last = self.addresses.range(low.version, int(low), int(high))
        return _written(low.version, first), _written(low.version, last)

    def prefix(self, text: str, length: int) -> str:
        """The address of a prefix: a network's where its host bits are 0, else an interface's."""
        try:
            parsed = ip_address(text)
        except ValueError:
            return text
        bits = parsed.max_prefixlen
        if length < bits - 1 and not int(parsed) & ((1 << (bits - length)) - 1):
            number = self.addresses.network(parsed.version, int(parsed), length)
            return _written(parsed.version, number)
        return self.address(text)

    def in_text(self, text: str) -> str:
        """Text with pseudonyms for all addresses: IP (also in ranges and prefixes) and MAC."""
        text = _MAC.sub(lambda match: self.names.mac(match[0]), text)
        return _TOKEN.sub(self._token, text)

    def _token(self, match: re.Match[str]) -> str:
        begin, end, length = match["begin"], match["end"], match["length"]
        if end is not None:
            ends = self.span(begin, end)
            return match[0] if ends is None else "-".join(ends)
        if length is not None:
            return f"{self.prefix(begin, int(length))}/{length}"
        return self.address(begin)


def _written(version: int, number: int) -> str:
    if version == 4:
        return str(IPv4Address(number))
    if number >> 32 == 0xFFFF:
        return f"::ffff:{IPv4Address(number & 0xFFFFFFFF)}"
    return str(IPv6Address(number))

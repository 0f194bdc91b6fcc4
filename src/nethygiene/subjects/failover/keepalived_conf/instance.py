"""One ``vrrp_instance`` of a keepalived configuration.

What keepalived 2.2.7 skips with a message is skipped here: an address of another family than the
instance's, a value that is no number. The family is that of the first address it reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from nethygiene.subjects.failover.keepalived_conf.blocks import Directive
from nethygiene.subjects.failover.keepalived_conf.configuration import (
    Address,
    HeldAddress,
    UnicastPeer,
    Vmac,
    VrrpInstance,
)
from nethygiene.subjects.failover.keepalived_conf.definitions import HIDDEN
from nethygiene.subjects.failover.keepalived_conf.files import ConfigurationError

_MAC = re.compile(r"[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){4,5}")


@dataclass(frozen=True, slots=True)
class Defaults:
    """The values of ``global_defs`` for all instances.

    Attributes:
        version: of VRRP over IPv4.
        groups: family to the multicast group.
        vmac_prefix: the beginning of a vmac's name.
    """

    version: int = 2
    groups: dict[int, Address] = field(
        default_factory=lambda: {4: IPv4Address("224.0.0.18"), 6: IPv6Address("ff02::12")}
    )
    vmac_prefix: str = "vrrp"


def address_of(text: str) -> Address | None:
    """The address that a word is; None if it is none. A zone (``%eth0``) is left out.

    Raises:
        ConfigurationError: the host kept the word to itself.
    """
    if HIDDEN in text:
        raise ConfigurationError("an address comes from a definition that is not known")
    try:
        return IPv6Address(text.partition("%")[0]) if ":" in text else IPv4Address(text)
    except AddressValueError:
        return None


def number(text: str, low: int, high: int) -> int | None:
    """The number that a word is, within bounds; None otherwise."""
    if HIDDEN in text:
        raise ConfigurationError("a number comes from a definition that is not known")
    value = int(text) if re.fullmatch("[0-9]{1,9}", text, re.ASCII) else None
    return value if value is not None and low <= value <= high else None


def read_instance(block: Directive, defaults: Defaults, sync_group: str) -> VrrpInstance:
    """The instance of a block.

    Raises:
        ConfigurationError: it depends on what is not known here.
    """
    return _Instance(block, defaults).read(sync_group)


class _Instance:
    def __init__(self, block: Directive, defaults: Defaults) -> None:
        self._block = block
        self._defaults = defaults
        self._family = 0
        self._source: Address | None = None
        self._group: Address | None = None
        self._peers: list[UnicastPeer] = []
        self._held: list[HeldAddress] = []
        for statement in block.inside:
            self._take(statement)

    def read(self, sync_group: str) -> VrrpInstance:
        family = self._family or 4
        interface = self._last("interface").value()
        if HIDDEN in interface:
            raise ConfigurationError("an interface comes from a definition that is not known")
        version = number(self._last("version").value(), 2, 3)
        vrid = number(self._last("virtual_router_id").value(), 1, 255)
        version = 3 if family == 6 else version or self._defaults.version
        seconds = self._last("advert_int").value()
        interval = float(seconds) if re.fullmatch(r"\d{1,3}(\.\d{1,6})?", seconds) else 1.0
        states = {block.value() for block in self._block.all("state")}
        return VrrpInstance(
            name=self._block.value(),
            interface=interface,
            vrid=vrid,
            family=family,
            state="MASTER" if "MASTER" in states else "BACKUP" if states else "",
            priority=number(self._last("priority").value(), 1, 255),
            # VRRP 2 counts in whole seconds.
            advert_int=interval if version == 3 else max(1.0, float(int(interval + 0.5))),
            version=version,
            source=self._source,
            peers=tuple(self._peers),
            group=self._group or self._defaults.groups[family],
            vmac=self._vmac(family, vrid),
            ipvlan=any(self._block.all("use_ipvlan")),
            authentication=self._authentication(family, version),
            addresses=tuple(self._held),
            sync_group=sync_group,
        )

    def _last(self, keyword: str) -> Directive:
        found = [Directive([keyword]), *self._block.all(keyword)]
        return found[-1]

    def _take(self, statement: Directive) -> None:
        """A statement with addresses, in the order of the file: the first one gives the family."""
        match statement.keyword:
            case "native_ipv6":
                self._family = self._family or 6
            case "unicast_src_ip" | "mcast_src_ip":
                self._source = self._fitting(statement.value()) or self._source
            case "mcast_dst_ip":
                self._group = self._fitting(statement.value()) or self._group
            case "unicast_peer":
                self._peers += self._read_peers(statement)
            case "virtual_ipaddress":
                self._held += self._read_held(statement, excluded=False)
            case "virtual_ipaddress_excluded":
                self._held += self._read_held(statement, excluded=True)

    def _fitting(self, text: str) -> Address | None:
        """The address of a word, if it is of the instance's family."""
        address = address_of(text)
        if address is None or self._family not in {0, address.version}:
            return None
        self._family = address.version
        return address

    def _read_peers(self, statement: Directive) -> Iterator[UnicastPeer]:
        for line in statement.inside:
            address = self._fitting(line.keyword)
            options = dict(zip(line.words[1::2], line.words[2::2], strict=False))
            low = number(options.get("min_ttl", "0"), 0, 255)
            high = number(options.get("max_ttl", "255"), 0, 255)
            if address is not None:
                yield UnicastPeer(address, low or 0, 255 if high is None else high)

    def _read_held(self, statement: Directive, *, excluded: bool) -> Iterator[HeldAddress]:
        for line in statement.inside:
            text, _, prefix = line.keyword.partition("/")
            address = address_of(text) if excluded else self._fitting(text)
            if address is None:
                continue
            options = dict(zip(line.words[1:], line.words[2:], strict=False))
            length = number(prefix, 0, address.max_prefixlen)
            yield HeldAddress(
                address,
                address.max_prefixlen if length is None else length,
                options.get("dev", ""),
                excluded,
                options.get("label", ""),
            )

    def _vmac(self, family: int, vrid: int | None) -> Vmac | None:
        statement = self._last("use_vmac")
        if not any(self._block.all("use_vmac")):
            return None
        octets = [0, 0, 0x5E, 0, 1 if family == 4 else 2, vrid or 0]
        name = ""
        words = iter(statement.words[1:])
        for word in words:
            if _MAC.fullmatch(word):
                octets[: word.count(":") + 1] = [int(octet, 16) for octet in word.split(":")]
            elif word == "group":
                next(words, "")
            elif word != "netlink_notify_msg":
                name = name or (next(words, "") if word == "name" else word)
        return Vmac(
            name or f"{self._defaults.vmac_prefix}.{vrid}",
            named=bool(name),
            mac=":".join(f"{octet:02x}" for octet in octets),
            # keepalived sets it by itself for unicast.
            sends_from_base=any(self._block.all("vmac_xmit_base")) or bool(self._peers),
        )

    def _authentication(self, family: int, version: int) -> str:
        """The type that counts: VRRP 3 has none, and without a password keepalived takes none."""
        blocks = [line for block in self._block.all("authentication") for line in block.inside]
        kinds = [line.value() for line in blocks if line.keyword == "auth_type"]
        kind = next((kind for kind in reversed(kinds) if kind in {"PASS", "AH"}), "")
        has_password = any(line.keyword == "auth_pass" and line.value() for line in blocks)
        return kind if has_password and version == 2 and family == 4 else ""

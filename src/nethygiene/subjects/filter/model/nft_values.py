"""Values and sets in nft's JSON, which stand on the right of a match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeAlias

from nethygiene.subjects.filter.model.addresses import (
    BITS,
    Intervals,
    interval_of,
    merged,
    parse_address,
)
from nethygiene.subjects.filter.model.choices import Choice
from nethygiene.subjects.filter.model.fields import ADDRESS_FIELDS, NAME_FIELDS, Field
from nethygiene.subjects.filter.model.matches import Values
from nethygiene.subjects.filter.model.protocols import PROTOCOLS
from nethygiene.subjects.links.ip.families import Family

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

ADDRESSES = ADDRESS_FIELDS
NAMES = NAME_FIELDS

# nft prints these by name (without -n), from /etc/services and its own tables.
_SERVICES = {"ssh": 22, "http": 80, "https": 443, "domain": 53, "smtp": 25}
_ICMPV6 = {"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3}
_ICMPV6 |= {"parameter-problem": 4, "echo-request": 128, "echo-reply": 129}
_ICMPV6 |= {"mld-listener-query": 130, "mld-listener-report": 131, "mld-listener-done": 132}
_ICMPV6 |= {"mld-listener-reduction": 132, "mld2-listener-report": 143}
_ICMPV6 |= {"nd-router-solicit": 133, "nd-router-advert": 134, "nd-neighbor-solicit": 135}
_ICMPV6 |= {"nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138}
_ICMPV6 |= {"ind-neighbor-solicit": 141, "ind-neighbor-advert": 142}
_ICMP = {"echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5}
_ICMP |= {"echo-request": 8, "router-advertisement": 9, "router-solicitation": 10}
_ICMP |= {"time-exceeded": 11, "parameter-problem": 12, "timestamp-request": 13}
_ICMP |= {"timestamp-reply": 14, "info-request": 15, "info-reply": 16}
_ICMP |= {"address-mask-request": 17, "address-mask-reply": 18}
_ICMPV6_CODES = {"no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3}
_ICMPV6_CODES |= {"port-unreachable": 4, "policy-fail": 5, "reject-route": 6}
_ICMP_CODES = {"net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2}
_ICMP_CODES |= {"port-unreachable": 3, "frag-needed": 4, "net-prohibited": 9}
_ICMP_CODES |= {"host-prohibited": 10, "admin-prohibited": 13}
FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
STATUS = {"expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32}
_NAMED: Mapping[Field, Mapping[str, int]] = {
    Field.TCP_FLAGS: FLAGS,
    Field.CT_STATUS: STATUS,
    Field.PROTOCOL: PROTOCOLS,
    Field.ICMP_TYPE: _ICMP,
    Field.ICMPV6_TYPE: _ICMPV6,
    Field.ICMP_CODE: _ICMP_CODES,
    Field.ICMPV6_CODE: _ICMPV6_CODES,
    Field.ETHERTYPE: {"ip": 0x0800, "ip6": 0x86DD, "arp": 0x0806, "vlan": 0x8100, "8021q": 0x8100},
    Field.ARP_OPERATION: {"request": 1, "reply": 2, "rrequest": 3, "rreply": 4},
}
_PKTTYPES = {0: "host", 1: "broadcast", 2: "multicast", 3: "other"}


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A set or map of a table.

    Attributes:
        elements: its elements as nft prints them; of a map, the keys with their values.
        bans: programs add to it while it is in use, or its elements expire.
        filled: rules add clients to it, and rules ask it.
    """

    elements: Sequence[Json]
    bans: bool
    filled: Choice | None = None


def value(key: Field, family: Family, right: Json) -> Values | None:
    """One value, range, prefix or list of them; None if it is unknown."""
    if isinstance(right, Mapping):
        if "set" in right and isinstance(right["set"], Sequence):
            return several(key, family, right["set"])
        if "elem" in right and isinstance(right["elem"], Mapping):
            return value(key, family, right["elem"].get("val"))
        if key in NAMES:
            return None
        return _interval(key, family, right)
    if isinstance(right, Sequence) and not isinstance(right, str):
        return several(key, family, right)
    if key in NAMES:
        return _name(key, right)
    number = _number(key, family, right)
    if number is None and key in ADDRESSES and _other_family(right, family):
        return ()
    return None if number is None else ((number, number),)


def _name(key: Field, right: Json) -> tuple[str] | None:
    if key is Field.PKTTYPE and isinstance(right, int):
        right = _PKTTYPES.get(right)
    elif key is Field.PKTTYPE and right == "unicast":
        right = "host"
    elif key is Field.CT_DIRECTION and right in (0, 1):
        right = "reply" if right else "original"
    return (right,) if isinstance(right, str) else None


def several(key: Field, family: Family, many: Sequence[Json]) -> Values | None:
    """A list of values; None if one of them is unknown."""
    read = [value(key, family, each) for each in many]
    flat = [item for each in read if each is not None for item in each]
    if any(each is None for each in read):
        return None
    if key in NAMES:
        return tuple(item for item in flat if isinstance(item, str))
    return merged(item for item in flat if not isinstance(item, str))


def _interval(key: Field, family: Family, right: Mapping[str, Json]) -> Intervals | None:
    prefix, span = right.get("prefix"), right.get("range")
    if isinstance(prefix, Mapping):
        if key not in ADDRESSES:
            return _aligned(_WIDTHS.get(key, 16), prefix.get("addr"), prefix.get("len"))
        try:
            network = ip_network(f"{prefix.get('addr')}/{prefix.get('len')}", strict=False)
        except ValueError:
            return None
        return (interval_of(network),) if BITS[family] == network.max_prefixlen else ()
    if isinstance(span, Sequence) and not isinstance(span, str) and len(span) == 2:
        low, high = (_number(key, family, each) for each in span)
        if low is None or high is None:
            return () if key in ADDRESSES and _other_family(span[0], family) else None
        return ((low, high),) if low <= high else None
    return None


_WIDTHS = {Field.MARK: 32, Field.CT_MARK: 32, Field.CT_STATUS: 32, Field.PROTOCOL: 8}
_WIDTHS |= {Field.TCP_FLAGS: 8, Field.ICMP_TYPE: 8, Field.ICMPV6_TYPE: 8, Field.TTL: 8}


def _aligned(width: int, number: Json, length: Json) -> Intervals | None:
    """Read ``0x4/30``, which nft 1.0.6 writes for a range of marks."""
    if not isinstance(number, int) or not isinstance(length, int) or not 0 <= length <= width:
        return None
    span = 1 << (width - length)
    return None if number < 0 or number % span else ((number, number + span - 1),)


def _number(key: Field, family: Family, text: Json) -> int | None:
    if isinstance(text, bool):
        return None
    if isinstance(text, int):
        return text if text >= 0 else None
    if not isinstance(text, str):
        return None
    if key in ADDRESSES:
        parsed = parse_address(text)
        return parsed[0] if parsed is not None and parsed[1] == family else None
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    if text.startswith("0x") and len(text) < 12:
        try:
            return int(text, 16)
        except ValueError:
            return None
    return _NAMED.get(key, _SERVICES).get(text)


def _other_family(text: Json, family: Family) -> bool:
    parsed = parse_address(text) if isinstance(text, str) else None
    return parsed is not None and parsed[1] != family

"""Values and sets in nft's JSON: what stands on the right of a match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TypeAlias

from nethygiene.firewall.addresses import (
    BITS,
    Family,
    Intervals,
    interval_of,
    merged,
    parse_address,
)
from nethygiene.firewall.matches import Values
from nethygiene.firewall.packet import Field

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

ADDRESSES = frozenset({Field.SADDR, Field.DADDR, Field.ORIGINAL_DADDR})
NAMES = frozenset({Field.IIF, Field.OIF, Field.CT_STATE, Field.CT_STATUS})

# What nft prints by name (without -n), from /etc/services and its own tables.
_SERVICES = {"ssh": 22, "http": 80, "https": 443, "domain": 53, "smtp": 25}


@dataclass(frozen=True, slots=True)
class NamedSet:
    """A set or map of a table.

    Attributes:
        elements: its elements as nft prints them; of a map, the keys with their values.
        bans: programs add to it while it is in use, or its elements expire.
    """

    elements: Sequence[Json]
    bans: bool


def value(one: Field, family: Family, right: Json) -> Values | None:
    """One value, range, prefix or list of them; None where it cannot be told."""
    if isinstance(right, Mapping):
        if "set" in right and isinstance(right["set"], Sequence):
            return several(one, family, right["set"])
        if "elem" in right and isinstance(right["elem"], Mapping):
            return value(one, family, right["elem"].get("val"))
        if one in NAMES:
            return None
        return _interval(one, family, right)
    if isinstance(right, Sequence) and not isinstance(right, str):
        return several(one, family, right)
    if one in NAMES:
        return (right,) if isinstance(right, str) else None
    number = _number(one, family, right)
    if number is None and one in ADDRESSES and _other_family(right, family):
        return ()
    return None if number is None else ((number, number),)


def several(one: Field, family: Family, many: Sequence[Json]) -> Values | None:
    """A list of values; None where one cannot be told."""
    found = [value(one, family, each) for each in many]
    flat = [item for each in found if each is not None for item in each]
    if any(each is None for each in found):
        return None
    if one in NAMES:
        return tuple(item for item in flat if isinstance(item, str))
    return merged(item for item in flat if not isinstance(item, str))


def _interval(one: Field, family: Family, right: Mapping[str, Json]) -> Intervals | None:
    prefix, span = right.get("prefix"), right.get("range")
    if isinstance(prefix, Mapping):
        try:
            network = ip_network(f"{prefix.get('addr')}/{prefix.get('len')}", strict=False)
        except ValueError:
            return None
        return (interval_of(network),) if BITS[family] == network.max_prefixlen else ()
    if isinstance(span, Sequence) and not isinstance(span, str) and len(span) == 2:
        low, high = (_number(one, family, each) for each in span)
        if low is None or high is None:
            return () if one in ADDRESSES and _other_family(span[0], family) else None
        return ((low, high),) if low <= high else None
    return None


def _number(one: Field, family: Family, text: Json) -> int | None:
    if isinstance(text, bool):
        return None
    if isinstance(text, int):
        return text if text >= 0 else None
    if not isinstance(text, str):
        return None
    if one in ADDRESSES:
        parsed = parse_address(text)
        return parsed[0] if parsed is not None and parsed[1] == family else None
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    if text.startswith("0x") and len(text) < 12:
        try:
            return int(text, 16)
        except ValueError:
            return None
    return _SERVICES.get(text)


def _other_family(text: Json, family: Family) -> bool:
    parsed = parse_address(text) if isinstance(text, str) else None
    return parsed is not None and parsed[1] != family

"""The fields of a packet that expressions of nft's rules name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.fields import TCP, Field
from nethygiene.subjects.filter.model.nft_values import Json, NamedSet
from nethygiene.subjects.links.ip.families import Family

_META = {"iif": Field.IIF, "iifname": Field.IIF, "oif": Field.OIF, "oifname": Field.OIF}
_META |= {"l4proto": Field.PROTOCOL, "protocol": Field.ETHERTYPE, "pkttype": Field.PKTTYPE}
_META |= {"mark": Field.MARK}
_CT = {
    "proto-dst": Field.ORIGINAL_DPORT,
    "daddr": Field.ORIGINAL_DADDR,
    "ip daddr": Field.ORIGINAL_DADDR,
    "ip6 daddr": Field.ORIGINAL_DADDR,
    "saddr": Field.ORIGINAL_SADDR,
    "ip saddr": Field.ORIGINAL_SADDR,
    "ip6 saddr": Field.ORIGINAL_SADDR,
    "proto-src": Field.ORIGINAL_SPORT,
    "state": Field.CT_STATE,
    "status": Field.CT_STATUS,
    "direction": Field.CT_DIRECTION,
    "mark": Field.CT_MARK,
    "protocol": Field.PROTOCOL,
}
_IP = {"saddr": Field.SADDR, "daddr": Field.DADDR}
_IP |= {"protocol": Field.PROTOCOL, "nexthdr": Field.PROTOCOL}
_IP |= {"ttl": Field.TTL, "hoplimit": Field.TTL}
_REPLY = {"proto-src": Field.REPLY_SPORT, "saddr": Field.REPLY_SADDR}
_REPLY |= {"ip saddr": Field.REPLY_SADDR, "ip6 saddr": Field.REPLY_SADDR}
_PORTS = {"dport": Field.DPORT, "sport": Field.SPORT}
_ARP = {"operation": Field.ARP_OPERATION, "saddr ip": Field.ARP_SADDR, "daddr ip": Field.ARP_DADDR}
BIT_FIELDS = frozenset({Field.TCP_FLAGS, Field.CT_STATUS, Field.MARK, Field.CT_MARK})
# The model follows no packet of these protocols.
_OTHER_PROTOCOLS = frozenset({"udp", "udplite", "sctp", "dccp", "esp", "ah"})


@dataclass(frozen=True, slots=True)
class NftScope:
    """Where a rule stands: what its names mean.

    Attributes:
        family: whose packets are judged.
        sets: the sets and maps of its table.
        ethernet: it is in a chain that sees frames.
        both_families: its table is for IPv4 and IPv6.
        limits: the named limits and quotas of its table, by kind and name.
        place: its chain, which is part of the names of limits.
    """

    family: Family
    sets: Mapping[str, NamedSet]
    ethernet: bool = False
    both_families: bool = False
    limits: Mapping[tuple[str, str], Mapping[str, Json]] = field(default_factory=dict)
    place: str = ""


def protocol_of(left: Json) -> int:
    """The protocol that a packet needs for this expression; 0 for any."""
    payload = left.get("payload") if isinstance(left, Mapping) else None
    return TCP if isinstance(payload, Mapping) and payload.get("protocol") == "tcp" else 0


def is_foreign(left: Json, family: Family) -> bool:
    """Whether an expression is about a protocol of which the model follows no packet."""
    if not isinstance(left, Mapping):
        return False
    for each in (left.get("concat"), left.get("&")):
        if isinstance(each, Sequence) and not isinstance(each, str):
            return any(is_foreign(node, family) for node in each)
    payload = left.get("payload")
    protocol = payload.get("protocol") if isinstance(payload, Mapping) else None
    other = "ip6" if family == "ipv4" else "ip"
    ct = left.get("ct")
    if isinstance(ct, Mapping) and str(ct.get("key")).partition(" ")[0] == other:
        return True
    if "ip option" in left or "exthdr" in left:
        return family == ("ipv6" if "ip option" in left else "ipv4")
    icmp, arp = ("icmpv6", "") if family == "ipv4" else ("icmp", "arp")
    return isinstance(protocol, str) and protocol in {*_OTHER_PROTOCOLS, other, icmp, arp}


def tells_family(body: Json) -> bool:
    """Whether a match names IPv4 or IPv6 alone."""
    text = json.dumps(body)
    return any(
        f'"protocol": "{protocol}"' in text for protocol in ("ip", "ip6", "icmp", "icmpv6", "arp")
    )


def field_of(  # noqa: PLR0911 - one a kind
    left: Json, family: Family
) -> Field | None:
    """The field of a packet that an expression names, None if the model does not know it."""
    if not isinstance(left, Mapping):
        return None
    payload = left.get("payload")
    if isinstance(payload, Mapping):
        protocol, name = payload.get("protocol"), payload.get("field")
        if protocol in ("tcp", "th") and name in _PORTS:
            return _PORTS[name]
        if protocol == "tcp" and name == "flags":
            return Field.TCP_FLAGS
        if protocol in ("icmp", "icmpv6") and name == "type":
            return Field.ICMP_TYPE if protocol == "icmp" else Field.ICMPV6_TYPE
        if protocol in ("icmp", "icmpv6") and name == "code":
            return Field.ICMP_CODE if protocol == "icmp" else Field.ICMPV6_CODE
        if protocol == "arp":
            return _ARP.get(str(name))
        if protocol == "ether" and name == "type":
            return Field.ETHERTYPE
        if protocol == ("ip" if family == "ipv4" else "ip6"):
            return _IP.get(str(name))
        return None
    meta = key_of(left, "meta")
    if meta in _META:
        return _META[meta]
    ct = left.get("ct")
    if not isinstance(ct, Mapping):
        return None
    return (_REPLY if ct.get("dir") == "reply" else _CT).get(str(ct.get("key")))


def key_of(left: Mapping[str, Json], kind: str) -> str:
    """The key of ``{kind: {"key": …}}``; empty for another expression."""
    inner = left.get(kind)
    key = inner.get("key") if isinstance(inner, Mapping) else None
    return key if isinstance(key, str) else ""


def name_of(left: Mapping[str, Json]) -> str:
    """The kind of an expression, for messages."""
    return next(iter(left), "an expression")

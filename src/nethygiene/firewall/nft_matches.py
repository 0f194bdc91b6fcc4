"""The matches of nft's rules, read for one family.

What never differs between packets of the family is decided here; what cannot be decided is a
perhaps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nethygiene.firewall.addresses import Family
from nethygiene.firewall.matches import (
    DestinationIsLocal,
    Element,
    In,
    Masked,
    Match,
    Never,
    Perhaps,
    ReversePath,
    Values,
    any_bit,
)
from nethygiene.firewall.nft_values import ADDRESSES, FLAGS, NAMES, STATUS, Json, NamedSet, value
from nethygiene.firewall.packet import TCP, Field

Constant = bool | None
"""Whether it matches every packet of the family; None: perhaps."""

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
_PORTS = {"dport": Field.DPORT, "sport": Field.SPORT}
_ARP = {"operation": Field.ARP_OPERATION, "saddr ip": Field.ARP_SADDR, "daddr ip": Field.ARP_DADDR}
_BITS = frozenset({Field.TCP_FLAGS, Field.CT_STATUS, Field.MARK, Field.CT_MARK})
# Protocols of which no packet is followed.
_OTHER_PROTOCOLS = frozenset({"udp", "udplite", "sctp", "dccp", "esp", "ah"})


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule stands: what its names mean.

    Attributes:
        family: whose packets are judged.
        sets: the sets and maps of its table.
        ethernet: it is in a chain that sees frames.
        both_families: its table is for IPv4 and IPv6.
    """

    family: Family
    sets: Mapping[str, NamedSet]
    ethernet: bool = False
    both_families: bool = False


def constant(answer: Constant, what: str) -> Match | None:
    """A match that is the same for every packet; None for one that always holds."""
    if answer is None:
        return Perhaps(what)
    return None if answer else Never()


def match(  # noqa: PLR0911, PLR0912 - one a kind
    one: Mapping[str, Json], scope: Scope
) -> Match | None:
    """Read ``{"match": …}``; None for one that every packet of the family meets."""
    op, left, right = one.get("op"), one.get("left"), one.get("right")
    if not isinstance(op, str) or not isinstance(left, Mapping):
        return Perhaps("an expression")
    if op in {"!", "!="}:
        op, negated = ("in" if op == "!" else "=="), True
    else:
        negated = False
    if _is_foreign(left, scope.family):
        # Also where it is negated: nft itself asks for the protocol first.
        return Never()
    if isinstance(left.get("concat"), Sequence):
        return _lookup(left["concat"], right, scope, negated)  # type: ignore[arg-type]
    masked = left.get("&")
    if isinstance(masked, Sequence) and not isinstance(masked, str) and len(masked) == 2:
        return _masked(masked[0], masked[1], op, right, negated)
    fixed = _fixed(left, right, scope)
    if not isinstance(fixed, str):
        return constant(fixed is not negated if fixed is not None else None, _name(left))
    if left.get("fib") is not None:
        return _fib(left["fib"], op, right, negated)
    looked_at = field_of(left, scope.family)
    if looked_at is None:
        return Perhaps(_name(left))
    if isinstance(right, str) and right.startswith("@"):
        return _lookup([left], right, scope, negated)
    if looked_at in _BITS:
        return _bits(looked_at, 0xFFFFFFFF, op, right, negated)
    if op in {"<", ">", "<=", ">="}:
        return _compared(looked_at, op, value(looked_at, scope.family, right), _protocol(left))
    values = value(looked_at, scope.family, right)
    if values is None:
        return Perhaps(_name(left))
    return In((looked_at,), (Element((values,)),), negated, protocol=_protocol(left))


def _protocol(left: Json) -> int:
    """The protocol that a packet has to be of for this expression to be asked; 0 for any."""
    payload = left.get("payload") if isinstance(left, Mapping) else None
    return TCP if isinstance(payload, Mapping) and payload.get("protocol") == "tcp" else 0


def _is_foreign(left: Json, family: Family) -> bool:
    """Whether an expression is of a protocol that no packet of this family is followed in."""
    if not isinstance(left, Mapping):
        return False
    for each in (left.get("concat"), left.get("&")):
        if isinstance(each, Sequence) and not isinstance(each, str):
            return any(_is_foreign(one, family) for one in each)
    payload = left.get("payload")
    protocol = payload.get("protocol") if isinstance(payload, Mapping) else None
    other = "ip6" if family == "ipv4" else "ip"
    ct = left.get("ct")
    if isinstance(ct, Mapping) and str(ct.get("key")).partition(" ")[0] == other:
        return True
    icmp, arp = ("icmpv6", "") if family == "ipv4" else ("icmp", "arp")
    return isinstance(protocol, str) and protocol in {*_OTHER_PROTOCOLS, other, icmp, arp}


def tells_family(body: Json) -> bool:
    """Whether a match is for one of IPv4 and IPv6 alone, and says so."""
    text = json.dumps(body)
    return any(f'"protocol": "{one}"' in text for one in ("ip", "ip6", "icmp", "icmpv6", "arp"))


def field_of(  # noqa: PLR0911 - one a kind
    left: Json, family: Family
) -> Field | None:
    """The field of a packet that an expression names, None for one that is not told apart."""
    if not isinstance(left, Mapping):
        return None
    payload = left.get("payload")
    if isinstance(payload, Mapping):
        protocol, field = payload.get("protocol"), payload.get("field")
        if protocol in ("tcp", "th") and field in _PORTS:
            return _PORTS[field]
        if protocol == "tcp" and field == "flags":
            return Field.TCP_FLAGS
        if protocol in ("icmp", "icmpv6") and field == "type":
            return Field.ICMP_TYPE if protocol == "icmp" else Field.ICMPV6_TYPE
        if protocol == "arp":
            return _ARP.get(str(field))
        if protocol == "ether" and field == "type":
            return Field.ETHERTYPE
        if protocol == ("ip" if family == "ipv4" else "ip6"):
            return _IP.get(str(field))
        return None
    meta = _key(left, "meta")
    if meta in _META:
        return _META[meta]
    ct = left.get("ct")
    if isinstance(ct, Mapping) and ct.get("dir") in (None, "original"):
        return _CT.get(str(ct.get("key")))
    return None


def _fixed(left: Mapping[str, Json], right: Json, scope: Scope) -> Constant | str:
    """What is the same for every packet; the string ``varies`` where it is not."""
    family = scope.family
    ct = left.get("ct")
    of_family = isinstance(ct, Mapping) and ct.get("key") == "l3proto"
    if of_family or _key(left, "meta") == "nfproto":
        return _any_of(right, _both(family, 2 if family == "ipv4" else 10), scope)
    return "varies"


def _both(name: str, number: int) -> frozenset[str | int]:
    return frozenset({name, number})


def _any_of(right: Json, ours: frozenset[str | int], scope: Scope) -> Constant:
    """Whether one of ours is among what stands on the right."""
    if isinstance(right, str) and right.startswith("@"):
        known = scope.sets.get(right[1:])
        return None if known is None else _any_of(list(known.elements), ours, scope)
    if isinstance(right, Mapping):
        if isinstance(right.get("set"), Sequence):
            return _any_of(right["set"], ours, scope)
        if isinstance(right.get("elem"), Mapping):
            return _any_of(right["elem"].get("val"), ours, scope)  # type: ignore[union-attr]
        return None
    if isinstance(right, Sequence) and not isinstance(right, str):
        answers = [_any_of(each, ours, scope) for each in right]
        return True if True in answers else None if None in answers else False
    if isinstance(right, str | int):
        return right in ours
    return None


def _number(field: Field, right: Json) -> int | None:
    """Bits as a number: given as one, by name, or as several of them."""
    if isinstance(right, bool):
        return None
    if isinstance(right, int):
        return right
    if isinstance(right, str):
        found = {Field.TCP_FLAGS: FLAGS, Field.CT_STATUS: STATUS}.get(field, {}).get(right)
        plain = value(Field.MARK, "ipv4", right) if found is None else None
        return plain[0][0] if plain and not isinstance(plain[0], str) else found
    if isinstance(right, Mapping) and isinstance(right.get("|"), Sequence):
        return _number(field, right["|"])
    if isinstance(right, Sequence):
        bits = [_number(field, each) for each in right]
        return None if None in bits else sum({bit for bit in bits if bit is not None})
    return None


def _bits(field: Field, mask: int, op: str, right: Json, negated: bool) -> Match:
    """``FIELD & MASK op VALUE``, and for flags ``FIELD VALUE``: one of them is set."""
    if field in {Field.MARK, Field.CT_MARK} and isinstance(right, Mapping):
        found = value(Field.MARK, "ipv4", right)
        if found is None or op != "==":
            return Perhaps("a mark")
        return Masked(field, mask, tuple(one for one in found if not isinstance(one, str)), negated)
    several = [right]
    if isinstance(right, Mapping) and isinstance(right.get("set"), Sequence):
        several = list(right["set"])  # type: ignore[arg-type]
    numbers = [_number(field, each) for each in several]
    known = [one for one in numbers if one is not None]
    if len(known) < len(numbers) or op not in {"in", "=="}:
        return Perhaps(field.name.lower().replace("_", " "))
    if op == "in":
        return any_bit(field, sum({*known}) & mask, inverted=negated)
    return Masked(field, mask, tuple(sorted((one, one) for one in {*known})), negated)


def _masked(left: Json, mask: Json, op: str, right: Json, negated: bool) -> Match | None:
    looked_at = field_of(left, "ipv4") if isinstance(left, Mapping) else None
    if looked_at in _BITS and looked_at is not None:
        bits = _number(looked_at, mask)
        return Perhaps("a mask") if bits is None else _bits(looked_at, bits, op, right, negated)
    return Perhaps(_name(left) if isinstance(left, Mapping) else "an expression")


def _compared(looked_at: Field, op: str, found: Values | None, protocol: int) -> Match:
    if found is None or len(found) != 1 or isinstance(found[0], str):
        return Perhaps("a comparison")
    low, high = found[0]
    top = (1 << 128) - 1 if looked_at in ADDRESSES else (1 << 32) - 1
    first, last = {
        "<": (0, low - 1),
        "<=": (0, high),
        ">": (high + 1, top),
        ">=": (low, top),
    }[op]
    if first > last:
        return Never()
    return In((looked_at,), (Element((((first, last),),)),), protocol=protocol)


def _lookup(keys: Sequence[Json], right: Json, scope: Scope, negated: bool) -> Match:
    bans = False
    entries: Sequence[Json]
    if isinstance(right, str) and right.startswith("@"):
        known = scope.sets.get(right[1:])
        if known is None:
            return Perhaps(f"set {right}")
        entries, bans = known.elements, known.bans
    elif isinstance(right, Mapping) and isinstance(right.get("set"), Sequence):
        entries = right["set"]  # type: ignore[assignment]
    else:
        entries = [right]
    return membership(keys, entries, scope, inverted_=negated, bans=bans)


def membership(
    keys: Sequence[Json],
    entries: Sequence[Json],
    scope: Scope,
    *,
    inverted_: bool = False,
    bans: bool = False,
) -> Match:
    """Whether the keys' values are among the entries of a set."""
    if any(_is_foreign(key, scope.family) for key in keys):
        return Never()
    fields = [field_of(key, scope.family) for key in keys]
    places = [place for place, one in enumerate(fields) if one is not None]
    known = tuple(one for one in fields if one is not None)
    protocol = max((_protocol(key) for key in keys), default=0)
    # A part that every packet meets, or none, such as meta nfproto, is decided here.
    if len(keys) == 1 and known and not _is_map(entries):
        found = value(known[0], scope.family, list(entries))
        if found is not None:
            return In(known, (Element((found,)),), inverted_, bans, protocol)
    elements: list[Element] = []
    for entry in entries:
        made = _entry(keys, fields, places, entry, scope)
        if made is not None:
            elements.append(made)
    return In(known, tuple(elements), inverted_, bans, protocol)


def _entry(
    keys: Sequence[Json],
    fields: Sequence[Field | None],
    places: Sequence[int],
    entry: Json,
    scope: Scope,
) -> Element | None:
    if isinstance(entry, Mapping) and isinstance(entry.get("elem"), Mapping):
        entry = entry["elem"].get("val")  # type: ignore[union-attr]
    parts: Sequence[Json] = [entry]
    if isinstance(entry, Mapping) and isinstance(entry.get("concat"), Sequence):
        parts = entry["concat"]  # type: ignore[assignment]
    if len(parts) != len(keys):
        wild = tuple(_anything(fields[place]) for place in places)
        return Element(wild, perhaps=True)
    perhaps = False
    for key, one, part in zip(keys, fields, parts, strict=True):
        if one is None:
            fixed = _fixed(key, part, scope) if isinstance(key, Mapping) else None
            if fixed is False:
                return None
            perhaps |= fixed is not True
    values: list[Values] = []
    for place in places:
        one = fields[place]
        assert one is not None
        found = value(one, scope.family, parts[place])
        if found == ():
            return None
        perhaps |= found is None
        values.append(_anything(one) if found is None else found)
    return Element(tuple(values), perhaps)


def _anything(one: Field | None) -> Values:
    return ("*",) if one in NAMES else ((0, (1 << 128) - 1),)


def _is_map(entries: Sequence[Json]) -> bool:
    return any(isinstance(one, Sequence) and not isinstance(one, str) for one in entries)


def _fib(  # noqa: PLR0911 - one a kind
    fib: Json, op: str, right: Json, negated: bool
) -> Match:
    if not isinstance(fib, Mapping):
        return Perhaps("fib")
    flags = fib.get("flags")
    asked = {flags} if isinstance(flags, str) else set()
    if isinstance(flags, Sequence) and not isinstance(flags, str):
        asked = {each for each in flags if isinstance(each, str)}
    if fib.get("result") == "type" and asked == {"daddr"} and op == "==":
        if right == "local":
            return DestinationIsLocal(negated)
        kinds = right.get("set") if isinstance(right, Mapping) else [right]
        if isinstance(kinds, Sequence) and "local" not in kinds and _plain_kinds(kinds):
            return (
                In((), (), negated) if "unicast" not in kinds else DestinationIsLocal(not negated)
            )
        return Perhaps("fib")
    if fib.get("result") == "type" and asked == {"saddr"} and op == "==":
        # The sources that are judged are other hosts' addresses.
        kinds = right.get("set") if isinstance(right, Mapping) else [right]
        if isinstance(kinds, Sequence) and _plain_kinds(kinds):
            return constant(("unicast" in kinds) is not negated, "fib") or In((), (), True)
        return Perhaps("fib")
    if fib.get("result") in ("oif", "oifname") and "saddr" in asked and isinstance(right, bool):
        exists = right is not negated
        return ReversePath("iif" in asked, inverted=not exists)
    if fib.get("result") in ("oif", "oifname") and "saddr" in asked and right in (0, ""):
        return ReversePath("iif" in asked, inverted=not negated)
    return Perhaps("fib")


def _plain_kinds(kinds: Sequence[Json]) -> bool:
    return all(
        one
        in {"local", "unicast", "broadcast", "multicast", "anycast", "blackhole"}
        | {"unreachable", "prohibit", "unspec"}
        for one in kinds
        if isinstance(one, str)
    ) and all(isinstance(one, str) for one in kinds)


def _key(left: Mapping[str, Json], kind: str) -> str:
    inner = left.get(kind)
    key = inner.get("key") if isinstance(inner, Mapping) else None
    return key if isinstance(key, str) else ""


def _name(left: Mapping[str, Json]) -> str:
    return next(iter(left), "an expression")


__all__ = ["Scope", "constant", "field_of", "match", "membership", "tells_family"]

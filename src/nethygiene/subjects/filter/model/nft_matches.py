"""The matches of nft's rules, read for one family.

What never differs between packets of the family is decided here; what cannot be decided is a
perhaps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.masks import Masked
from nethygiene.subjects.filter.model.matches import Element, In, Match, Never, Perhaps, Values
from nethygiene.subjects.filter.model.nft_bits import (
    bits_match,
    intervals_of,
    number_of,
    stretch,
    top_of,
)
from nethygiene.subjects.filter.model.nft_fib import fib_match
from nethygiene.subjects.filter.model.nft_fields import (
    BIT_FIELDS,
    NftScope,
    field_of,
    is_foreign,
    key_of,
    name_of,
    protocol_of,
)
from nethygiene.subjects.filter.model.nft_limits import chance
from nethygiene.subjects.filter.model.nft_values import NAMES, Json, value
from nethygiene.subjects.filter.model.way_matches import InterfaceMatch

Constant = bool | None
"""Whether it matches every packet of the family; None for perhaps."""


def constant(answer: Constant, what: str) -> Match | None:
    """A match with the same answer for every packet; None if it always holds."""
    if answer is None:
        return Perhaps(what)
    return None if answer else Never()


def match(node: Mapping[str, Json], scope: NftScope) -> Match | None:
    """Read ``{"match": …}``; None if every packet of the family meets it."""
    op, left, right = node.get("op"), node.get("left"), node.get("right")
    if not isinstance(op, str) or not isinstance(left, Mapping):
        return Perhaps("an expression")
    if op in {"!", "!="}:
        return condition(left, "in" if op == "!" else "==", right, scope, negated=True)
    return condition(left, op, right, scope, negated=False)


def condition(  # noqa: PLR0911 - one a kind
    left: Mapping[str, Json], op: str, right: Json, scope: NftScope, *, negated: bool
) -> Match | None:
    """The match of ``left op right``; None if every packet of the family meets it."""
    if is_foreign(left, scope.family):
        # This holds for a negated match too: nft itself asks for the protocol first.
        return Never()
    concat = left.get("concat")
    if isinstance(concat, Sequence) and not isinstance(concat, str):
        return _lookup(concat, right, scope, negated)
    masked = left.get("&")
    if isinstance(masked, Sequence) and not isinstance(masked, str) and len(masked) == 2:
        return _masked(masked[0], masked[1], op, right, negated, scope)
    fixed = _fixed(left, right, scope)
    if not isinstance(fixed, str):
        return constant(fixed is not negated if fixed is not None else None, name_of(left))
    if left.get("fib") is not None:
        return fib_match(left["fib"], op, right, negated)
    if key_of(left, "meta") in _INTERFACE:
        return _interface(key_of(left, "meta"), right, negated)
    if "numgen" in left or key_of(left, "meta") == "random":
        return chance(left, f"{op} {negated}", right, scope)
    looked_at = field_of(left, scope.family)
    if looked_at is None:
        return Perhaps(name_of(left))
    if isinstance(right, str) and right.startswith("@"):
        return _lookup([left], right, scope, negated)
    if looked_at in BIT_FIELDS:
        return bits_match(looked_at, 0xFFFFFFFF, op, right, negated)
    values = value(looked_at, scope.family, right)
    if op in {"<", ">", "<=", ">="}:
        values = stretch(op, values, top_of(looked_at))
    if values is None:
        return Perhaps(name_of(left))
    return In((looked_at,), (Element((values,)),), negated, protocol=protocol_of(left))


_INTERFACE = {"iifgroup": "group", "iifkind": "kind", "iiftype": "type"}


def _interface(key: str, right: Json, negated: bool) -> Match:
    """The kind of interface by which the packet came in."""
    given = right.get("set") if isinstance(right, Mapping) else [right]
    if not isinstance(given, Sequence) or isinstance(given, str):
        return Perhaps(key)
    words = [str(word) for word in given if isinstance(word, str | int)]
    return InterfaceMatch(
        _INTERFACE[key], frozenset(words), negated, whole=len(words) == len(given)
    )


_CARRIES_NONE = ("exthdr", "ip option")


def _fixed(left: Mapping[str, Json], right: Json, scope: NftScope) -> Constant | str:
    """The answer that is the same for every packet, or the string ``varies``."""
    family = scope.family
    ct = left.get("ct")
    of_family = isinstance(ct, Mapping) and ct.get("key") == "l3proto"
    if of_family or key_of(left, "meta") == "nfproto":
        return _any_of(right, _both(family, 2 if family == "ipv4" else 10), scope)
    secured = key_of(left, "meta") in {"ipsec", "secpath"} or key_of(left, "rt") == "ipsec"
    if secured or any(protocol in left for protocol in _CARRIES_NONE):
        # No followed packet comes by IPsec, or has extension headers or IP options.
        return not right if isinstance(right, bool) else False
    return "varies"


def _both(name: str, number: int) -> frozenset[str | int]:
    return frozenset({name, number})


def _any_of(right: Json, ours: frozenset[str | int], scope: NftScope) -> Constant:
    """Whether one of our values is among those on the right."""
    if isinstance(right, str) and right.startswith("@"):
        named_set = scope.sets.get(right[1:])
        return None if named_set is None else _any_of(list(named_set.elements), ours, scope)
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


def _masked(
    left: Json, mask: Json, op: str, right: Json, negated: bool, scope: NftScope
) -> Match | None:
    looked_at = field_of(left, scope.family) if isinstance(left, Mapping) else None
    what = name_of(left) if isinstance(left, Mapping) else "an expression"
    if looked_at is None or looked_at in NAMES:
        return Perhaps(what)
    if looked_at in BIT_FIELDS:
        bits = number_of(looked_at, mask)
        return (
            Perhaps("a mask") if bits is None else bits_match(looked_at, bits, op, right, negated)
        )
    masks, values = (value(looked_at, scope.family, node) for node in (mask, right))
    if op in {"<", ">", "<=", ">="}:
        values = stretch(op, values, top_of(looked_at))
    plain = intervals_of(masks or ())
    if values is None or len(plain) != 1 or plain[0][0] != plain[0][1]:
        return Perhaps(what)
    mask_bits = plain[0][0]
    return Masked(looked_at, mask_bits, intervals_of(values), negated, protocol_of(left))


def _lookup(keys: Sequence[Json], right: Json, scope: NftScope, negated: bool) -> Match:
    bans = False
    filled = None
    entries: Sequence[Json]
    if isinstance(right, str) and right.startswith("@"):
        named_set = scope.sets.get(right[1:])
        if named_set is None:
            return Perhaps(f"set {right}")
        entries, bans, filled = named_set.elements, named_set.bans, named_set.filled
    elif isinstance(right, Mapping) and isinstance(right.get("set"), Sequence):
        entries = right["set"]  # type: ignore[assignment]
    else:
        entries = [right]
    made = membership(keys, entries, scope, inverted_=negated, bans=bans)
    return replace(made, filled=filled) if isinstance(made, In) and filled else made


def membership(
    keys: Sequence[Json],
    entries: Sequence[Json],
    scope: NftScope,
    *,
    inverted_: bool = False,
    bans: bool = False,
) -> Match:
    """Whether the keys' values are among the entries of a set."""
    if any(is_foreign(key, scope.family) for key in keys):
        return Never()
    if len(keys) == 1 and isinstance(keys[0], Mapping) and not _is_map(entries):
        key = keys[0]
        if field_of(key, scope.family) is None:
            # An expression that is no field, such as a mask, reads as a comparison with a set.
            given: Json = {"set": entries}
            asked = condition(key, "==", given, scope, negated=inverted_)
            return In((), (), True) if asked is None else asked
    fields = [field_of(key, scope.family) for key in keys]
    places = [place for place, key in enumerate(fields) if key is not None]
    fields_read = tuple(key for key in fields if key is not None)
    protocol = max((protocol_of(key) for key in keys), default=0)
    # This decides a part that every packet meets, or none, such as meta nfproto.
    if len(keys) == 1 and fields_read and not _is_map(entries):
        values = value(fields_read[0], scope.family, list(entries))
        if values is not None:
            return In(fields_read, (Element((values,)),), inverted_, bans, protocol)
    elements: list[Element] = []
    for entry in entries:
        made = _entry(keys, fields, places, entry, scope)
        if made is not None:
            elements.append(made)
    return In(fields_read, tuple(elements), inverted_, bans, protocol)


def _entry(
    keys: Sequence[Json],
    fields: Sequence[Field | None],
    places: Sequence[int],
    entry: Json,
    scope: NftScope,
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
    for key, looked_at, part in zip(keys, fields, parts, strict=True):
        if looked_at is None:
            fixed = _fixed(key, part, scope) if isinstance(key, Mapping) else None
            if fixed is False:
                return None
            perhaps |= fixed is not True
    values: list[Values] = []
    for place in places:
        looked_at = fields[place]
        assert looked_at is not None
        given = value(looked_at, scope.family, parts[place])
        if given == ():
            return None
        perhaps |= given is None
        values.append(_anything(looked_at) if given is None else given)
    return Element(tuple(values), perhaps)


def _anything(looked_at: Field | None) -> Values:
    return ("*",) if looked_at in NAMES else ((0, (1 << 128) - 1),)


def _is_map(entries: Sequence[Json]) -> bool:
    return any(isinstance(entry, Sequence) and not isinstance(entry, str) for entry in entries)

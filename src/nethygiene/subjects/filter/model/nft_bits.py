"""Numbers, flags and masks with which nft's rules compare a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.masks import Masked, any_bit
from nethygiene.subjects.filter.model.matches import Match, Perhaps, Values
from nethygiene.subjects.filter.model.nft_values import ADDRESSES, FLAGS, STATUS, Json, value

_ALL_BITS = (1 << 128) - 1


def number_of(field: Field, right: Json) -> int | None:
    """Bits as a number, from a number, a name, or several of them."""
    if isinstance(right, bool):
        return None
    if isinstance(right, int):
        return right
    if isinstance(right, str):
        number = {Field.TCP_FLAGS: FLAGS, Field.CT_STATUS: STATUS}.get(field, {}).get(right)
        plain = value(Field.MARK, "ipv4", right) if number is None else None
        return plain[0][0] if plain and not isinstance(plain[0], str) else number
    if isinstance(right, Mapping) and isinstance(right.get("|"), Sequence):
        return number_of(field, right["|"])
    if isinstance(right, Sequence):
        bits = [number_of(field, each) for each in right]
        return None if None in bits else sum({bit for bit in bits if bit is not None})
    return None


def bits_match(field: Field, mask: int, op: str, right: Json, negated: bool) -> Match:
    """Read ``FIELD & MASK op VALUE``, and for flags ``FIELD VALUE``: one of them is set."""
    if op == "in":
        number = number_of(field, right)
        if number is None:
            return Perhaps(field.name.lower().replace("_", " "))
        return any_bit(field, number & mask, inverted=negated)
    several = [right]
    if isinstance(right, Mapping) and isinstance(right.get("set"), Sequence):
        several = list(right["set"])  # type: ignore[arg-type]
    spans: list[tuple[int, int]] = []
    for node in several:
        inner = node.get("elem") if isinstance(node, Mapping) else None
        node = inner.get("val") if isinstance(inner, Mapping) else node  # noqa: PLW2901
        span = value(Field.MARK, "ipv4", node) if isinstance(node, Mapping) else None
        number = number_of(field, node)
        if number is not None:
            spans.append((number, number))
        elif span:
            spans += [each for each in span if not isinstance(each, str)]
        else:
            return Perhaps(field.name.lower().replace("_", " "))
    values: Values | None = tuple(sorted({*spans}))
    if op in {"<", ">", "<=", ">="}:
        values = stretch(op, values, 0xFFFFFFFF)
    if values is None or op not in {"==", "<", ">", "<=", ">="}:
        return Perhaps(field.name.lower().replace("_", " "))
    return Masked(field, mask, intervals_of(values), negated)


def intervals_of(values: Values) -> Intervals:
    """The numbers among the values, without names."""
    return tuple(span for span in values if not isinstance(span, str))


def top_of(looked_at: Field) -> int:
    """The largest number that a field holds."""
    return _ALL_BITS if looked_at in ADDRESSES else 0xFFFFFFFF


def stretch(op: str, values: Values | None, top: int) -> Values | None:
    """The numbers that are less, or more, than the value."""
    if values is None or len(values) != 1 or isinstance(values[0], str):
        return None
    low, high = values[0]
    first, last = {
        "<": (0, low - 1),
        "<=": (0, high),
        ">": (high + 1, top),
        ">=": (low, top),
    }[op]
    return () if first > last else ((first, last),)

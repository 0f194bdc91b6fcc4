"""How nft's rules change marks: ``meta mark set ct mark & 0xff | 0x100``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nethygiene.subjects.filter.model.effects import SetMark
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.nft_values import Json

_ALL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Sum:
    """``(packet's mark & own) ^ (connection's mark & other) ^ number``."""

    own: int = 0
    other: int = 0
    number: int = 0

    def masked(self, bits: int) -> _Sum:
        return _Sum(self.own & bits, self.other & bits, self.number & bits)

    @property
    def bits(self) -> int:
        return self.own | self.other | self.number


def marked_field(key: Json) -> Field | None:
    """The mark of ``meta mark`` or ``ct mark``; None for something else."""
    if not isinstance(key, Mapping):
        return None
    for kind, field in (("meta", Field.MARK), ("ct", Field.CT_MARK)):
        inner = key.get(kind)
        if isinstance(inner, Mapping) and inner.get("key") == "mark":
            return field
    return None


def new_mark(field: Field, to: Json) -> SetMark:
    """The effect of setting a mark to an expression."""
    total = _sum(to)
    if total is None:
        return SetMark(0, None, field)
    keep, mask = total.own, total.other
    copied = Field.CT_MARK
    if field is Field.CT_MARK:
        keep, mask, copied = mask, keep, Field.MARK
    if not mask:
        return SetMark(keep, total.number, field)
    return SetMark(keep, total.number, field, copied, mask)


def _sum(node: Json) -> _Sum | None:
    if isinstance(node, int) and not isinstance(node, bool):
        return _Sum(number=node & _ALL)
    field = marked_field(node)
    if field is not None:
        return _Sum(own=_ALL) if field is Field.MARK else _Sum(other=_ALL)
    if not isinstance(node, Mapping) or len(node) != 1:
        return None
    ((kind, parts),) = node.items()
    if not isinstance(parts, Sequence) or isinstance(parts, str) or len(parts) < 2:
        return None
    total = _sum(parts[0])
    for each in parts[1:]:
        more = _sum(each)
        total = None if total is None or more is None else _combined(kind, total, more)
    return total


def _combined(kind: str, this: _Sum, two: _Sum) -> _Sum | None:
    if not two.own and not two.other:
        if kind == "&":
            return this.masked(two.number)
        if kind == "|":
            kept = this.masked(_ALL & ~two.number)
            return _Sum(kept.own, kept.other, kept.number | two.number)
    apart = not this.bits & two.bits
    if kind == "^" or (kind == "|" and apart):
        return _Sum(this.own ^ two.own, this.other ^ two.other, this.number ^ two.number)
    return None

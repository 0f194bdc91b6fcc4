"""nft's matches of the routes: ``fib daddr . iif type local``, ``fib saddr . iif oif``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nethygiene.subjects.filter.model.address_types import KINDS, AddressIs
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.matches import Match, Perhaps
from nethygiene.subjects.filter.model.nft_values import Json
from nethygiene.subjects.filter.model.way_matches import ReversePath


def fib_match(fib: Json, op: str, right: Json, negated: bool) -> Match:
    """Read one; whatever follows other interfaces than the packet's is a perhaps.

    Routing rules that ask for marks are one by themselves: no route that they lead to is certain.
    """
    if not isinstance(fib, Mapping):
        return Perhaps("fib")
    flags = fib.get("flags")
    listed = [flags] if isinstance(flags, str) else flags if isinstance(flags, Sequence) else []
    asked = {str(word) for word in listed}
    result, by_iif = fib.get("result"), "iif" in asked
    ends = asked - {"iif"}
    if result != "type":
        ends -= {"mark"}
    if op not in {"==", "in"} or len(ends) != 1:
        return Perhaps("fib")
    end = {"saddr": Field.SADDR, "daddr": Field.DADDR}.get(ends.pop())
    if result == "type" and end is not None:
        kinds = _kinds(right)
        return Perhaps("fib") if kinds is None else AddressIs(end, kinds, negated, by_iif)
    if end is not Field.SADDR or result not in ("oif", "oifname", "check"):
        return Perhaps("fib")
    # nft before 1.1.4 shows whether there is a route as the index of its interface.
    exists = right if isinstance(right, bool) else False if right in (0, "0", "") else None
    if exists is None:
        return Perhaps("fib")
    return ReversePath(by_iif, inverted=exists is negated)


def _kinds(right: Json) -> frozenset[str] | None:
    several = right.get("set") if isinstance(right, Mapping) else [right]
    if not isinstance(several, Sequence) or isinstance(several, str):
        return None
    words = {node.get("elem", node) if isinstance(node, Mapping) else node for node in several}
    kinds = frozenset(word for word in words if isinstance(word, str))
    return kinds if len(kinds) == len(several) and kinds <= KINDS else None

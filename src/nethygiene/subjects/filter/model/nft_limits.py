"""Limits in nft's rules: ``limit``, ``quota``, ``ct count``, chance, and sets that rules fill."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from nethygiene.subjects.filter.model.choices import Choice, Scope
from nethygiene.subjects.filter.model.matches import Match, Never, Perhaps, Varies
from nethygiene.subjects.filter.model.nft_fields import NftScope
from nethygiene.subjects.filter.model.nft_values import Json

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_BYTES = {"bytes": 1, "kbytes": 1 << 10, "mbytes": 1 << 20}
_SYN_BYTES = 60


def limit_match(kind: str, body: Json, place: NftScope, *, each: bool = False) -> Match | None:
    """What ``limit rate 5/minute`` and its like ask; None for what everybody meets.

    Args:
        kind: ``limit``, ``quota`` or ``ct count``.
        body: what nft says of it; a name for one that is kept in the table.
        place: where it stands.
        each: it is counted for each client by itself.
    """
    named = place.limits.get((kind, body)) if isinstance(body, str) else None
    inner = named if named is not None else body
    if not isinstance(inner, Mapping):
        return Perhaps(kind)
    number = inner.get({"limit": "rate", "quota": "val", "ct count": "val"}[kind])
    if kind == "quota" and number is None:
        number = inner.get("bytes")
    if not isinstance(number, int | float) or isinstance(number, bool):
        return Perhaps(kind)
    wanted = bool(inner.get("inv"))
    name = f"{place.place} {kind} {json.dumps(body, sort_keys=True)}"
    if kind == "ct count":
        if number < 1:
            # The connection itself is one (nft_connlimit_do_eval).
            return None if wanted else Never()
        scope = Scope.CLIENT if each else Scope.SHARED
        return Varies(Choice(name, scope, burst=number), wanted)
    if kind == "quota":
        return Varies(Choice(name, Scope.QUOTA), wanted)
    choice = _rate(name, number, inner, each)
    if choice is None:
        return Perhaps(kind)
    if choice.is_remote:
        return Never() if wanted else None
    return Varies(choice, wanted)


def _rate(name: str, number: float, inner: Mapping[str, Json], each: bool) -> Choice | None:
    seconds = _SECONDS.get(str(inner.get("per")))
    burst = inner.get("burst")
    if seconds is None or not isinstance(burst, int | None):
        return None
    many = float(number if burst is None else burst)
    rate = number / seconds
    if inner.get("rate_unit") is not None:
        unit, of_burst = (_BYTES.get(str(inner.get(key)), 1) for key in ("rate_unit", "burst_unit"))
        rate *= unit / _SYN_BYTES
        many = max(many * of_burst / _SYN_BYTES, rate)
    # A burst of 0 is nft's way to leave the kernel's own, of a few packets.
    return Choice(name, Scope.CLIENT if each else Scope.SHARED, rate, many or max(rate, 5.0))


def chance(left: Mapping[str, Json], op: str, right: Json, place: NftScope) -> Match:
    """``numgen random mod 2 == 0``, ``meta random < 1000``: now one packet, now another."""
    text = json.dumps([left, op, right], sort_keys=True)
    return Varies(Choice(f"{place.place} {text}", Scope.CHANCE))


def filled_sets(rules: Sequence[Json]) -> frozenset[str]:
    """The sets to which rules add clients, of those that matches and maps ask."""
    adding: set[str] = set()
    asking: set[str] = set()
    for one in rules:
        _collect(one, adding, asking, 0)
    return frozenset(adding & asking)


def _collect(one: Json, adding: set[str], asking: set[str], depth: int) -> None:
    if depth > 40:
        return
    if isinstance(one, Mapping):
        for key, body in one.items():
            name = body[1:] if isinstance(body, str) and body.startswith("@") else ""
            if name and key in {"right", "data"}:
                asking.add(name)
            elif name and key == "set":
                adding.add(name)
            else:
                _collect(body, adding, asking, depth + 1)
    elif isinstance(one, Sequence) and not isinstance(one, str):
        for each in one:
            _collect(each, adding, asking, depth + 1)


def set_choice(table: str, name: str) -> Choice:
    """Whether a client is in a set that rules fill."""
    return Choice(f"nft {table} @{name}", Scope.LIST, math.inf, math.inf)

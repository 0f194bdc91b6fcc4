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
    """The match of ``limit rate 5/minute`` and the like; None if everybody meets it.

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
    beyond = bool(inner.get("inv"))
    name = f"{place.place} {kind} {json.dumps(body, sort_keys=True)}"
    if kind == "ct count":
        if number < 1:
            # The connection itself counts (nft_connlimit_do_eval).
            return None if beyond else Never()
        scope = Scope.CLIENT if each else Scope.SHARED
        return Varies(Choice(name, scope, burst=number), beyond)
    if kind == "quota":
        return Varies(Choice(name, Scope.QUOTA), beyond)
    choice = _rate(name, number, inner, each)
    if choice is None:
        return Perhaps(kind)
    if choice.is_remote:
        return Never() if beyond else None
    return Varies(choice, beyond)


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
    # With a burst of 0, nft leaves the kernel's default of a few packets.
    return Choice(name, Scope.CLIENT if each else Scope.SHARED, rate, many or max(rate, 5.0))


def chance(left: Mapping[str, Json], op: str, right: Json, place: NftScope) -> Match:
    """Read ``numgen random mod 2 == 0`` or ``meta random < 1000``, which some packets meet."""
    text = json.dumps([left, op, right], sort_keys=True)
    return Varies(Choice(f"{place.place} {text}", Scope.CHANCE))


def filled_sets(rules: Sequence[Json]) -> frozenset[str]:
    """The sets that matches and maps ask, and to which rules add clients."""
    adding: set[str] = set()
    asking: set[str] = set()
    for rule in rules:
        _collect(rule, adding, asking, 0)
    return frozenset(adding & asking)


def _collect(node: Json, adding: set[str], asking: set[str], depth: int) -> None:
    if depth > 40:
        return
    if isinstance(node, Mapping):
        for key, body in node.items():
            name = body[1:] if isinstance(body, str) and body.startswith("@") else ""
            if name and key in {"right", "data"}:
                asking.add(name)
            elif name and key == "set":
                adding.add(name)
            else:
                _collect(body, adding, asking, depth + 1)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for each in node:
            _collect(each, adding, asking, depth + 1)


def set_choice(table: str, name: str) -> Choice:
    """Whether a client is in a set that rules fill."""
    return Choice(f"nft {table} @{name}", Scope.LIST, math.inf, math.inf)

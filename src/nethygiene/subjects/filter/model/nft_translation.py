"""Where destination NAT of nft's rules takes packets: one place, or one for each key of a map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.filter.model.ends import NewSource
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.matches import Match
from nethygiene.subjects.filter.model.nft_fields import NftScope
from nethygiene.subjects.filter.model.nft_matches import membership
from nethygiene.subjects.filter.model.nft_values import Json, value
from nethygiene.subjects.filter.model.ruleset import NatTarget


def translations(
    kind: str, inner: Mapping[str, Json], scope: NftScope
) -> Iterator[tuple[tuple[Match, ...], NatTarget]]:
    """Where packets are taken, with what they meet beside the rule's own conditions.

    One whose key is not in the map goes on to the next rule (NFT_BREAK).
    """
    mapped = [
        (part, targets)
        for part in ("addr", "port")
        if (targets := _map_of(inner.get(part), scope)) is not None
    ]
    if len(mapped) != 1:
        yield (), _target(kind, inner, scope)
        return
    part, (keys, pairs) = mapped[0]
    whole = covers_all(keys, [key for key, _ in pairs])
    for number, (key, to) in enumerate(pairs, 1):
        given = {**inner, part: to}
        if isinstance(to, Mapping) and isinstance(both := to.get("concat"), Sequence):
            given = {**inner, "addr": both[0], "port": both[-1]}
        last = whole and number == len(pairs)
        asked = () if last else (membership(keys, [key], scope),)
        yield asked, _target(kind, given, scope)


def sources(
    kind: str, inner: Mapping[str, Json], scope: NftScope
) -> Iterator[tuple[tuple[Match, ...], NewSource]]:
    """The sources that ``snat`` and ``masquerade`` give, likewise."""
    flags = inner.get("flags")
    told = [flags] if isinstance(flags, str) else flags
    random = isinstance(told, Sequence) and any("random" in str(flag) for flag in told)
    netmap = "netmap" in str(told)
    for asked, target in translations(kind, inner, scope):
        if netmap:
            yield asked, NewSource(unknown="the source that it gives differs by packet")
            continue
        yield asked, NewSource(target.addresses, target.ports, target.unknown, random)


def covers_all(keys: Sequence[Json], entries: Sequence[Json]) -> bool:
    """Whether every packet meets an entry: those of ``numgen random mod 2`` are 0 and 1."""
    if len(keys) != 1 or not isinstance(keys[0], Mapping):
        return False
    share = keys[0].get("numgen")
    if not isinstance(share, Mapping) or not isinstance(modulus := share.get("mod"), int):
        return False
    first = share.get("offset")
    start = first if isinstance(first, int) else 0
    met: set[int] = set()
    for entry in entries:
        spans = entry.get("range") if isinstance(entry, Mapping) else [entry, entry]
        if not isinstance(spans, Sequence) or isinstance(spans, str) or len(spans) != 2:
            return False
        low, high = spans
        if not isinstance(low, int) or not isinstance(high, int):
            return False
        met.update(range(max(low, start), min(high, start + modulus - 1, low + 4096) + 1))
    return len(met) == modulus


def keys_of(key: Json) -> list[Json]:
    """The parts of a map's or a set's key."""
    if isinstance(key, Mapping) and isinstance(parts := key.get("concat"), Sequence):
        return list(parts)
    return [key]


def _map_of(given: Json, scope: NftScope) -> tuple[list[Json], list[tuple[Json, Json]]] | None:
    body = given.get("map") if isinstance(given, Mapping) else None
    if not isinstance(body, Mapping):
        return None
    data = body.get("data")
    if isinstance(data, str) and data.startswith("@"):
        named_map = scope.sets.get(data[1:])
        data = None if named_map is None or named_map.filled is not None else named_map.elements
    elif isinstance(data, Mapping):
        data = data.get("set")
    if not isinstance(data, Sequence) or isinstance(data, str):
        return None
    pairs: list[tuple[Json, Json]] = []
    for pair in data:
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            return None
        if pair[0] == "*":
            return None
        pairs.append((pair[0], pair[1]))
    return keys_of(body.get("key")), pairs


def _target(kind: str, inner: Mapping[str, Json], scope: NftScope) -> NatTarget:
    address, port = inner.get("addr"), inner.get("port")
    addresses: Intervals | None = None
    ports: Intervals | None = None
    tproxy = kind == "tproxy"
    spans = kind in {"snat", "masquerade"}
    if address is not None:
        addresses = _fixed(Field.DADDR, address, scope, spans=spans)
        if not addresses:
            return NatTarget(unknown="where it leads differs by packet", tproxy=tproxy)
    if port is not None:
        ports = _fixed(Field.DPORT, port, scope, spans=spans)
        if not ports:
            return NatTarget(unknown="which port it leads to differs by packet", tproxy=tproxy)
    if tproxy:
        return NatTarget(unknown="a transparent proxy takes it", tproxy=True)
    return NatTarget(kind == "redirect", addresses, ports)


def _fixed(key: Field, given: Json, scope: NftScope, *, spans: bool = False) -> Intervals:
    """The single address or port, or the span, that is given; empty for several or none."""
    if isinstance(given, Mapping) and ("map" in given or "numgen" in given or "jhash" in given):
        return ()
    items = [item for item in value(key, scope.family, given) or () if not isinstance(item, str)]
    return tuple(items) if len(items) == 1 and (spans or items[0][0] == items[0][1]) else ()

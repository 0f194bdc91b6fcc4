"""``ipset save``: the sets that iptables' ``--match-set`` asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from nethygiene.firewall.addresses import BITS, Family, interval_of, merged, parse_address
from nethygiene.firewall.matches import Element, Values
from nethygiene.firewall.packet import Field


@dataclass(frozen=True, slots=True)
class IpSet:
    """One set.

    Attributes:
        name: its name.
        kind: as ``hash:net,port``.
        family: of its addresses.
        entries: its elements as written, without options.
        bans: its elements expire.
        nomatch: elements that are exceptions.
    """

    name: str
    kind: str
    family: Family
    entries: tuple[tuple[str, bool], ...]
    bans: bool


def parse_ipsets(text: str) -> dict[str, IpSet] | None:
    """Read the listing; None where a line is none of its."""
    heads: dict[str, tuple[str, Family, bool]] = {}
    entries: dict[str, list[tuple[str, bool]]] = {}
    for line in text.split("\n"):
        words = line.split()
        if not words:
            continue
        if words[0] == "create" and len(words) >= 3:
            family: Family = "ipv6" if "inet6" in words else "ipv4"
            heads[words[1]] = (words[2], family, "timeout" in words[3:])
            entries[words[1]] = []
        elif words[0] == "add" and len(words) >= 3 and words[1] in heads:
            entries[words[1]].append((words[2], "nomatch" in words[3:]))
        else:
            return None
    return {
        name: IpSet(name, kind, family, tuple(entries[name]), expires or name.startswith("f2b"))
        for name, (kind, family, expires) in heads.items()
    }


def elements_of(
    found: IpSet, directions: Iterable[str], family: Family
) -> tuple[tuple[Field, ...], tuple[Element, ...]] | None:
    """The set as fields and elements for ``--match-set NAME directions``; None: cannot be told."""
    flow = list(directions)
    if found.kind.startswith("list:"):
        return None if found.entries else ((), ())
    if found.family != family and found.kind.partition(":")[2] != "port":
        return (), ()
    parts = found.kind.partition(":")[2].split(",")
    fields: list[Field] = []
    for place, part in enumerate(parts):
        direction = flow[place] if place < len(flow) else ""
        if part in {"ip", "net"} and direction in {"src", "dst"}:
            fields.append(Field.SADDR if direction == "src" else Field.DADDR)
        elif part == "port" and direction in {"src", "dst"}:
            fields.append(Field.SPORT if direction == "src" else Field.DPORT)
        elif part == "iface" and direction == "src":
            fields.append(Field.IIF)
        else:
            return None
    elements: list[Element] = []
    for entry, exception in found.entries:
        words = entry.split(",")
        if exception or len(words) != len(fields):
            return None
        values = [_value(one, word, family) for one, word in zip(fields, words, strict=True)]
        if any(one is None for one in values):
            return None
        known = tuple(one for one in values if one is not None)
        if () not in known:
            elements.append(Element(known))
    if len(fields) == 1:
        numbers = merged(v for e in elements for v in e.values[0] if not isinstance(v, str))
        return tuple(fields), (Element((numbers,)),)
    return tuple(fields), tuple(elements)


def _value(one: Field, word: str, family: Family) -> Values | None:
    if one is Field.IIF:
        return (word,) if "physdev:" not in word else None
    if one in {Field.SPORT, Field.DPORT}:
        protocol, colon, port = word.rpartition(":")
        if colon and protocol.lower() not in {"tcp", "6"}:
            return ()
        low, _, high = port.partition("-")
        if not (low.isascii() and low.isdigit() and len(low) < 6):
            return None
        return ((int(low), int(high) if high.isdigit() and len(high) < 6 else int(low)),)
    if "-" in word:
        first, _, last = word.partition("-")
        low_, high_ = parse_address(first), parse_address(last)
        return None if low_ is None or high_ is None else ((low_[0], high_[0]),)
    try:
        network = ip_network(word, strict=False)
    except ValueError:
        return None
    return (interval_of(network),) if network.max_prefixlen == BITS[family] else ()

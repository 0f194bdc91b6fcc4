"""``ipset save``: the sets that iptables' ``--match-set`` asks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from nethygiene.subjects.filter.model.addresses import BITS, interval_of, merged, parse_address
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.matches import Element, Values
from nethygiene.subjects.links.ip.families import Family


@dataclass(frozen=True, slots=True)
class IpSet:
    """One set.

    Attributes:
        name: its name.
        kind: as ``hash:net,port``.
        family: of its addresses.
        entries: its elements as written, without options but for ``wildcard``, each with whether
            it is an exception (``nomatch``).
        bans: its elements expire.
        netmask: the length that addresses are cut to before they are looked for; None for whole.
        strange: it compares in a way that is not read here.
    """

    name: str
    kind: str
    family: Family
    entries: tuple[tuple[str, bool], ...]
    bans: bool
    netmask: int | None = None
    strange: bool = False


def parse_ipsets(text: str) -> dict[str, IpSet] | None:
    """Read the listing; None where a line is none of its."""
    heads: dict[str, list[str]] = {}
    entries: dict[str, list[tuple[str, bool]]] = {}
    for line in text.split("\n"):
        words = line.split()
        if not words:
            continue
        if words[0] == "create" and len(words) >= 3:
            heads[words[1]] = words[2:]
            entries[words[1]] = []
        elif words[0] == "add" and len(words) >= 3 and words[1] in heads:
            options = _options(words[3:])
            entry = f"{words[2]}*" if "wildcard" in options else words[2]
            entries[words[1]].append((entry, "nomatch" in options))
        else:
            return None
    return {name: _set(name, head, tuple(entries[name])) for name, head in heads.items()}


def _options(words: list[str]) -> set[str]:
    """The options of an element, without its comment, which may say anything."""
    if "comment" in words:
        words = words[: words.index("comment")]
    return set(words)


def _set(name: str, head: list[str], entries: tuple[tuple[str, bool], ...]) -> IpSet:
    given = head[head.index("netmask") + 1 :][:1] if "netmask" in head else []
    netmask = int(given[0]) if given and re.fullmatch(r"\d{1,3}", given[0], re.ASCII) else None
    family: Family = "ipv6" if "inet6" in head else "ipv4"
    strange = "bitmask" in head or bool(given and netmask is None)
    if netmask is not None and netmask > BITS[family]:
        strange = True
    bans = "timeout" in head or name.startswith(("f2b", "fail2ban", "crowdsec", "sshguard"))
    return IpSet(name, head[0], family, entries, bans, netmask, strange)


def elements_of(
    ipset: IpSet, directions: Iterable[str], family: Family
) -> tuple[tuple[Field, ...], tuple[Element, ...]] | None:
    """The set as fields and elements for ``--match-set NAME directions``; None: cannot be told."""
    flow = list(directions)
    parts = ipset.kind.partition(":")[2].split(",")
    if (ipset.family != family and parts != ["port"]) or len(parts) > len(flow):
        # The kernel looks in no set that asks for more than the rule names (ip_set_test).
        return (), ()
    if ipset.strange:
        return None
    fields: list[Field] = []
    for part, direction in zip(parts, flow, strict=False):
        field = _FIELDS.get((part, direction))
        if field is None:
            return None
        fields.append(field)
    elements: list[tuple[tuple[int, ...], Element]] = []
    for entry, exception in ipset.entries:
        words = entry.removesuffix("*").split(",")
        if len(words) != len(fields):
            return None
        if entry.endswith("*"):
            words[-1] += "*"
        values = [
            _value(kind, word, family, ipset.netmask)
            for kind, word in zip(fields, words, strict=True)
        ]
        if any(value is None for value in values):
            return None
        read = tuple(value for value in values if value is not None)
        if () not in read:
            element = Element(read, exception=exception)
            elements.append((tuple(_length(word) for word in words), element))
    if any(element.exception for _, element in elements):
        # The narrowest element decides, by its first network first.
        return tuple(fields), tuple(
            element for _, element in sorted(elements, key=lambda pair: pair[0])
        )
    plain = [element for _, element in elements]
    if len(fields) == 1 and fields[0] is not Field.IIF:
        numbers = merged(v for e in plain for v in e.values[0] if not isinstance(v, str))
        return tuple(fields), (Element((numbers,)),)
    return tuple(fields), tuple(plain)


_FIELDS = {
    ("ip", "src"): Field.SADDR,
    ("ip", "dst"): Field.DADDR,
    ("net", "src"): Field.SADDR,
    ("net", "dst"): Field.DADDR,
    ("port", "src"): Field.SPORT,
    ("port", "dst"): Field.DPORT,
    ("iface", "src"): Field.IIF,
    ("iface", "dst"): Field.OIF,
    ("mark", "src"): Field.MARK,
    ("mark", "dst"): Field.MARK,
}


def _length(word: str) -> int:
    """How narrow an element's network is."""
    _, slash, length = word.partition("/")
    return int(length) if slash and re.fullmatch(r"\d{1,3}", length, re.ASCII) else 128


def _value(kind: Field, word: str, family: Family, netmask: int | None) -> Values | None:
    if kind in {Field.IIF, Field.OIF}:
        return (word,) if "physdev:" not in word else None
    if kind is Field.MARK:
        if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}", word, re.ASCII):
            return None
        return ((int(word, 16), int(word, 16)),)
    if kind in {Field.SPORT, Field.DPORT}:
        protocol, colon, port = word.rpartition(":")
        if colon and protocol.lower() not in {"tcp", "6"}:
            return ()
        ports = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", port, re.ASCII)
        if ports is None:
            return None
        low, high = int(ports[1]), int(ports[2] or ports[1])
        return ((low, high),) if low <= high else ()
    return _addresses(word, family, netmask)


def _addresses(word: str, family: Family, netmask: int | None) -> Values | None:
    if "-" in word:
        first, _, last = word.partition("-")
        low_, high_ = parse_address(first), parse_address(last)
        if low_ is None or high_ is None or low_[0] > high_[0]:
            return None
        return ((low_[0], high_[0]),)
    try:
        network = ip_network(
            word if netmask is None or "/" in word else f"{word}/{netmask}", strict=False
        )
    except ValueError:
        return None
    return (interval_of(network),) if network.max_prefixlen == BITS[family] else ()

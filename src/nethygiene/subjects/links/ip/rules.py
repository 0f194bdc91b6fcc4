"""Routing rules, one line each, as ``ip -o rule`` prints them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nethygiene.subjects.links.ip.families import Family, Network, parse_network, rows_of

# `ip route get` asks for a packet without a mark, of the login's own user, to no port.
_UNASKED = frozenset({"fwmark", "sport", "dport", "uidrange", "tos", "dsfield"})
_VALUED = frozenset({
    "from", "to", "iif", "oif", "fwmark", "tos", "dsfield", "uidrange", "ipproto", "sport",
    "dport", "tun_id", "lookup", "table", "suppress_prefixlength", "suppress_ifgroup", "proto",
    "protocol", "goto", "realms",
})  # fmt: skip
_REFUSING = frozenset({"unreachable", "blackhole", "prohibit"})
# These words have a field of their own, or describe who added the rule.
_PLACED = frozenset({"from", "to", "iif", "oif", "lookup", "table", "proto", "protocol"})


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule that picks a routing table.

    Attributes:
        priority: the kernel asks the least first.
        text: the rule as printed.
        source: the source prefix that it is for, None for all.
        destination: the destination that it is for, None for all.
        incoming: the interface that a packet comes in by (``iif``); empty for any.
        outgoing: the interface that a socket or packet is bound to (``oif``); empty for any.
        inverted: it is for all other packets.
        table: the table that it looks up; empty if it does something else.
        protocol: the transport protocol, as ``tcp``; empty for any.
        suppress: ``suppress_prefixlength``: routes of that length or shorter do not count; -1
            for none.
        mark: the packet's mark that it is for, and which of its bits; None for any mark.
        others: the words for everything else that it looks at or does, as ``fwmark``, ``dport``,
            ``goto``.
    """

    priority: int
    text: str
    source: Network | None = None
    destination: Network | None = None
    incoming: str = ""
    outgoing: str = ""
    inverted: bool = False
    table: str = ""
    protocol: str = ""
    suppress: int = -1
    mark: tuple[int, int] | None = None
    others: frozenset[str] = frozenset()

    @property
    def selects_otherwise(self) -> bool:
        """Whether it looks at more than the source and the interface that a socket is bound to."""
        more = self.inverted or self.destination is not None or bool(self.incoming)
        return more or self.suppress >= 0 or bool(self.others - {"nop"})

    @property
    def is_for_all(self) -> bool:
        """Whether it is for all packets."""
        return self.source is None and not self.outgoing and not self.selects_otherwise

    @property
    def unasked(self) -> frozenset[str]:
        """What it looks at that no question to the kernel names: ``fwmark``, ``dport``."""
        return self.others & _UNASKED


def parse_rules(text: str, family: Family) -> tuple[PolicyRule, ...]:
    """Read ``ip -o rule``, in the order in which the kernel asks the rules.

    Raises:
        ValueError: a line is no rule.
    """
    rules: list[PolicyRule] = []
    for row in rows_of(text):
        try:
            rules.append(parse_rule(row, family))
        except ValueError as error:
            raise ValueError(f"{error}: {row[:120]!r}") from None
    return tuple(rules)


def parse_rule(line: str, family: Family) -> PolicyRule:
    """Read one rule, as ``32765: from 192.0.2.10 lookup 100``.

    Raises:
        ValueError: it is no rule.
    """
    priority, colon, rest = line.partition(":")
    if not colon or not re.fullmatch(r"\d{1,10}", priority, re.ASCII):
        raise ValueError("no priority")
    values: dict[str, str] = {}
    others: set[str] = set()
    words = iter(rest.split())
    for word in words:
        value = next(words, None) if word in _VALUED else None
        if value is None:
            others.add(word)
        else:
            values[word] = value
    if "from" not in values:
        raise ValueError("no source")
    suppress = values.get("suppress_prefixlength", "")
    if re.fullmatch(r"\d{1,4}", suppress, re.ASCII):
        del values["suppress_prefixlength"]
    else:
        suppress = "-1"
    source, destination = values["from"], values.get("to")
    return PolicyRule(
        int(priority),
        " ".join(line.split()),
        source=None if source == "all" else parse_network(source, family),
        destination=None if destination is None else parse_network(destination, family),
        incoming=values.get("iif", ""),
        outgoing=values.get("oif", ""),
        inverted="not" in others,
        table=values.get("lookup", values.get("table", "")),
        protocol=values.get("ipproto", ""),
        suppress=int(suppress),
        mark=_mark(values["fwmark"]) if "fwmark" in values else None,
        others=frozenset(others - _REFUSING - {"not"} | (values.keys() - _PLACED)),
    )


def _mark(text: str) -> tuple[int, int]:
    """Read ``0x1`` or ``0x1/0xff``."""
    value, _, mask = text.partition("/")
    return int(value, 0), int(mask or "0xffffffff", 0)

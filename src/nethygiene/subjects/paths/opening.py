"""The remedy of a filter that refuses a connection on its way: accept it before that rule."""

from __future__ import annotations

from nethygiene.engine.remedies import paragraphs
from nethygiene.subjects.filter.crossing import Crossing, CrossingConnection
from nethygiene.subjects.filter.firewall_tools import (
    IPTABLES_FILE,
    NFT_FILE,
    RulePlace,
    family_of_nft,
    iptables,
    nft,
    place_of,
    steps,
)
from nethygiene.subjects.filter.model.addresses import written


def open_for(host: str, crossing: Crossing, connection: CrossingConnection) -> str:
    """Let a connection through, before the rule that loses it; empty for what is no rule."""
    place = place_of(crossing.chain)
    if place is None or crossing.is_discovery:
        return ""
    if place.manager:
        where = f"{place.table} {place.chain}"
        return f"On {host}, open it with {place.manager}, which made the rule in {where}."
    reply = crossing.is_answer
    line = (
        _nft(place, connection, reply)
        if place.tool == "nft"
        else _iptables(place, connection, reply)
    )
    kept = NFT_FILE if place.tool == "nft" else IPTABLES_FILE
    return paragraphs(steps(f"On {host}, open it before the rule that refuses.", line, kept))


def _ends(connection: CrossingConnection, reply: bool) -> dict[str, str]:
    """The addresses of the packets to let through, by ``s`` and ``d``, as far as they are known."""
    names = ("d", "s") if reply else ("s", "d")
    numbers = (connection.source, connection.destination)
    return {
        name: written(number, connection.family)
        for name, number in sorted(zip(names, numbers, strict=True), reverse=True)
        if number is not None
    }


def _nft(place: RulePlace, connection: CrossingConnection, reply: bool) -> str:
    family = family_of_nft(connection.family)
    ends = [f"{family} {name}addr {at}" for name, at in _ends(connection, reply).items()]
    port = f"tcp {'sport' if reply else 'dport'} {connection.port}"
    match = " ".join([*ends, port])
    return nft(f"insert rule {place.family} {place.table} {place.chain} {match} accept")


def _iptables(place: RulePlace, connection: CrossingConnection, reply: bool) -> str:
    ends = [f"-{name} {at}" for name, at in _ends(connection, reply).items()]
    port = f"{'--sport' if reply else '--dport'} {connection.port}"
    match = " ".join([*ends, "-p tcp", port, "-j ACCEPT"])
    return iptables(place.tool, f"-I {place.chain} 1 {match}", place.table)

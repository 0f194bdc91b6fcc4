"""iptables' matches of connection tracking."""

from __future__ import annotations

import re
from dataclasses import replace

from nethygiene.subjects.filter.model.conntrack import CtStatus
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.iptables_options import Option
from nethygiene.subjects.filter.model.masks import any_bit
from nethygiene.subjects.filter.model.matches import AnyOf, In, Match, Perhaps, names, numbers

_PORTS = {
    "--ctorigdstport": Field.ORIGINAL_DPORT,
    "--ctorigsrcport": Field.ORIGINAL_SPORT,
    "--ctreplsrcport": Field.REPLY_SPORT,
}
ADDRESSES = {
    "--ctorigdst": Field.ORIGINAL_DADDR,
    "--ctorigsrc": Field.ORIGINAL_SADDR,
    "--ctreplsrc": Field.REPLY_SADDR,
}
_BITS = {"EXPECTED": 1, "SEEN_REPLY": 2, "ASSURED": 4, "CONFIRMED": 8}


def conntrack_match(option: Option) -> list[Match]:
    """Read an option of the modules conntrack and state but for addresses and protocols."""
    word, value, inverted = option.word, option.value, option.inverted
    if word in {"--ctstate", "--state"}:
        return _state(value, inverted)
    if word == "--ctdir":
        return [names(Field.CT_DIRECTION, (value.lower(),), inverted=inverted)]
    if word == "--ctstatus":
        return _status(value, inverted)
    ports = re.fullmatch(r"(\d{1,5})(?::(\d{1,5}))?", value, re.ASCII)
    if word in _PORTS and ports is not None:
        span = (int(ports[1]), int(ports[2] or ports[1]))
        return [numbers(_PORTS[word], (span,) if span[0] <= span[1] else (), inverted=inverted)]
    return [Perhaps(word)]


def moved(matches: list[Match], field: Field) -> list[Match]:
    """Matches of one address as matches of another."""
    return [
        replace(match, fields=(field,)) if isinstance(match, In) else match for match in matches
    ]


def _state(value: str, inverted: bool) -> list[Match]:
    states = set(value.split(","))
    nat = states & {"DNAT", "SNAT"}
    plain = names(Field.CT_STATE, tuple(sorted(state.lower() for state in states - nat)))
    if not nat:
        return [replace(plain, inverted=inverted)]
    bits = CtStatus.DST_NAT * ("DNAT" in nat) | CtStatus.SRC_NAT * ("SNAT" in nat)
    # A packet without a connection has no status; then the rule asks for its state alone.
    return [AnyOf((plain, any_bit(Field.CT_STATUS, bits)), inverted)]


def _status(value: str, inverted: bool) -> list[Match]:
    words = value.split(",")
    if not all(word in _BITS for word in words):
        return [Perhaps("--ctstatus")]
    return [any_bit(Field.CT_STATUS, sum({_BITS[word] for word in words}), inverted=inverted)]

"""The targets of iptables' rules."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from nethygiene.subjects.filter.model.effects import (
    Effect,
    MaskSource,
    PutInZone,
    PutOn,
    Untrack,
)
from nethygiene.subjects.filter.model.ipset_matches import set_choice
from nethygiene.subjects.filter.model.iptables_marks import connection_mark, packet_mark
from nethygiene.subjects.filter.model.iptables_options import Context
from nethygiene.subjects.filter.model.iptables_translation import source_of, target_of_nat
from nethygiene.subjects.filter.model.ruleset import Action, NatTarget

_PASSING = frozenset(
    {"LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "CONNSECMARK", "SECMARK", "CLASSIFY"}
    | {"DSCP", "TOS", "TTL", "HL", "ECN", "TCPMSS", "TCPOPTSTRIP", "CHECKSUM", "TEE"}
    | {"RATEEST", "IDLETIMER", "LED", "ACCOUNT"}
)
_UNDECIDED = frozenset(
    {"NFQUEUE", "QUEUE", "SYNPROXY", "TARPIT", "DELUDE", "CHAOS", "STEAL", "CLUSTERIP", "NETMAP"}
    | {"DNPT", "SNPT", "MIRROR", "ROUTE", "ECHO"}
)


@dataclass(frozen=True, slots=True)
class TargetMeaning:
    """The effect of a target, as fields of a FilterRule."""

    action: Action
    chain: str = ""
    target: NatTarget | None = None
    effects: tuple[Effect, ...] = ()


_VERDICTS = {
    "ACCEPT": Action.ACCEPT,
    "DROP": Action.DROP,
    "REJECT": Action.REJECT,
    "RETURN": Action.RETURN,
}


def target_of(  # noqa: PLR0911
    name: str, options: list[str], *, goto: bool, context: Context
) -> list[TargetMeaning]:
    """The effect of ``-j NAME options``; a target may leave the packet as it is."""
    if not name or name in _PASSING:
        return []
    if name in _VERDICTS:
        return [TargetMeaning(_VERDICTS[name])]
    if name in {"MARK", "HMARK"}:
        return [TargetMeaning(Action.CONTINUE, effects=(packet_mark(options),))]
    if name == "CONNMARK":
        return [TargetMeaning(Action.CONTINUE, effects=(connection_mark(options),))]
    if name in {"NOTRACK", "CT"}:
        return _tracking(name, options)
    if name in {"SNAT", "MASQUERADE"}:
        to = source_of(name, options, context.family)
        return [TargetMeaning(Action.ACCEPT, effects=(MaskSource(to),))]
    if name in {"DNAT", "REDIRECT"}:
        return [TargetMeaning(Action.NAT, target=target_of_nat(name, options, context.family))]
    if name == "TPROXY":
        target = NatTarget(unknown="a transparent proxy takes it", tproxy=True)
        return [TargetMeaning(Action.NAT, target=target)]
    if name == "SET":
        return _set(options, context)
    if name in _UNDECIDED:
        return [TargetMeaning(Action.UNDECIDED)]
    return [TargetMeaning(Action.GOTO if goto else Action.JUMP, chain=name)]


def _tracking(name: str, options: list[str]) -> list[TargetMeaning]:
    """NOTRACK, and CT, whose zone for the client's direction alone hides no answer."""
    if name == "NOTRACK" or "--notrack" in options:
        return [TargetMeaning(Action.CONTINUE, effects=(Untrack(),))]
    zone = dict(pairwise(options)).get("--zone")
    return [TargetMeaning(Action.CONTINUE, effects=(PutInZone(_zone(zone)),))] if zone else []


def _zone(text: str) -> str:
    return "" if text == "0" else text


def _set(options: list[str], context: Context) -> list[TargetMeaning]:
    """SET, which puts the client into a set or takes it out; other addresses do not matter."""
    if len(options) < 3 or options[1] not in context.filled or options[2].split(",")[0] != "src":
        return []
    off = options[0] == "--del-set"
    return [TargetMeaning(Action.CONTINUE, effects=(PutOn(set_choice(options[1]).name, off=off),))]

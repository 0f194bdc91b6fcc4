"""The targets of iptables' rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from nethygiene.subjects.filter.model.addresses import Intervals, parse_address
from nethygiene.subjects.filter.model.effects import Effect, PutInZone, PutOn, Untrack
from nethygiene.subjects.filter.model.ipset_matches import set_choice
from nethygiene.subjects.filter.model.iptables_marks import connection_mark, packet_mark
from nethygiene.subjects.filter.model.iptables_options import Context
from nethygiene.subjects.filter.model.ruleset import Action, NatTarget
from nethygiene.subjects.links.ip.families import Family

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
    masks_source: bool = False


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
        return [TargetMeaning(Action.ACCEPT, masks_source=True)]
    if name in {"DNAT", "REDIRECT"}:
        return [TargetMeaning(Action.NAT, target=_nat(name, options, context.family))]
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


def _nat(name: str, options: list[str], family: Family) -> NatTarget:
    given = ""
    for place, word in enumerate(options[:-1]):
        if word in {"--to-destination", "--to-ports"}:
            given = options[place + 1]
    if "--random" in options or options.count("--to-destination") > 1:
        return NatTarget(unknown="where it leads differs by packet")
    if name == "REDIRECT":
        ports = _ports(given)
        several = given and not ports
        unknown = "which port it leads to differs by packet" if several else ""
        return NatTarget(here=True, ports=ports, unknown=unknown)
    address, port = given, ""
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(.*))?", given)
    if bracketed:
        address, port = bracketed[1], bracketed[2] or ""
    elif given.count(":") == 1:
        address, port = given.split(":")
    addresses: Intervals | None = None
    if address:
        parsed = parse_address(address)
        if parsed is None or parsed[1] != family:
            return NatTarget(unknown=f"it leads to {address}")
        addresses = ((parsed[0], parsed[0]),)
    ports = _ports(port)
    if port and not ports:
        return NatTarget(unknown="which port it leads to differs by packet")
    return NatTarget(addresses=addresses, ports=ports)


def _ports(text: str) -> Intervals | None:
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII):
        return None
    return ((int(text), int(text)),)

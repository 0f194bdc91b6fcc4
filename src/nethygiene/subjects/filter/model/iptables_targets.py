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
from nethygiene.subjects.filter.model.ruleset import Action, Target
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
class Outcome:
    """What a target does, as the fields of a Rule."""

    action: Action
    chain: str = ""
    target: Target | None = None
    effects: tuple[Effect, ...] = ()
    masks_source: bool = False


_VERDICTS = {
    "ACCEPT": Action.ACCEPT,
    "DROP": Action.DROP,
    "REJECT": Action.REJECT,
    "RETURN": Action.RETURN,
}


def target_of(name: str, options: list[str], *, goto: bool, context: Context) -> list[Outcome]:  # noqa: PLR0911
    """What ``-j NAME options`` does; nothing for one that leaves the packet as it is."""
    if not name or name in _PASSING:
        return []
    if name in _VERDICTS:
        return [Outcome(_VERDICTS[name])]
    if name in {"MARK", "HMARK"}:
        return [Outcome(Action.CONTINUE, effects=(packet_mark(options),))]
    if name == "CONNMARK":
        return [Outcome(Action.CONTINUE, effects=(connection_mark(options),))]
    if name in {"NOTRACK", "CT"}:
        return _tracking(name, options)
    if name in {"SNAT", "MASQUERADE"}:
        return [Outcome(Action.ACCEPT, masks_source=True)]
    if name in {"DNAT", "REDIRECT"}:
        return [Outcome(Action.NAT, target=_nat(name, options, context.family))]
    if name == "TPROXY":
        target = Target(unknown="a transparent proxy takes it", tproxy=True)
        return [Outcome(Action.NAT, target=target)]
    if name == "SET":
        return _set(options, context)
    if name in _UNDECIDED:
        return [Outcome(Action.UNDECIDED)]
    return [Outcome(Action.GOTO if goto else Action.JUMP, chain=name)]


def _tracking(name: str, options: list[str]) -> list[Outcome]:
    """NOTRACK, and CT: a zone that it gives the client's direction alone hides no answer."""
    if name == "NOTRACK" or "--notrack" in options:
        return [Outcome(Action.CONTINUE, effects=(Untrack(),))]
    zone = dict(pairwise(options)).get("--zone")
    return [Outcome(Action.CONTINUE, effects=(PutInZone(_zone(zone)),))] if zone else []


def _zone(text: str) -> str:
    return "" if text == "0" else text


def _set(options: list[str], context: Context) -> list[Outcome]:
    """SET puts the client into a set, or takes it out; other addresses are no matter here."""
    if len(options) < 3 or options[1] not in context.filled or options[2].split(",")[0] != "src":
        return []
    off = options[0] == "--del-set"
    return [Outcome(Action.CONTINUE, effects=(PutOn(set_choice(options[1]).name, off=off),))]


def _nat(name: str, options: list[str], family: Family) -> Target:
    given = ""
    for place, word in enumerate(options[:-1]):
        if word in {"--to-destination", "--to-ports"}:
            given = options[place + 1]
    if "--random" in options or options.count("--to-destination") > 1:
        return Target(unknown="where it leads differs by packet")
    if name == "REDIRECT":
        ports = _ports(given)
        several = given and not ports
        unknown = "which port it leads to differs by packet" if several else ""
        return Target(here=True, ports=ports, unknown=unknown)
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
            return Target(unknown=f"it leads to {address}")
        addresses = ((parsed[0], parsed[0]),)
    ports = _ports(port)
    if port and not ports:
        return Target(unknown="which port it leads to differs by packet")
    return Target(addresses=addresses, ports=ports)


def _ports(text: str) -> Intervals | None:
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII):
        return None
    return ((int(text), int(text)),)

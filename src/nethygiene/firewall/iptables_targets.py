"""The targets of iptables' rules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nethygiene.firewall.addresses import Family, Intervals, parse_address
from nethygiene.firewall.matches import Match
from nethygiene.firewall.ruleset import Action, SetMark, Target

_PASSING = frozenset(
    {"LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "CONNMARK", "CONNSECMARK", "SECMARK", "CLASSIFY"}
    | {"DSCP", "TOS", "TTL", "HL", "ECN", "TCPMSS", "TCPOPTSTRIP", "CHECKSUM", "TEE", "SET"}
    | {"RATEEST", "IDLETIMER", "LED", "ACCOUNT"}
)
_UNDECIDED = frozenset(
    {"NFQUEUE", "QUEUE", "SYNPROXY", "TARPIT", "DELUDE", "CHAOS", "STEAL", "CLUSTERIP", "NETMAP"}
    | {"DNPT", "SNPT", "MIRROR", "ROUTE", "ECHO"}
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a target does, as the fields of a Rule."""

    action: Action
    chain: str = ""
    target: Target | None = None
    mark: SetMark | None = None
    notrack: bool = False
    masks_source: bool = False
    matches: tuple[Match, ...] = ()


_VERDICTS = {
    "ACCEPT": Action.ACCEPT,
    "DROP": Action.DROP,
    "REJECT": Action.REJECT,
    "RETURN": Action.RETURN,
}


def target_of(name: str, options: list[str], *, goto: bool, family: Family) -> list[Effect]:  # noqa: PLR0911
    """What ``-j NAME options`` does; nothing for one that leaves the packet as it is."""
    if not name or name in _PASSING:
        return [Effect(Action.CONTINUE, mark=SetMark(0, None))] if _restores(name, options) else []
    if name in _VERDICTS:
        return [Effect(_VERDICTS[name])]
    if name in {"MARK", "HMARK"}:
        return [Effect(Action.CONTINUE, mark=_mark(name, options))]
    if name in {"NOTRACK", "CT"}:
        untracks = name == "NOTRACK" or "--notrack" in options
        return [Effect(Action.CONTINUE, notrack=True)] if untracks else []
    if name in {"SNAT", "MASQUERADE"}:
        return [Effect(Action.ACCEPT, masks_source=True)]
    if name in {"DNAT", "REDIRECT"}:
        return [Effect(Action.NAT, target=_nat(name, options, family))]
    if name == "TPROXY":
        target = Target(unknown="a transparent proxy takes it", tproxy=True)
        return [Effect(Action.NAT, target=target)]
    if name in _UNDECIDED:
        return [Effect(Action.UNDECIDED)]
    return [Effect(Action.GOTO if goto else Action.JUMP, chain=name)]


def _restores(name: str, options: list[str]) -> bool:
    return name == "CONNMARK" and "--restore-mark" in options


def _mark(name: str, options: list[str]) -> SetMark:
    if name == "MARK" and len(options) == 2:
        value, _, mask = options[1].partition("/")
        numbers = [_number(value), _number(mask or "0xffffffff")]
        if None not in numbers:
            bits, over = numbers[0] or 0, numbers[1] or 0
            if options[0] == "--set-xmark":
                return SetMark(0xFFFFFFFF & ~over, bits)
            if options[0] == "--set-mark":
                return SetMark(0xFFFFFFFF & ~(over | bits), bits)
            if options[0] == "--or-mark":
                return SetMark(0xFFFFFFFF & ~bits, bits)
            if options[0] == "--and-mark":
                return SetMark(bits, 0)
            if options[0] == "--xor-mark":
                return SetMark(0xFFFFFFFF, bits)
    return SetMark(0, None)


def _number(text: str) -> int | None:
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}|\d{1,10}", text, re.ASCII):
        return None
    return int(text, 16 if text.startswith("0x") else 10)


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

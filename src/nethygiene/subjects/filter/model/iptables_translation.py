"""Where iptables' targets of NAT take packets, and the sources that they give them."""

from __future__ import annotations

import re

from nethygiene.subjects.filter.model.addresses import Intervals, parse_address
from nethygiene.subjects.filter.model.ends import NewSource
from nethygiene.subjects.filter.model.ruleset import NatTarget
from nethygiene.subjects.links.ip.families import Family


def source_of(name: str, options: list[str], family: Family) -> NewSource:
    """The source that SNAT or MASQUERADE gives a connection."""
    given = ""
    for place, word in enumerate(options[:-1]):
        if word in {"--to-source", "--to-ports"}:
            given = options[place + 1]
    if options.count("--to-source") > 1:
        return NewSource(unknown="the source that it gives differs by packet")
    address, port = ("", given) if name == "MASQUERADE" else _address_and_port(given)
    ports = _span(port)
    random = bool({"--random", "--random-fully"} & set(options))
    if name == "MASQUERADE":
        return NewSource(None, ports, random=random)
    low, _, high = address.partition("-")
    first, last = parse_address(low), parse_address(high or low)
    if first is None or last is None or first[1] != family or last[1] != family:
        return NewSource(unknown=f"the source that it gives is {address}")
    return NewSource(((first[0], last[0]),), ports, random=random)


def target_of_nat(name: str, options: list[str], family: Family) -> NatTarget:
    """Where DNAT or REDIRECT takes a packet."""
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
    address, port = _address_and_port(given)
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


def _address_and_port(given: str) -> tuple[str, str]:
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(.*))?", given)
    if bracketed:
        return bracketed[1], bracketed[2] or ""
    if given.count(":") == 1:
        address, port = given.split(":")
        return address, port
    return given, ""


def _span(text: str) -> Intervals | None:
    """``1024-65535``, or one port."""
    if not re.fullmatch(r"\d{1,5}(-\d{1,5})?", text, re.ASCII):
        return None
    low, _, high = text.partition("-")
    return ((int(low), int(high or low)),)

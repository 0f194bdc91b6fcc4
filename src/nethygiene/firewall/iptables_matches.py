"""The matches of iptables' rules: options by the modules that bring them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from nethygiene.firewall.addresses import (
    BITS,
    Family,
    Intervals,
    interval_of,
    merged,
    parse_address,
)
from nethygiene.firewall.ipsets import IpSet, elements_of
from nethygiene.firewall.matches import (
    DestinationIsLocal,
    In,
    Masked,
    Match,
    Never,
    Perhaps,
    ReversePath,
    any_bit,
    names,
    numbers,
)
from nethygiene.firewall.packet import CtStatus, Field

# The modules whose options are read; all others are a perhaps. `comment` says nothing, and of
# those that limit a first SYN is within the limit.
OPTIONS = frozenset(
    {
        "tcp",
        "udp",
        "udplite",
        "sctp",
        "dccp",
        "icmp",
        "icmp6",
        "ipv6-icmp",
        "multiport",
        "conntrack",
    }
    | {
        "state",
        "iprange",
        "set",
        "mark",
        "connmark",
        "addrtype",
        "comment",
        "limit",
        "hashlimit",
        "recent",
    }
    | {"connlimit", "ttl", "hl", "rpfilter", "esp", "ah", "pkttype"}
)
# Headers that no packet of those that are followed carries.
EXTENSION_HEADERS = frozenset({"rt", "frag", "hbh", "dst", "mh"})
_OTHERS = frozenset({"udp", "udplite", "sctp", "dccp", "icmp", "esp", "ah"})
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58, "icmpv6": 58, "udplite": 136}
_PROTOCOLS |= {"sctp": 132, "dccp": 33, "esp": 50, "ah": 51, "vrrp": 112, "igmp": 2, "gre": 47}
_PROTOCOLS |= {"ospf": 89, "ospfigp": 89, "ipencap": 4, "ipv6": 41}
_ICMPV6 = {"neighbour-solicitation": 135, "neighbor-solicitation": 135, "redirect": 137}
_ICMPV6 |= {"neighbour-advertisement": 136, "neighbor-advertisement": 136, "echo-request": 128}
_ICMPV6 |= {"router-solicitation": 133, "router-advertisement": 134, "echo-reply": 129}
_ICMPV6 |= {"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3}
_ICMPV6 |= {"parameter-problem": 4}
_WITH_VALUE_IGNORED = frozenset(
    {"--comment", "--limit", "--limit-burst", "--hashlimit-burst", "--hashlimit-mode"}
    | {"--hashlimit-name", "--hashlimit-htable-size", "--hashlimit-htable-max"}
    | {"--hashlimit-htable-expire", "--hashlimit-htable-gcinterval", "--hashlimit-srcmask"}
    | {"--hashlimit-dstmask", "--seconds", "--hitcount", "--name", "--mask", "--connlimit-mask"}
    | {"--hashlimit-rate-interval"}
)
_BARE_IGNORED = frozenset(
    {"--rsource", "--rdest", "--connlimit-saddr", "--connlimit-daddr", "--reap"}
    | {"--hashlimit-rate-match", "--rttl"}
)
_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
_SYN_BITS = 0x02 | 0x10 | 0x04 | 0x01
_TOP_PORT = 65535


@dataclass(slots=True)
class Options:
    """What the options of one rule are read by, and what only its end decides."""

    family: Family
    sets: Mapping[str, IpSet] | None
    rpfilter: bool = False
    rpfilter_inverted: bool = False
    rpfilter_loose: bool = False

    def closing(self) -> list[Match]:
        """What follows once all options were read."""
        if not self.rpfilter:
            return []
        return [ReversePath(not self.rpfilter_loose, inverted=self.rpfilter_inverted)]


def _constant(answer: bool) -> list[Match]:
    return [] if answer else [Never()]


def read_option(  # noqa: PLR0911, PLR0912 - one branch an option
    word: str, rest: list[str], modules: list[str], options: Options, *, inverted: bool
) -> list[Match]:
    """Read one option and take its values from `rest`."""
    if "rpfilter" in modules:
        options.rpfilter = True
    if word in _BARE_IGNORED:
        return []
    if word in {"--update", "--rcheck", "--remove"}:
        # A first SYN comes from nobody who is on the list already.
        return _constant(inverted)
    if word == "--set":
        return _constant(not inverted)
    if word == "--syn":
        return [Masked(Field.TCP_FLAGS, _SYN_BITS, ((2, 2),), inverted)]
    if word == "--invert" and "rpfilter" in modules:
        options.rpfilter_inverted = True
        return []
    if word == "--loose" and "rpfilter" in modules:
        options.rpfilter_loose = True
        return []
    if word in {"--validmark", "--accept-local"} and "rpfilter" in modules:
        return []
    if word in {"--limit-iface-in", "--limit-iface-out"}:
        return [Perhaps(word)]
    if word == "-f":
        return _constant(inverted)
    if not rest or (rest[0].startswith("-") and word not in _WITH_VALUE_IGNORED):
        return [Perhaps(word)]
    value = rest.pop(0)
    if word in _WITH_VALUE_IGNORED:
        return []
    if word in {"--hashlimit-upto", "--hashlimit", "--connlimit-upto"}:
        return _constant(not inverted)
    if word in {"--hashlimit-above", "--connlimit-above"}:
        return _constant(inverted)
    if word in {"-s", "-d", "--src-range", "--dst-range"}:
        return _address(word, value, options.family, inverted=inverted)
    if word in {"-i", "-o"}:
        one = Field.IIF if word == "-i" else Field.OIF
        pattern = value[:-1] + "*" if value.endswith("+") else value
        return [names(one, (pattern,), inverted=inverted)]
    if word == "-p":
        return _protocol(value, inverted=inverted)
    if set(modules) & _OTHERS and "multiport" not in modules:
        return [Never()]
    if word in {"--dport", "--sport", "--dports", "--sports", "--ports"}:
        return _ports(word, value, inverted=inverted)
    if word == "--tcp-flags" and rest:
        mask, wanted = _flags(value), _flags(rest.pop(0))
        if mask is None or wanted is None:
            return [Perhaps(word)]
        return [Masked(Field.TCP_FLAGS, mask, ((wanted, wanted),), inverted)]
    if word == "--tcp-option":
        return [Perhaps(word)]
    if word in {"--ctstate", "--state"}:
        return _state(value, inverted=inverted)
    if word == "--ctdir":
        return [names(Field.CT_DIRECTION, (value.lower(),), inverted=inverted)]
    if word == "--ctproto":
        return _protocol(value, inverted=inverted)
    if word in {"--ttl-eq", "--ttl-lt", "--ttl-gt", "--hl-eq", "--hl-lt", "--hl-gt"}:
        return _ttl(word, value, inverted=inverted)
    if word in {"--icmpv6-type", "--icmp-type"}:
        return _icmp_type(word, value, inverted=inverted)
    if word == "--ctorigdstport":
        low, high = _range(value)
        return [numbers(Field.ORIGINAL_DPORT, ((low, high),), inverted=inverted)]
    if word == "--ctorigdst":
        found = _address("-d", value, options.family, inverted=inverted)
        return [
            In((Field.ORIGINAL_DADDR,), one.elements, one.inverted) if isinstance(one, In) else one
            for one in found
        ]
    if word == "--ctstatus":
        return _status(value, inverted=inverted)
    if word == "--mark" and modules[-1:] == ["mark"]:
        return [_mark(Field.MARK, value, inverted=inverted)]
    if word == "--mark" and modules[-1:] == ["connmark"]:
        return [_mark(Field.CT_MARK, value, inverted=inverted)]
    if word == "--match-set" and rest:
        return [_match_set(value, rest.pop(0), options, inverted=inverted)]
    if word in {"--dst-type", "--src-type"}:
        return _address_type(word, value, inverted=inverted)
    if word == "--pkt-type":
        kind = "host" if value in {"unicast", "host"} else value
        return [names(Field.PKTTYPE, (kind,), inverted=inverted)]
    # An option that is not known: its further values cannot be told from options.
    while rest and not rest[0].startswith("-") and rest[0] != "!":
        rest.pop(0)
    return [Perhaps(word)]


def _address(word: str, value: str, family: Family, *, inverted: bool) -> list[Match]:
    one = Field.SADDR if word in {"-s", "--src-range"} else Field.DADDR
    if word.endswith("-range"):
        first, _, last = value.partition("-")
        low, high = parse_address(first), parse_address(last or first)
        if low is None or high is None or low[1] != family:
            return [Perhaps(word)]
        return [numbers(one, ((low[0], high[0]),), inverted=inverted)]
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return [Perhaps(word)]
    if network.max_prefixlen != BITS[family]:
        return [Perhaps(word)]
    return [numbers(one, (interval_of(network),), inverted=inverted)]


def _range(text: str) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    first = int(low) if re.fullmatch(r"\d{1,5}", low, re.ASCII) else 0
    if not colon:
        return first, first
    return first, int(high) if re.fullmatch(r"\d{1,5}", high, re.ASCII) else _TOP_PORT


def _ports(word: str, value: str, *, inverted: bool) -> list[Match]:
    if not re.fullmatch(r"[\d:,]+", value, re.ASCII):
        return [Perhaps(word)]
    ports: Intervals = merged(_range(one) for one in value.split(","))
    if word == "--ports":
        # Source or destination.
        return [Perhaps(word)]
    one = Field.DPORT if word.startswith("--dport") else Field.SPORT
    return [numbers(one, ports, inverted=inverted)]


def _flags(text: str) -> int | None:
    if text == "NONE":
        return 0
    if text == "ALL":
        return 63
    bits = [_FLAGS.get(one) for one in text.split(",")]
    return None if None in bits else sum({bit for bit in bits if bit is not None})


def _protocol(value: str, *, inverted: bool) -> list[Match]:
    number = int(value) if re.fullmatch(r"\d{1,3}", value, re.ASCII) else _PROTOCOLS.get(value)
    if value == "all" or number == 0:
        return _constant(not inverted)
    if number is None:
        # A name that is not known is none of a protocol that is followed.
        return _constant(inverted)
    return [numbers(Field.PROTOCOL, ((number, number),), inverted=inverted)]


def _ttl(word: str, value: str, *, inverted: bool) -> list[Match]:
    if not re.fullmatch(r"\d{1,3}", value, re.ASCII):
        return [Perhaps(word)]
    number = int(value)
    low, high = {"eq": (number, number), "lt": (0, number - 1), "gt": (number + 1, 255)}[word[-2:]]
    return [numbers(Field.TTL, ((low, high),) * (low <= high), inverted=inverted)]


def _icmp_type(word: str, value: str, *, inverted: bool) -> list[Match]:
    name, _, code = value.partition("/")
    number = int(name) if re.fullmatch(r"\d{1,3}", name, re.ASCII) else _ICMPV6.get(name)
    if word == "--icmp-type":
        return [Never()] if number != 255 and name != "any" else [Perhaps(word)]
    if number is None or (code and code != "0"):
        return [Perhaps(word)]
    return [numbers(Field.ICMPV6_TYPE, ((number, number),), inverted=inverted)]


def _state(value: str, *, inverted: bool) -> list[Match]:
    states = set(value.split(","))
    nat = states & {"DNAT", "SNAT"}
    found = [one.lower() for one in states - nat]
    if not nat:
        return [names(Field.CT_STATE, tuple(sorted(found)), inverted=inverted)]
    bits = CtStatus.DST_NAT * ("DNAT" in nat) | CtStatus.SRC_NAT * ("SNAT" in nat)
    if found:
        return [Perhaps("--ctstate")]
    return [any_bit(Field.CT_STATUS, bits, inverted=inverted)]


def _status(value: str, *, inverted: bool) -> list[Match]:
    known = {"EXPECTED": 1, "SEEN_REPLY": 2, "ASSURED": 4, "CONFIRMED": 8}
    bits = [known.get(one) for one in value.split(",")]
    if None in bits:
        return [Perhaps("--ctstatus")]
    asked = sum({one for one in bits if one is not None})
    return [any_bit(Field.CT_STATUS, asked, inverted=inverted)]


def _mark(field: Field, value: str, *, inverted: bool) -> Match:
    wanted, _, mask = value.partition("/")
    numbers_: list[int] = []
    for text in (wanted, mask or "0xffffffff"):
        if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}|\d{1,10}", text, re.ASCII):
            return Perhaps("--mark")
        numbers_.append(int(text, 16 if text.startswith("0x") else 10))
    return Masked(field, numbers_[1], ((numbers_[0], numbers_[0]),), inverted)


def _match_set(name: str, directions: str, options: Options, *, inverted: bool) -> Match:
    known = options.sets.get(name) if options.sets is not None else None
    if known is None:
        return Perhaps(f"--match-set {name}")
    found = elements_of(known, directions.split(","), options.family)
    if found is None:
        return Perhaps(f"--match-set {name}")
    return In(*found, inverted, known.bans)


def _address_type(word: str, value: str, *, inverted: bool) -> list[Match]:
    kinds = set(value.split(","))
    if word == "--src-type":
        # The sources that are judged are other hosts' addresses.
        return _constant(("UNICAST" in kinds) is not inverted)
    if kinds & {"LOCAL", "UNICAST"} == {"LOCAL", "UNICAST"}:
        return _constant(not inverted)
    if "LOCAL" in kinds:
        return [DestinationIsLocal(inverted)]
    if "UNICAST" in kinds:
        return [DestinationIsLocal(not inverted)]
    return _constant(inverted)

"""The matches of iptables' rules: options by the modules that bring them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network

from nethygiene.subjects.filter.model.address_types import KINDS, AddressIs
from nethygiene.subjects.filter.model.addresses import (
    BITS,
    Intervals,
    interval_of,
    merged,
    parse_address,
)
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.ipset_matches import set_match
from nethygiene.subjects.filter.model.iptables_conntrack import ADDRESSES, conntrack_match, moved
from nethygiene.subjects.filter.model.iptables_icmp import icmp
from nethygiene.subjects.filter.model.iptables_options import Context, Option, OptionGroup
from nethygiene.subjects.filter.model.masks import Masked
from nethygiene.subjects.filter.model.matches import AnyOf, Match, Never, Perhaps, names, numbers
from nethygiene.subjects.filter.model.protocols import protocol_number
from nethygiene.subjects.filter.model.way_matches import NotBridged, ReversePath, SynMss
from nethygiene.subjects.links.ip.families import Family

_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
_SYN_BITS = 0x02 | 0x10 | 0x04 | 0x01
_TOP_PORT = 65535


def matches_of(group: OptionGroup, context: Context) -> list[Match]:
    """What the options of one module ask for; one that is not known is a perhaps."""
    whole = _WHOLE.get(group.module)
    if whole is not None:
        return whole(group, context)
    each = _EACH.get(group.module)
    if each is None:
        return [Perhaps(f"-m {group.module}")]
    return [match for option in group.options for match in each(option, context)]


def _constant(answer: bool) -> list[Match]:
    return [] if answer else [Never()]


def _plain(option: Option, context: Context) -> list[Match]:
    """Addresses, interfaces, the protocol."""
    word, value, inverted = option.word, option.value, option.inverted
    if word in {"-s", "-d"} and value:
        return _address(word, value, context.family, inverted)
    if word in {"-i", "-o"} and value:
        side = Field.IIF if word == "-i" else Field.OIF
        pattern = value[:-1] + "*" if value.endswith("+") else value
        return [names(side, (pattern,), inverted=inverted)]
    if word == "-p" and value:
        return _protocol(value, inverted)
    return _constant(inverted) if word == "-f" else [Perhaps(word)]


def _address(word: str, value: str, family: Family, inverted: bool) -> list[Match]:
    end = Field.SADDR if word in {"-s", "--src-range"} else Field.DADDR
    if word.endswith("-range"):
        first, _, last = value.partition("-")
        low, high = parse_address(first), parse_address(last or first)
        if low is None or high is None or low[1] != family or low[0] > high[0]:
            return [Perhaps(word)]
        return [numbers(end, ((low[0], high[0]),), inverted=inverted)]
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return _masked_address(end, value, family, inverted) or [Perhaps(word)]
    if network.max_prefixlen != BITS[family]:
        return [Perhaps(word)]
    return [numbers(end, (interval_of(network),), inverted=inverted)]


def _masked_address(end: Field, value: str, family: Family, inverted: bool) -> list[Match]:
    """``::1/::ffff``: a mask that is no prefix."""
    address, _, mask = value.partition("/")
    fixed, over = parse_address(address), parse_address(mask)
    if fixed is None or over is None or {fixed[1], over[1]} != {family}:
        return []
    number = fixed[0] & over[0]
    return [Masked(end, over[0], ((number, number),), inverted)]


def _protocol(value: str, inverted: bool) -> list[Match]:
    number = protocol_number(value)
    if value == "all" or number == 0:
        return _constant(not inverted)
    if number is None:
        # A name that is not known is none of a protocol that is followed.
        return _constant(inverted)
    return [numbers(Field.PROTOCOL, ((number, number),), inverted=inverted)]


def _tcp(option: Option, context: Context) -> list[Match]:
    word, inverted = option.word, option.inverted
    if word == "--syn":
        return [Masked(Field.TCP_FLAGS, _SYN_BITS, ((2, 2),), inverted)]
    if word == "--tcp-flags" and len(option.values) == 2:
        mask, values = (_flags(flags) for flags in option.values)
        if mask is None or values is None:
            return [Perhaps(word)]
        return [Masked(Field.TCP_FLAGS, mask, ((values, values),), inverted)]
    return _ports(option, context)


def _flags(text: str) -> int | None:
    if text in {"NONE", "ALL"}:
        return 63 if text == "ALL" else 0
    bits = [_FLAGS.get(flag) for flag in text.split(",")]
    return None if None in bits else sum({bit for bit in bits if bit is not None})


def _ports(option: Option, _context: Context) -> list[Match]:
    word, value, inverted = option.word, option.value, option.inverted
    fields = {
        "--dport": (Field.DPORT,),
        "--dports": (Field.DPORT,),
        "--sport": (Field.SPORT,),
        "--sports": (Field.SPORT,),
        "--ports": (Field.SPORT, Field.DPORT),
    }.get(word)
    if fields is None or not re.fullmatch(r"[\d:,]+", value, re.ASCII):
        return [Perhaps(word)]
    ports: Intervals = merged(_range(part) for part in value.split(","))
    if len(fields) == 1:
        return [numbers(fields[0], ports, inverted=inverted)]
    return [AnyOf(tuple(numbers(end, ports) for end in fields), inverted)]


def _range(text: str) -> tuple[int, int]:
    low, colon, high = text.partition(":")
    first = int(low) if re.fullmatch(r"\d{1,5}", low, re.ASCII) else 0
    if not colon:
        return first, first
    return first, int(high) if re.fullmatch(r"\d{1,5}", high, re.ASCII) else _TOP_PORT


def _range_of(option: Option, context: Context) -> list[Match]:
    if option.word not in {"--src-range", "--dst-range"}:
        return [Perhaps(option.word)]
    return _address(option.word, option.value, context.family, option.inverted)


def _conntrack(option: Option, context: Context) -> list[Match]:
    if option.word in ADDRESSES:
        matches = _address("-s", option.value, context.family, option.inverted)
        return moved(matches, ADDRESSES[option.word])
    if option.word == "--ctproto":
        return _protocol(option.value, option.inverted)
    return conntrack_match(option)


def _mark(field: Field) -> Callable[[Option, Context], list[Match]]:
    def read(option: Option, _context: Context) -> list[Match]:
        mark, _, mask = option.value.partition("/")
        mark_and_mask: list[int] = []
        for text in (mark, mask or "0xffffffff"):
            if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}|\d{1,10}", text, re.ASCII):
                return [Perhaps(option.word)]
            mark_and_mask.append(int(text, 16 if text.startswith("0x") else 10))
        return [
            Masked(
                field, mark_and_mask[1], ((mark_and_mask[0], mark_and_mask[0]),), option.inverted
            )
        ]

    return read


def _packet_type(option: Option, _context: Context) -> list[Match]:
    kind = "host" if option.value in {"unicast", "host"} else option.value
    return [names(Field.PKTTYPE, (kind,), inverted=option.inverted)]


def _ttl(option: Option, _context: Context) -> list[Match]:
    compared = option.word[-2:]
    if compared not in {"eq", "lt", "gt"} or not re.fullmatch(r"\d{1,3}", option.value, re.ASCII):
        return [Perhaps(option.word)]
    number = int(option.value)
    low, high = {"eq": (number, number), "lt": (0, number - 1), "gt": (number + 1, 255)}[compared]
    return [numbers(Field.TTL, ((low, high),) * (low <= high), inverted=option.inverted)]


def _address_types(group: OptionGroup, _context: Context) -> list[Match]:
    matches: list[Match] = []
    here = group.get("--limit-iface-in") is not None
    for option in group.options:
        kinds = frozenset(option.value.lower().split(","))
        if option.word in {"--src-type", "--dst-type"} and kinds <= KINDS:
            end = Field.SADDR if option.word == "--src-type" else Field.DADDR
            matches.append(AddressIs(end, kinds, option.inverted, here, "addrtype"))
        elif option.word != "--limit-iface-in":
            matches.append(Perhaps(option.word))
    return matches


def _reverse_path(group: OptionGroup, _context: Context) -> list[Match]:
    return [ReversePath(not group.get("--loose"), inverted=group.get("--invert") is not None)]


def _policy(group: OptionGroup, _context: Context) -> list[Match]:
    """No packet that is followed comes by IPsec, or leaves by it."""
    option = group.get("--pol")
    if option is None or option.value not in {"none", "ipsec"}:
        return [Perhaps("-m policy")]
    return _constant((option.value == "none") is not option.inverted)


def _bridged(group: OptionGroup, _context: Context) -> list[Match]:
    # Where a packet was not bridged all options are unmet, which suits inverted ones alone.
    return [NotBridged(all(option.inverted for option in group.options))]


def _mss(group: OptionGroup, _context: Context) -> list[Match]:
    option = group.get("--mss")
    if option is None or not re.fullmatch(r"\d{1,5}(:\d{1,5})?", option.value, re.ASCII):
        return [Perhaps("-m tcpmss")]
    return [SynMss(_range(option.value), option.inverted)]


def _always(_group: OptionGroup, _context: Context) -> list[Match]:
    return []


def _other_protocol(group: OptionGroup, _context: Context) -> list[Match]:
    return [Never()] if group.options else []


def _helper(group: OptionGroup, _context: Context) -> list[Match]:
    """No connection that is followed was opened for another one."""
    return _constant(all(option.inverted for option in group.options))


_EACH: Mapping[str, Callable[[Option, Context], list[Match]]] = {
    "": _plain,
    "tcp": _tcp,
    "multiport": _ports,
    "icmp": icmp,
    "icmp6": icmp,
    "ipv6-icmp": icmp,
    "iprange": _range_of,
    "conntrack": _conntrack,
    "state": _conntrack,
    "mark": _mark(Field.MARK),
    "connmark": _mark(Field.CT_MARK),
    "pkttype": _packet_type,
    "ttl": _ttl,
    "hl": _ttl,
}
# Headers of these no packet of those that are followed carries.
_HEADERS = ("rt", "frag", "hbh", "dst", "mh")
_WHOLE: Mapping[str, Callable[[OptionGroup, Context], list[Match]]] = {
    "comment": _always,
    "nfacct": _always,
    "addrtype": _address_types,
    "rpfilter": _reverse_path,
    "policy": _policy,
    "physdev": _bridged,
    "tcpmss": _mss,
    "helper": _helper,
    "set": set_match,
    **dict.fromkeys(("udp", "udplite", "sctp", "dccp", "esp", "ah"), _other_protocol),
    **dict.fromkeys(_HEADERS, lambda _group, _context: [Never()]),
}

"""iptables' matches of ICMP's types and codes."""

from __future__ import annotations

import re

from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.iptables_options import Context, Option
from nethygiene.subjects.filter.model.matches import Element, In, Match, Perhaps, numbers

_ICMPV6 = {"neighbour-solicitation": 135, "neighbor-solicitation": 135, "redirect": 137}
_ICMPV6 |= {"neighbour-advertisement": 136, "neighbor-advertisement": 136, "echo-request": 128}
_ICMPV6 |= {"router-solicitation": 133, "router-advertisement": 134, "echo-reply": 129}
_ICMPV6 |= {"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3}
_ICMPV6 |= {"parameter-problem": 4}
_ANY = 255
"""The type that stands for all, in IPv4 alone (icmp_type_code_match in xt_tcpudp.c)."""
_FIELDS = {
    "--icmp-type": (Field.ICMP_TYPE, Field.ICMP_CODE),
    "--icmpv6-type": (Field.ICMPV6_TYPE, Field.ICMPV6_CODE),
}


def icmp(option: Option, _context: Context) -> list[Match]:
    """Read ``--icmp-type 3/4``, ``--icmpv6-type 135`` and the like."""
    fields = _FIELDS.get(option.word)
    name, _, code = option.value.partition("/")
    number = int(name) if re.fullmatch(r"\d{1,3}", name, re.ASCII) else None
    if option.word == "--icmpv6-type" and number is None:
        number = _ICMPV6.get(name)
    if option.word == "--icmp-type" and name == "any":
        number = _ANY
    if fields is None or number is None or not re.fullmatch(r"\d{0,3}", code, re.ASCII):
        return [Perhaps(option.word)]
    if fields[0] is Field.ICMP_TYPE and number == _ANY:
        return [numbers(fields[0], ((0, _ANY),), inverted=option.inverted)]
    if not code:
        return [numbers(fields[0], ((number, number),), inverted=option.inverted)]
    element = Element((((number, number),), ((int(code), int(code)),)))
    return [In(fields, (element,), option.inverted)]

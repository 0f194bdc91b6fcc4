"""iptables' targets that change marks: MARK, and CONNMARK, which keeps them for a connection."""

from __future__ import annotations

import re

from nethygiene.subjects.filter.model.effects import SetMark
from nethygiene.subjects.filter.model.fields import Field

_ALL = 0xFFFFFFFF


def packet_mark(options: list[str]) -> SetMark:
    """What MARK's options make of the packet's mark."""
    return _set(options, Field.MARK)


def connection_mark(options: list[str]) -> SetMark:
    """What CONNMARK's options make of the connection's mark, or of the packet's."""
    masks = {"--nfmask": _ALL, "--ctmask": _ALL}
    for place, word in enumerate(options[:-1]):
        number = _number(options[place + 1])
        if word in masks and number is not None:
            masks[word] = number
        elif word == "--mask" and number is not None:
            masks = {"--nfmask": number, "--ctmask": number}
        elif word.endswith("-shift-mark"):
            return SetMark(0, None, Field.MARK if "--restore-mark" in options else Field.CT_MARK)
    of_packet, of_connection = masks["--nfmask"], masks["--ctmask"]
    if "--save-mark" in options:
        return SetMark(_ALL & ~of_connection, 0, Field.CT_MARK, Field.MARK, of_packet)
    if "--restore-mark" in options:
        return SetMark(_ALL & ~of_packet, 0, Field.MARK, Field.CT_MARK, of_connection)
    return _set(options, Field.CT_MARK)


def _set(options: list[str], field: Field) -> SetMark:
    if len(options) != 2:
        return SetMark(0, None, field)
    value, _, mask = options[1].partition("/")
    bits, over = _number(value), _number(mask or "0xffffffff")
    if bits is None or over is None:
        return SetMark(0, None, field)
    if options[0] == "--set-xmark":
        return SetMark(_ALL & ~over, bits, field)
    if options[0] == "--set-mark":
        return SetMark(_ALL & ~(over | bits), bits, field)
    if options[0] == "--or-mark":
        return SetMark(_ALL & ~bits, bits, field)
    if options[0] == "--and-mark":
        return SetMark(bits, 0, field)
    if options[0] == "--xor-mark":
        return SetMark(_ALL, bits, field)
    return SetMark(0, None, field)


def _number(text: str) -> int | None:
    if not re.fullmatch(r"0x[0-9a-fA-F]{1,8}|\d{1,10}", text, re.ASCII):
        return None
    return int(text, 16 if text.startswith("0x") else 10)

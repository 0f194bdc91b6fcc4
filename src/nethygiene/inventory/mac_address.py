"""A link-layer address as a policy holds it: ``52:54:00:12:34:56``, in lower case."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from nethygiene.inventory.located import kind_of_atom, shown
from nethygiene.inventory.values import refused

_FIX = "write a MAC as `ip link` shows it, in quotes: '52:54:00:12:34:56'"
_SPELLINGS = re.compile(
    r"[0-9a-f]{2}(?P<mark>[:-])(?:[0-9a-f]{2}(?P=mark)){4}[0-9a-f]{2}"
    r"|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}",
    re.IGNORECASE | re.ASCII,
)
_FOR_MANY = 0x01
"""The bit of the first octet by which a frame goes to many; no host answers with such a MAC."""


def _parse_mac(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100 * 60**5:
        raise refused(
            f"YAML read {shown(value)}: to YAML, digits with colons are a number to base 60",
            f"put it into quotes: '{_as_written(value)}'",
        )
    if not isinstance(value, str):
        raise refused(f"{shown(value)} is {kind_of_atom(value)}, not a MAC", _FIX)
    if _SPELLINGS.fullmatch(value) is None:
        raise refused(f"{shown(value)} is not a MAC", _FIX)
    digits = re.sub("[:.-]", "", value).lower()
    if int(digits[:2], 16) & _FOR_MANY or not int(digits, 16):
        raise refused(f"{shown(value)} is no MAC of one interface", _FIX)
    return ":".join(digits[start : start + 2] for start in range(0, 12, 2))


def _as_written(number: int) -> str:
    """The MAC that YAML 1.1 read as a number: its six parts are digits to base 60."""
    parts = [f"{number // 60**power % (60 if power < 5 else 100):02}" for power in range(5, -1, -1)]
    return ":".join(parts)


MacAddress = Annotated[
    str,
    BeforeValidator(_parse_mac),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}$"
            "|^([0-9A-Fa-f]{4}[.]){2}[0-9A-Fa-f]{4}$",
            "description": _FIX,
        }
    ),
]

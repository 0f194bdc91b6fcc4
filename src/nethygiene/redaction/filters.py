"""The packet filter's listings, redacted: nft's JSON, iptables-save, IPVS, tc."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from nethygiene.redaction.text import Pseudonyms

# Free text, and what matches on content: no verdict depends on it.
_FREE = re.compile(
    r"(--(?:comment|log-prefix|nflog-prefix|string|hex-string|u32|bytecode|helper|path)\s+)"
    r'(?:"(?:[^"\\]|\\.)*"|\S+)'
)
_OWNER = re.compile(r"(--[ug]id-owner\s+)([A-Za-z_]\S*)")
_SERVER = re.compile(r"(?<![0-9A-F])([0-9A-F]{8})(:[0-9A-F]{4})(?![0-9A-F])")
_LIMITS = {"<", ">", "<=", ">="}
_TEXTS = frozenset({"comment", "secmark"})

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"


def nft(text: str, given: Pseudonyms) -> str:
    """``nft -j list ruleset``; what is not JSON stays something that is none."""
    try:
        document = json.loads(text)
        return json.dumps(_walk(document, given)) + "\n"
    except (ValueError, RecursionError):
        return "" if not text.strip() else "redacted: not JSON\n"


def _walk(one: Json, given: Pseudonyms) -> Json:
    if isinstance(one, list):
        return [_walk(each, given) for each in one]
    if isinstance(one, str):
        return given.in_text(one)
    return _fields(one, given) if isinstance(one, dict) else one


def _fields(one: Mapping[str, Json], given: Pseudonyms) -> dict[str, Json]:
    made: dict[str, Json] = {}
    for name, value in one.items():
        if name in _TEXTS and isinstance(value, str):
            made[name] = "redacted"
        elif name == "prefix" and isinstance(value, dict) and isinstance(value.get("len"), int):
            made[name] = {**value, "addr": given.prefix(str(value.get("addr")), value["len"])}
        elif name == "prefix" and isinstance(value, str):
            made[name] = "redacted"  # of a log statement
        elif name == "range" and isinstance(value, list) and len(value) == 2:
            ends = given.span(str(value[0]), str(value[1]))
            made[name] = value if ends is None else list(ends)
        elif name == "match" and isinstance(value, dict):
            made[name] = _match(value, given)
        else:
            made[name] = _walk(value, given)
    return made


def _match(one: Mapping[str, Json], given: Pseudonyms) -> Json:
    left, right = one.get("left"), one.get("right")
    payload = left.get("payload") if isinstance(left, dict) else None
    if isinstance(payload, dict) and "base" in payload:
        # Raw bytes of a header, perhaps an address: what they are compared with decides nothing.
        return {**_fields(one, given), "right": 0}
    if one.get("op") in _LIMITS and isinstance(right, str):
        low, high = ("::", "ffff:" * 7 + "ffff") if ":" in right else ("0.0.0.0", "255.255.255.255")  # noqa: S104 - no socket
        inside = one["op"] in {"<=", ">"}
        return {**_fields(one, given), "right": _limit(right, low, high, given, upper=inside)}
    return _fields(one, given)


def _limit(text: str, low: str, high: str, given: Pseudonyms, *, upper: bool) -> str:
    """Where a comparison cuts the address space: all below, and all from there on, stay whole."""
    if upper:
        ends = given.span(low, text)
        return text if ends is None else ends[1]
    ends = given.span(text, high)
    return text if ends is None else ends[0]


def saved(text: str, given: Pseudonyms) -> str:
    """``iptables-save`` and the like."""
    text = _FREE.sub(r'\g<1>"redacted"', text)
    text = _OWNER.sub(lambda match: match[1] + given.names.user(match[2]), text)
    return given.in_text(text)


def virtual_servers(text: str, given: Pseudonyms) -> str:
    """``/proc/net/ip_vs``, whose IPv4 addresses are in hexadecimal."""

    def server(match: re.Match[str]) -> str:
        return f"{given.addresses.address(4, int(match[1], 16)):08X}{match[2]}"

    return _SERVER.sub(server, given.in_text(text))


def traffic_control(text: str, _given: Pseudonyms) -> str:
    """``tc filter show``: that there is one is all that is asked of it."""
    lines = text.split("\n")
    return "\n".join(
        one if one.startswith("# ") or not one.strip() else "filter redacted" for one in lines
    )

"""The packet filter's listings, redacted: nft's JSON, iptables-save, IPVS, tc."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypeAlias

from nethygiene.redaction.text import Pseudonyms

# Free text and matches on content: no verdict depends on them.
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
    """``nft -j list ruleset``; text that is not JSON becomes other text that is not JSON."""
    try:
        document = json.loads(text)
        return json.dumps(_walk(document, given)) + "\n"
    except (ValueError, RecursionError):
        return "" if not text.strip() else "redacted: not JSON\n"


def _walk(value: Json, given: Pseudonyms) -> Json:
    if isinstance(value, list):
        return [_walk(element, given) for element in value]
    if isinstance(value, str):
        return given.in_text(value)
    return _fields(value, given) if isinstance(value, dict) else value


def _fields(source: Mapping[str, Json], given: Pseudonyms) -> dict[str, Json]:
    made: dict[str, Json] = {}
    for name, value in source.items():
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


def _match(statement: Mapping[str, Json], given: Pseudonyms) -> Json:
    left, right = statement.get("left"), statement.get("right")
    payload = left.get("payload") if isinstance(left, dict) else None
    if isinstance(payload, dict) and "base" in payload:
        # Raw bytes of a header may be an address, and their value decides no verdict.
        return {**_fields(statement, given), "right": 0}
    if statement.get("op") in _LIMITS and isinstance(right, str):
        low, high = ("::", "ffff:" * 7 + "ffff") if ":" in right else ("0.0.0.0", "255.255.255.255")  # noqa: S104 - no socket
        inside = statement["op"] in {"<=", ">"}
        return {**_fields(statement, given), "right": _limit(right, low, high, given, upper=inside)}
    return _fields(statement, given)


def _limit(text: str, low: str, high: str, given: Pseudonyms, *, upper: bool) -> str:
    """The pseudonym of a comparison's limit: the addresses on both sides of it stay together."""
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
    """``tc filter show``: rules ask only whether there is a filter."""
    lines = text.split("\n")
    return "\n".join(
        line if line.startswith("# ") or not line.strip() else "filter redacted" for line in lines
    )

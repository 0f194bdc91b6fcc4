"""A rule of nft's JSON as a line that its author would recognise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from nethygiene.firewall.nft_values import Json

_LONGEST = 160


def text_of(expressions: Sequence[Json], comment: Json = None) -> str:
    """The rule, near enough to how nft writes it to be found."""
    words = [_statement(one) for one in expressions]
    if isinstance(comment, str):
        words.append(f'comment "{comment}"')
    text = " ".join(word for word in words if word)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _statement(one: Json) -> str:  # noqa: PLR0911 - one a kind
    if not isinstance(one, Mapping) or len(one) != 1:
        return _plain(one)
    ((kind, body),) = one.items()
    if kind == "match" and isinstance(body, Mapping):
        op = body.get("op")
        sign = "" if op in ("==", "in") else f"{op} "
        return f"{_value(body.get('left'))} {sign}{_value(body.get('right'))}"
    if kind == "counter":
        return ""
    if body is None:
        return kind
    if kind in {"jump", "goto"} and isinstance(body, Mapping):
        return f"{kind} {body.get('target')}"
    if kind == "vmap" and isinstance(body, Mapping):
        return f"{_value(body.get('key'))} vmap {_value(body.get('data'))}"
    if kind == "limit" and isinstance(body, Mapping):
        over = "over " if body.get("inv") else ""
        return f"limit rate {over}{body.get('rate')}/{body.get('per')}"
    if kind in {"dnat", "redirect"} and isinstance(body, Mapping):
        port = f":{_value(body['port'])}" if "port" in body else ""
        address = _value(body["addr"]) if "addr" in body else ""
        return f"{kind} to {address}{port}"
    if kind == "reject" and isinstance(body, Mapping):
        return "reject" + (f" with {body.get('type')}" if "type" in body else "")
    if kind == "xt" and isinstance(body, Mapping):
        return f"xt {body.get('type')} {body.get('name')}"
    return f"{kind} {_value(body)}"


def _value(one: Json) -> str:
    if isinstance(one, Mapping) and len(one) == 1:
        ((kind, body),) = one.items()
        if kind == "payload" and isinstance(body, Mapping):
            return f"{body.get('protocol')} {body.get('field')}"
        if kind in {"meta", "ct"} and isinstance(body, Mapping):
            return f"{kind} {body.get('key')}".replace("meta iif", "iif").replace("meta oif", "oif")
        if kind == "prefix" and isinstance(body, Mapping):
            return f"{body.get('addr')}/{body.get('len')}"
        if kind == "range" and isinstance(body, Sequence):
            return "-".join(_value(each) for each in body)
        if kind == "set" and isinstance(body, Sequence) and not isinstance(body, str):
            return "{ " + ", ".join(_pair(each) for each in body[:20]) + " }"
        if kind == "concat" and isinstance(body, Sequence):
            return " . ".join(_value(each) for each in body)
    if isinstance(one, Sequence) and not isinstance(one, str):
        return ",".join(_value(each) for each in one)
    return _plain(one)


def _pair(one: Json) -> str:
    if isinstance(one, Sequence) and not isinstance(one, str) and len(one) == 2:
        return f"{_value(one[0])} : {_statement(one[1])}"
    return _value(one)


def _plain(one: Json) -> str:
    return one if isinstance(one, str) else json.dumps(one, separators=(",", ":"))

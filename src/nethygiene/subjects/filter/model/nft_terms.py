"""The expressions of nft's JSON as ``nft list ruleset`` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from nethygiene.subjects.filter.model.nft_values import Json

_UNQUALIFIED = frozenset({"iif", "oif", "iifname", "oifname", "iifgroup", "oifgroup"})
_QUOTED_META = _UNQUALIFIED | {"iifkind", "oifkind", "day", "hour", "time", "rtclassid"}
_QUOTED_META |= {"ibrname", "obrname"}
_OPERATORS = ("&", "|", "^", "<<", ">>")


class Style(Enum):
    """How nft writes a value, which depends on the expression beside it."""

    PLAIN = auto()
    QUOTED = auto()
    MARK = auto()
    HEXADECIMAL = auto()
    SECONDS = auto()


Styles = tuple[Style, ...]
"""One style for each part of a concatenation."""
PLAIN: Styles = (Style.PLAIN,)


def only(node: Json) -> tuple[str, Json]:
    """The kind and the body of an object that has one member."""
    if isinstance(node, Mapping) and len(node) == 1:
        ((kind, body),) = node.items()
        return kind, body
    return "", None


def listed(node: Json) -> Sequence[Json]:
    """The members of a list; empty if it is no list."""
    return node if isinstance(node, Sequence) and not isinstance(node, str) else ()


def styles_of(node: Json) -> Styles:
    """The styles of values that are compared with an expression."""
    kind, body = only(node)
    if kind == "concat":
        return tuple(_style(each) for each in listed(body)) or PLAIN
    return (_style(node),)


def _style(node: Json) -> Style:
    kind, body = only(node)
    if kind in _OPERATORS:
        return _style((*listed(body), None)[0])
    inner: Mapping[str, Json] = body if isinstance(body, Mapping) else {}
    key, result = inner.get("key"), inner.get("result")
    if kind == "payload":
        bits = "base" in inner or (inner.get("protocol"), inner.get("field")) == ("tcp", "flags")
        return Style.HEXADECIMAL if bits else Style.PLAIN
    if key == "mark":
        return Style.MARK
    if (kind, key) == ("ct", "expiration"):
        return Style.SECONDS
    quoted = (
        (kind == "meta" and key in _QUOTED_META)
        or (kind == "ct" and key in ("helper", "timeout"))
        or (kind == "socket" and key == "cgroupv2")
        or (kind == "fib" and result in ("oif", "oifname"))
        or kind == "osf"
    )
    return Style.QUOTED if quoted else Style.PLAIN


def text_of_value(  # noqa: PLR0911 - one a kind
    node: Json, styles: Styles = PLAIN
) -> str:
    """A value, or an expression that yields one, as text."""
    if isinstance(node, bool):
        return "exists" if node else "missing"
    if isinstance(node, int):
        return _number(node, styles[0])
    if isinstance(node, str):
        # The index of an interface that is gone is a number.
        bare = styles[0] is not Style.QUOTED or node == "*" or node.isdigit() or node[:1] == "@"
        return node if bare else f'"{node}"'
    if isinstance(node, Sequence):
        return ",".join(text_of_value(each, styles) for each in node)
    kind, body = only(node)
    if kind in _OPERATORS:
        return _operation(kind, listed(body), styles)
    if kind in {"set", "concat", "range"}:
        return _several(kind, listed(body), styles)
    inner: Mapping[str, Json] = body if isinstance(body, Mapping) else {}
    if kind == "map":
        keys = styles_of(inner.get("key"))
        data = _map_data(inner.get("data"), keys, styles)
        return f"{text_of_value(inner.get('key'))} map {data}"
    if kind == "elem":
        return text_of_element(inner, styles)
    if kind == "prefix":
        return f"{text_of_value(inner.get('addr'), styles)}/{inner.get('len')}"
    return _expression(kind, inner) or json.dumps(node, separators=(",", ":"))


def text_of_element(inner: Mapping[str, Json], styles: Styles = PLAIN) -> str:
    """An element of a set, with how long it stays there."""
    words = [text_of_value(inner.get("val"), styles)]
    for key in ("timeout", "expires"):
        seconds = inner.get(key)
        if isinstance(seconds, int):
            words.append(f"{key} {duration(seconds)}")
    if isinstance(inner.get("comment"), str):
        words.append(f'comment "{inner["comment"]}"')
    return " ".join(words)


def duration(seconds: int) -> str:
    """``1h30m``, as nft writes it."""
    parts = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _number(number: int, style: Style) -> str:
    if style is Style.MARK:
        return f"0x{number:08x}"
    if style is Style.HEXADECIMAL:
        return f"{number:#x}"
    return duration(number) if style is Style.SECONDS else str(number)


def _operation(kind: str, parts: Sequence[Json], styles: Styles) -> str:
    """``ct mark & 0x000000ff | 0x00000001``: numbers have the style of the mark."""
    marked = any(_style(each) is Style.MARK for each in parts)
    inner = (Style.MARK,) if marked else styles
    words = []
    for place, each in enumerate(parts):
        text = text_of_value(each, inner)
        if place and only(each)[0] in _OPERATORS:
            text = f"({text})"
        elif place and listed(each):
            text = f"({text.replace(',', ' | ')})"
        words.append(text)
    return f" {kind} ".join(words)


def _several(kind: str, parts: Sequence[Json], styles: Styles) -> str:
    if kind == "set":
        if any(isinstance(each, Sequence) and not isinstance(each, str) for each in parts):
            return _pairs(parts, styles, PLAIN)
        return "{ " + ", ".join(text_of_value(each, styles) for each in parts) + " }"
    if kind == "range":
        return "-".join(text_of_value(each, styles) for each in parts)
    each_styles = [*styles, *[styles[-1]] * len(parts)]
    return " . ".join(
        text_of_value(each, (style,)) for each, style in zip(parts, each_styles, strict=False)
    )


def _pairs(parts: Sequence[Json], keys: Styles, values: Styles) -> str:
    words = []
    for each in parts:
        pair = listed(each)
        if len(pair) == 2:
            words.append(f"{text_of_value(pair[0], keys)} : {_data(pair[1], values)}")
        else:
            words.append(text_of_value(each, keys))
    return "{ " + ", ".join(words) + " }"


def _data(node: Json, styles: Styles) -> str:
    """The target of a map as text: a value or a verdict."""
    kind, body = only(node)
    if kind in {"jump", "goto"} and isinstance(body, Mapping):
        return f"{kind} {body.get('target')}"
    return kind if kind and body is None else text_of_value(node, styles)


def _map_data(data: Json, keys: Styles, values: Styles) -> str:
    kind, body = only(data)
    return _pairs(listed(body), keys, values) if kind == "set" else text_of_value(data)


def text_of_map(key: Json, data: Json) -> str:
    """``tcp dport vmap { … }``."""
    left = text_of_value(key)
    kind, body = only(key)
    if kind == "&" and len(listed(body)) == 2 and only(listed(body)[1])[0] == "|":
        flags = " | ".join(str(flag) for flag in _flattened(listed(body)[1]))
        left = f"{text_of_value(listed(body)[0])} & ({flags})"
    return f"{left} vmap {_map_data(data, styles_of(key), PLAIN)}"


def _flattened(node: Json) -> list[Json]:
    kind, body = only(node)
    if kind != "|":
        return [node]
    return [part for each in listed(body) for part in _flattened(each)]


def _expression(kind: str, inner: Mapping[str, Json]) -> str:  # noqa: PLR0911 - one a kind
    key, name = inner.get("key"), inner.get("name")
    field = f" {inner['field']}" if "field" in inner else ""
    if kind == "payload":
        if "base" in inner:
            return f"@{inner['base']},{inner.get('offset')},{inner.get('len')}"
        return f"{inner.get('protocol')}{field}"
    if kind == "meta":
        return str(key) if key in _UNQUALIFIED else f"meta {key}"
    if kind in {"ct", "rt", "socket", "osf"}:
        words = [kind, inner.get("dir"), inner.get("family"), key]
        return " ".join(str(word) for word in words if word is not None)
    if kind == "ipsec":
        number = inner.get("spnum")
        words = [kind, inner.get("dir"), f"spnum {number}" if number else None]
        words += [inner.get("family"), key]
        return " ".join(str(word) for word in words if word is not None)
    if kind == "fib":
        flags = inner.get("flags")
        asked = [flags] if isinstance(flags, str) else listed(flags)
        return f"fib {' . '.join(map(str, asked))} {inner.get('result')}"
    if kind == "exthdr":
        return f"{name}{field}" if field else f"exthdr {name}"
    if kind in {"tcp option", "ip option", "sctp chunk", "dccp option"}:
        return f"{kind} {name}{field}"
    if kind in {"numgen", "jhash", "symhash"}:
        return _hash(kind, inner)
    return ""


def _hash(kind: str, inner: Mapping[str, Json]) -> str:
    words = [kind, inner.get("mode")]
    if "expr" in inner:
        words.append(text_of_value(inner["expr"]))
    words += ["mod", inner.get("mod")]
    for key in ("seed", "offset"):
        if inner.get(key):
            words += [key, inner[key]]
    return " ".join(str(word) for word in words if word is not None)

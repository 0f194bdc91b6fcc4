"""A rule of nft's JSON as the line that ``nft list ruleset`` prints, without its counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nethygiene.subjects.filter.model.nft_terms import (
    Style,
    listed,
    only,
    styles_of,
    text_of_element,
    text_of_map,
    text_of_value,
)
from nethygiene.subjects.filter.model.nft_values import Json

_LONGEST = 160
_BITMASKS = frozenset({"flags", "state", "status", "label", "event"})
# nft leaves these out, because they are its defaults.
_PLAIN_REJECT = {
    "ip": ("icmp", "port-unreachable"),
    "ip6": ("icmpv6", "port-unreachable"),
    "inet": ("icmpx", "port-unreachable"),
    "bridge": ("icmpx", "port-unreachable"),
    "netdev": ("icmpx", "port-unreachable"),
}


def text_of(expressions: Sequence[Json], comment: Json = None, family: str = "inet") -> str:
    """The rule; `family` is its table's."""
    words = [_statement(node, family) for node in expressions]
    if isinstance(comment, str):
        words.append(f'comment "{comment}"')
    text = " ".join(words)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _statement(node: Json, family: str) -> str:  # noqa: PLR0911 - one a kind
    kind, body = only(node)
    inner: Mapping[str, Json] = body if isinstance(body, Mapping) else {}
    if kind == "match":
        return _match(inner)
    if kind == "vmap":
        return text_of_map(inner.get("key"), inner.get("data"))
    if kind in {"jump", "goto"}:
        return f"{kind} {inner.get('target')}"
    if kind == "reject":
        reject = str(inner.get("type", "")), str(inner.get("expr", ""))
        plain = not inner or reject == _PLAIN_REJECT.get(family)
        return "reject" if plain else f"reject with {' '.join(reject)}".rstrip()
    if kind in {"limit", "quota", "ct count", "counter", "log"}:
        return _limiting(kind, body, inner)
    if kind in {"dnat", "snat", "redirect", "masquerade", "tproxy"}:
        return _nat(kind, inner)
    if kind in {"set", "map", "meter"}:
        return _filling(kind, inner)
    if kind == "mangle":
        key = inner.get("key")
        return f"{text_of_value(key)} set {text_of_value(inner.get('value'), styles_of(key))}"
    if kind in {"ct helper", "ct timeout", "ct expectation"}:
        return f'{kind} set "{body}"'
    return _other(kind, body, inner)


def _match(inner: Mapping[str, Json]) -> str:
    op, left, right = inner.get("op"), inner.get("left"), inner.get("right")
    kind, body = only(left)
    if kind == "&" and len(listed(body)) == 2:
        of, mask = listed(body)
        if _is_bitmask(of) and op in ("==", "!="):
            sign = "!= " if op == "!=" else ""
            return f"{text_of_value(of)} {sign}{_flags(right)} / {_flags(mask)}"
        return f"{text_of_value(left)} {op} {text_of_value(right, styles_of(of))}"
    exact = op == "==" and _is_bitmask(left) and not isinstance(right, Mapping)
    sign = "" if op in ("in", "==") and not exact else f"{op} "
    return f"{text_of_value(left)} {sign}{text_of_value(right, styles_of(left))}"


def _is_bitmask(node: Json) -> bool:
    kind, body = only(node)
    inner: Mapping[str, Json] = body if isinstance(body, Mapping) else {}
    if kind == "payload":
        return (inner.get("protocol"), inner.get("field")) == ("tcp", "flags")
    return kind == "ct" and inner.get("key") in _BITMASKS


def _flags(node: Json) -> str:
    kind, body = only(node)
    if kind == "|":
        return ",".join(_flags(each) for each in listed(body))
    return text_of_value(node, (Style.HEXADECIMAL,))


def _limiting(kind: str, body: Json, inner: Mapping[str, Json]) -> str:
    if isinstance(body, str):
        return f'{kind} name "{body}"'
    over = "over " if inner.get("inv") else ""
    if kind == "limit":
        unit, burst = inner.get("rate_unit"), inner.get("burst")
        rate = f"{inner.get('rate')} {unit}" if unit else f"{inner.get('rate')}"
        text = f"limit rate {over}{rate}/{inner.get('per')}"
        if unit:
            return text + (f" burst {burst} {inner.get('burst_unit')}" if burst else "")
        return text + (f" burst {burst} packets" if burst not in (5, None) else "")
    if kind == "quota":
        return f"quota {over}{inner.get('val')} {inner.get('val_unit')}"
    if kind == "ct count":
        return f"ct count {over}{inner.get('val')}"
    return "counter" if kind == "counter" else _log(inner)


def _log(inner: Mapping[str, Json]) -> str:
    words = ["log"]
    if "prefix" in inner:
        words.append(f'prefix "{inner["prefix"]}"')
    numbers = ("group", "snaplen", "queue-threshold")
    words += [f"{key} {inner[key]}" for key in numbers if key in inner]
    if inner.get("level", "warn") != "warn":
        words.append(f"level {inner['level']}")
    if "flags" in inner:
        flags = inner["flags"]
        words += [
            f"flags {flag}" for flag in ([flags] if isinstance(flags, str) else listed(flags))
        ]
    return " ".join(words)


def _nat(kind: str, inner: Mapping[str, Json]) -> str:
    address, port, flags = inner.get("addr"), inner.get("port"), inner.get("flags")
    words = [kind]
    if "family" in inner:
        words.append(str(inner["family"]))
    many = [flags] if isinstance(flags, str) else [str(flag) for flag in listed(flags)]
    if "netmap" in many:
        many.remove("netmap")
        words.append("prefix")
    if address is not None or port is not None:
        to = "" if address is None else text_of_value(address)
        if isinstance(address, str) and ":" in address and port is not None:
            to = f"[{to}]"
        if port is not None:
            to += f":{text_of_value(port)}"
        words += ["to", to]
    if many:
        words.append(",".join(many))
    return " ".join(words)


def _filling(kind: str, inner: Mapping[str, Json]) -> str:
    """``update @s { ip saddr timeout 1m limit rate over 3/minute }``, and the older meter."""
    given = inner.get("stmt")
    statements = [given] if isinstance(given, Mapping) else listed(given)
    inside = " ".join(_statement(node, "inet") for node in statements)
    key = inner.get("key") if kind == "meter" else inner.get("elem")
    body = only(key)[1] if only(key)[0] == "elem" else None
    element = text_of_element(body) if isinstance(body, Mapping) else text_of_value(key)
    if kind == "meter":
        size = f" size {inner['size']}" if "size" in inner else ""
        return f"meter {inner.get('name')}{size} {{ {element} {inside} }}"
    filled = f"{element} {inside}".rstrip()
    if kind == "map" and "data" in inner:
        filled += f" : {text_of_value(inner['data'])}"
    return f"{inner.get('op')} {inner.get(kind)} {{ {filled} }}"


def _other(kind: str, body: Json, inner: Mapping[str, Json]) -> str:
    if body is None:
        return kind
    if kind in {"dup", "fwd"}:
        quoted = (Style.QUOTED,)
        address, device = inner.get("addr"), inner.get("dev")
        if kind == "dup" and address is not None:
            bare = isinstance(address, str) and ("." in address or ":" in address)
            to = text_of_value(address, (Style.PLAIN,) if bare else quoted)
            return f"dup to {to}" + (f" device {text_of_value(device, quoted)}" if device else "")
        via = f"{inner.get('family')} to {text_of_value(address)} device" if address else "to"
        return f"{kind} {via} {text_of_value(device, quoted)}"
    if kind == "queue":
        flags = inner.get("flags")
        many = [flags] if isinstance(flags, str) else [str(flag) for flag in listed(flags)]
        to = f" to {text_of_value(inner['num'])}" if "num" in inner else ""
        return " ".join(["queue", *([f"flags {','.join(many)}"] if many else [])]) + to
    if kind == "flow":
        return f"flow {inner.get('op')} {inner.get('flowtable')}"
    if kind == "synproxy":
        words = [kind] + [f"{key} {inner[key]}" for key in ("mss", "wscale") if key in inner]
        flags = inner.get("flags")
        words += [flags] if isinstance(flags, str) else [str(flag) for flag in listed(flags)]
        return " ".join(words)
    if kind == "xt":
        return f'xt {inner.get("type")} "{inner.get("name")}"'
    return f"{kind} {text_of_value(body)}"

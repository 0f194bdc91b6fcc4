"""Listings of packet filters and of ip."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial

from nethygiene.subjects.filter.model.ipsets import IpSet, elements_of, parse_ipsets
from nethygiene.subjects.filter.model.iptables import compile_saved, parse_saved
from nethygiene.subjects.filter.model.links import parse_tc
from nethygiene.subjects.filter.model.nft import compile_tables, parse_nft
from nethygiene.subjects.links.ip.addresses import parse_addresses
from nethygiene.subjects.links.ip.families import Family
from nethygiene.subjects.links.ip.links import parse_links
from nethygiene.subjects.links.ip.routes import parse_routes
from nethygiene.subjects.links.ip.rules import parse_rules
from tests.fuzz.answers import (
    recorded,
)
from tests.fuzz.target import Target, text_of

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")


def read_nft(data: bytes) -> None:
    """Read a listing of nftables and compile it for both families."""
    tables = parse_nft(text_of(data))
    if not isinstance(tables, str):
        for family in FAMILIES:
            compile_tables(tables, family)


def read_iptables(data: bytes) -> None:
    """Read a listing of iptables and compile it for both families."""
    saved = parse_saved(text_of(data))
    if not isinstance(saved, str):
        for table in saved.tables.values():
            for family in FAMILIES:
                compile_saved(table, family, {"s": IpSet("s", "hash:ip", family, (), False)}, "t")


def read_ipset(data: bytes) -> None:
    """Read a listing of ipsets and take their elements."""
    for one in (parse_ipsets(text_of(data)) or {}).values():
        for directions in (["src"], ["src", "dst"], ["dst", "src", "src"], []):
            for family in FAMILIES:
                elements_of(one, directions, family)


def read_routing(data: bytes) -> None:
    """Read listings of ip."""
    text = text_of(data)
    parse_tc(text)
    for parse in (parse_links, parse_addresses):
        with contextlib.suppress(ValueError):
            parse(text)
    for family in FAMILIES:
        for parse_of in (parse_routes, parse_rules):
            with contextlib.suppress(ValueError):
                parse_of(text, family)


def sections_of(*names: str) -> Iterable[bytes]:
    """What real hosts answered in these sections."""
    for name in names:
        for one in recorded(name):
            yield one.stdout


def listing_targets() -> Mapping[str, Target]:
    """The readers of listings."""
    saved = partial(sections_of, "iptables", "ip6tables")
    listed = partial(sections_of, "links", "addresses", "routes_ipv4", "routing_rules_ipv6", "tc")
    return {
        "nft": Target(read_nft, partial(sections_of, "nft")),
        "iptables": Target(read_iptables, saved),
        "ipset": Target(read_ipset, partial(sections_of, "ipset")),
        "routing": Target(read_routing, listed),
    }

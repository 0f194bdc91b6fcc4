"""Listings of packet filters and of ip, and the configuration of keepalived."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from functools import partial

from nethygiene.subjects.failover.keepalived_conf.files import (
    ConfigurationError,
    ConfigurationFiles,
)
from nethygiene.subjects.failover.keepalived_conf.parser import read_configuration
from nethygiene.subjects.filter.model.ipsets import IpSet, elements_of, parse_ipsets
from nethygiene.subjects.filter.model.iptables import compile_saved, parse_saved
from nethygiene.subjects.filter.model.links import parse_tc
from nethygiene.subjects.filter.model.nft import compile_tables, parse_nft
from nethygiene.subjects.links.ip.addresses import parse_addresses
from nethygiene.subjects.links.ip.families import Family
from nethygiene.subjects.links.ip.links import parse_links
from nethygiene.subjects.links.ip.routes import parse_routes
from nethygiene.subjects.links.ip.rules import parse_rules
from tests.fuzz.answers import FAILOVER, recorded
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


_INCLUDED = ("/k/keepalived.conf", "/k/other.conf")


def read_keepalived(data: bytes) -> None:
    """Read two files that may include each other; a NUL parts them."""
    texts = dict(zip(_INCLUDED, text_of(data).split("\0"), strict=False))
    matches = {("/k", name): (f"/k/{name}",) for name in ("keepalived.conf", "other.conf")}
    files = ConfigurationFiles(texts, {**matches, ("/k", "*.conf"): _INCLUDED})
    with contextlib.suppress(ConfigurationError):
        for instance in read_configuration(files, _INCLUDED[:1], "node1").instances:
            assert instance.vrid is None or 1 <= instance.vrid <= 255
            assert {one.address.version for one in instance.peers} <= {instance.family}


def _keepalived_seeds() -> Iterable[bytes]:
    for path in sorted(FAILOVER.glob("configs/*.conf")):
        yield path.read_bytes()
    yield b"include other.conf\n" + b"\0" + (FAILOVER / "configs" / "plain.conf").read_bytes()


_KEEPALIVED_WORDS = (
    *(b"$X=", b"$X", b"${X}", b"$X= \\\n", b"\\\n", b"@node1 ", b"@^node1 ", b"include *.conf\n"),
    *(b"{", b"}", b'"', b"#", b"!", b"vrrp_instance A {", b"unicast_peer {", b"use_vmac "),
)


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
        "keepalived": Target(read_keepalived, _keepalived_seeds, _KEEPALIVED_WORDS),
    }

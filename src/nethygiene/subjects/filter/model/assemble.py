"""Assembles the model of one host's filter from the output of all tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from nethygiene.subjects.filter.model.ipsets import IpSet, parse_ipsets
from nethygiene.subjects.filter.model.iptables import Saved, compile_saved, parse_saved
from nethygiene.subjects.filter.model.links import Links, parse_tc
from nethygiene.subjects.filter.model.nft import NftTable, compile_tables, parse_nft
from nethygiene.subjects.filter.model.route import TableRoute, routes_of
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.filter.model.routing_rules import RoutingRule, rules_of
from nethygiene.subjects.filter.model.ruleset import Ruleset, Table
from nethygiene.subjects.filter.model.stack import Stack, parse_stack
from nethygiene.subjects.filter.model.verdict import HostFilter
from nethygiene.subjects.links.ip.addresses import LinkAddress, parse_addresses
from nethygiene.subjects.links.ip.families import FAMILIES, Family
from nethygiene.subjects.links.ip.links import parse_links
from nethygiene.subjects.links.ip.routes import parse_routes
from nethygiene.subjects.links.ip.rules import parse_rules

T = TypeVar("T")

_OWNED = frozenset({"filter", "nat", "mangle", "raw", "security"})
_TOOLS: Mapping[Family, str] = {"ipv4": "iptables", "ipv6": "ip6tables"}
_NFT_FAMILY: Mapping[Family, str] = {"ipv4": "ip", "ipv6": "ip6"}
Trouble = tuple[str, str]
"""The section that cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back.

    Attributes:
        texts: standard output by section; those that are not to be believed are missing.
        troubles: why they are.
    """

    texts: Mapping[str, str | None]
    troubles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Assembled:
    """The model, or which section keeps it from being made.

    Attributes:
        host: the model, or the trouble.
        stack: the settings and tables of the network stack.
    """

    host: HostFilter | Trouble
    stack: Stack


class _UnreadableError(Exception):
    """Which section cannot be read, and why."""


def assemble(answers: Answers) -> Assembled:
    """Make the model of the host; pure, and it raises for no bytes."""
    stack = parse_stack(answers.texts.get("virtual_servers") or "")
    try:
        routes, links = _routes(answers), _links(answers, stack)
    except _UnreadableError as error:
        return Assembled((error.args[0], error.args[1]), stack)
    try:
        tables = _tables(answers)
    except RecursionError:
        tables = "nft", "nested deeper than any ruleset is"
    if isinstance(tables, tuple):
        return Assembled(tables, stack)
    rulesets = {family: Ruleset(family, of_family) for family, of_family in tables.items()}
    return Assembled(HostFilter(rulesets, routes, links, stack.forwards), stack)


def _read(answers: Answers, section: str, parse: Callable[[str], T]) -> T:
    text = answers.texts.get(section)
    if text is None:
        raise _UnreadableError(section, "not readable")
    try:
        return parse(text)
    except ValueError as error:
        raise _UnreadableError(section, str(error)) from None


def _routes(answers: Answers) -> RoutingTables:
    routes: dict[Family, tuple[TableRoute, ...]] = {}
    rules: dict[Family, tuple[RoutingRule, ...]] = {}
    for family in FAMILIES:
        lines = _read(answers, f"routes_{family}", partial(parse_routes, family=family))
        asked = _read(answers, f"routing_rules_{family}", partial(parse_rules, family=family))
        routes[family], rules[family] = routes_of(lines), rules_of(asked)
    return RoutingTables(routes, rules)


def _links(answers: Answers, stack: Stack) -> Links:
    links = {link.name: link for link in _read(answers, "links", parse_links)}
    first: dict[tuple[str, Family], int] = {}
    every: dict[tuple[str, Family], list[LinkAddress]] = {}
    for address in _read(answers, "addresses", parse_addresses):
        family: Family = "ipv4" if address.interface.version == 4 else "ipv6"
        first.setdefault((address.link, family), int(address.interface.ip))
        every.setdefault((address.link, family), []).append(address)
    tc = answers.texts.get("tc")
    unknown = ""
    if tc is None and stack.has_ingress:
        unknown = f"tc filters may see packets first: {answers.troubles.get('tc', 'tc')}"
    sources = {key: tuple(addresses) for key, addresses in every.items()}
    return Links(links, first, parse_tc(tc or ""), unknown, stack.localnet, sources)


def _tables(answers: Answers) -> dict[Family, dict[str, Table]] | Trouble:
    text = answers.texts.get("nft")
    if text is None:
        return "nft", "not readable"
    parsed = parse_nft(text)
    if isinstance(parsed, str):
        return "nft", parsed
    sets_text = answers.texts.get("ipset")
    sets = None if sets_text is None else parse_ipsets(sets_text)
    by_family: dict[Family, dict[str, Table]] = {}
    for family in _TOOLS:
        made = _family(family, parsed, sets, answers)
        if isinstance(made, tuple):
            return made
        by_family[family] = {table.name: table for table in made}
    return by_family


def _family(
    family: Family, nft: list[NftTable], sets: Mapping[str, IpSet] | None, answers: Answers
) -> list[Table] | Trouble:
    tool = _TOOLS[family]
    text = answers.texts.get(tool)
    saved = None if text is None else parse_saved(text)
    if isinstance(saved, str):
        return tool, saved
    tables: list[Table] = []
    for table in nft:
        if saved is not None and _is_shown(table, saved, family):
            tables.append(compile_saved(saved.tables[table.name], family, sets, tool))
        else:
            tables += compile_tables([table], family)
    legacy = _legacy(family, saved, answers)
    if isinstance(legacy, tuple):
        return legacy
    old = []
    if legacy is not None:
        old = [
            compile_saved(table, family, sets, f"{tool}-legacy") for table in legacy.tables.values()
        ]
    return [*old, *tables]


def _is_shown(table: NftTable, saved: Saved, family: Family) -> bool:
    """Whether iptables-save shows all of a table of nft."""
    if table.family != _NFT_FAMILY[family] or table.name not in _OWNED or not saved.nft:
        return False
    if table.name in saved.incompatible or table.name not in saved.tables or table.dormant:
        return False
    printed = saved.tables[table.name]
    return all(
        name in printed.policies
        and ("hook" not in chain or printed.policies[name] in {"ACCEPT", "DROP"})
        and len(printed.rules[name]) == len(table.rules.get(name, ()))
        for name, chain in table.chains.items()
    )


def _legacy(family: Family, saved: Saved | None, answers: Answers) -> Saved | Trouble | None:
    name = f"{_TOOLS[family]}_legacy"
    text = answers.texts.get(name)
    if text is not None:
        parsed = parse_saved(text)
        if isinstance(parsed, str):
            return name, parsed
        if parsed.tables:
            return parsed
    if saved is not None and not saved.nft and saved.tables:
        return saved  # the tool of before iptables 1.8, which has no other name
    if text is not None:
        return None
    names = answers.texts.get("legacy_tables")
    if names is not None and not _kept_by_legacy(names, family):
        return None
    return name, "not readable"


def _kept_by_legacy(names: str, family: Family) -> bool:
    """Whether one of the lines ``/proc/net/ip_tables_names:filter`` is of this family.

    Lines without a file's name, as earlier evidence has them, may be of either.
    """
    other = "ip6_tables_names" if family == "ipv4" else "ip_tables_names"
    return any(line and not line.startswith(f"/proc/net/{other}:") for line in names.split("\n"))

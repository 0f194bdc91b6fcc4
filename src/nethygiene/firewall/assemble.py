"""From what all the tools printed to the model of one host's filter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nethygiene.firewall.addresses import Family, family_of, parse_address
from nethygiene.firewall.ipsets import IpSet, parse_ipsets
from nethygiene.firewall.iptables import Saved, compile_saved, parse_saved
from nethygiene.firewall.links import Links, parse_links, parse_tc
from nethygiene.firewall.nft import NftTable, compile_tables, parse_nft
from nethygiene.firewall.routes import Route, Routes, RoutingRule, parse_routes, parse_rules
from nethygiene.firewall.ruleset import Ruleset, Table
from nethygiene.firewall.stack import Stack, VirtualServer, parse_localnet, parse_stack
from nethygiene.firewall.verdict import HostFilter

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


@dataclass(frozen=True, slots=True)
class _Routing:
    """The section ``routing``, read."""

    routes: Routes
    links: Links
    may_have_tc: bool


def assemble(answers: Answers) -> Assembled:
    """Make the model of the host; pure, and it raises for no bytes."""
    stack = parse_stack(answers.texts.get("virtual_servers") or "")
    text = answers.texts.get("routing")
    routing = ("routing", "not readable") if text is None else _routing(text)
    if isinstance(routing, tuple):
        return Assembled(routing, stack)
    localnet = parse_localnet(answers.texts.get("route_localnet") or "")
    links = replace(_with_tc(routing, answers), localnet=localnet)
    try:
        tables = _tables(answers)
    except RecursionError:
        tables = "nft", "nested deeper than any ruleset is"
    if isinstance(tables, tuple):
        return Assembled(tables, stack)
    rulesets = {family: Ruleset(family, found) for family, found in tables.items()}
    return Assembled(HostFilter(rulesets, routing.routes, links, stack.forwards), stack)


def _tables(answers: Answers) -> dict[Family, dict[str, Table]] | Trouble:
    text = answers.texts.get("nft")
    if text is None:
        return "nft", "not readable"
    parsed = parse_nft(text)
    if isinstance(parsed, str):
        return "nft", parsed
    sets_text = answers.texts.get("ipset")
    sets = None if sets_text is None else parse_ipsets(sets_text)
    found: dict[Family, dict[str, Table]] = {}
    for family in _TOOLS:
        made = _family(family, parsed, sets, answers)
        if isinstance(made, tuple):
            return made
        found[family] = {table.name: table for table in made}
    return found


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
        old = [compile_saved(one, family, sets, f"{tool}-legacy") for one in legacy.tables.values()]
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


def _with_tc(routing: _Routing, answers: Answers) -> Links:
    text = answers.texts.get("tc")
    if text is None:
        if routing.may_have_tc:
            why = f"tc filters may see packets first: {answers.troubles.get('tc', 'tc')}"
            return replace(routing.links, tc_unknown=why)
        return routing.links
    filtered = parse_tc(text)
    links = {name: replace(link, tc=name in filtered) for name, link in routing.links.links.items()}
    return replace(routing.links, links=links)


_PARTS = (
    *("-4 rule", "-4 route show table all", "-6 rule", "-6 route show table all"),
    *("-o addr", "-o -d link"),
)
_ADDRESS = re.compile(r"\d+: (?P<name>\S+)\s+inet6? (?P<address>[^\s/]+)[/\s].*", re.ASCII)


def _routing(text: str) -> _Routing | Trouble:
    may_have_tc = text.startswith("# sch_ingress\n")
    parts: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.removeprefix("# sch_ingress\n").split("\n"):
        wanted = _PARTS[len(parts)] if len(parts) < len(_PARTS) else ""
        if wanted and line == f"# ip {wanted}":
            current = parts[wanted] = []
        elif current is None:
            return "routing", f"unexpected: {line[:80]!r}"
        else:
            current.append(line)
    if len(parts) < len(_PARTS):
        return "routing", "cut off"
    routes: dict[Family, tuple[Route, ...]] = {}
    rules: dict[Family, tuple[RoutingRule, ...]] = {}
    for version, family in (("4", "ipv4"), ("6", "ipv6")):
        one: Family = "ipv4" if family == "ipv4" else "ipv6"
        found = parse_routes(parts[f"-{version} route show table all"], one)
        asked = parse_rules(parts[f"-{version} rule"], one)
        if found is None or asked is None:
            return "routing", f"not readable as {family} routes or rules"
        routes[one], rules[one] = found, asked
    links = parse_links(parts["-o -d link"])
    if links is None:
        return "routing", "not readable as links"
    first: dict[tuple[str, Family], int] = {}
    for line in parts["-o addr"]:
        if not line:
            continue
        match = _ADDRESS.fullmatch(line)
        parsed = parse_address(match["address"]) if match else None
        if match is None or parsed is None:
            return "routing", f"not an address: {line[:80]!r}"
        name = match["name"].partition("@")[0]
        first.setdefault((name, parsed[1]), parsed[0])
    return _Routing(Routes(routes, rules), Links(links, first), may_have_tc)


__all__ = ["Answers", "Assembled", "Stack", "VirtualServer", "assemble", "family_of"]

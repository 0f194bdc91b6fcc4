"""``nft -j list ruleset``: read into tables, for the packets of one family."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from nethygiene.subjects.filter.model.matches import Match, Perhaps
from nethygiene.subjects.filter.model.nft_fields import NftScope
from nethygiene.subjects.filter.model.nft_limits import filled_sets, set_choice
from nethygiene.subjects.filter.model.nft_rules import rules_of
from nethygiene.subjects.filter.model.nft_text import text_of
from nethygiene.subjects.filter.model.nft_values import Json, NamedSet
from nethygiene.subjects.filter.model.ruleset import (
    Action,
    BaseChain,
    Chain,
    FilterRule,
    Hook,
    Table,
)
from nethygiene.subjects.links.ip.families import Family

_HOOKS = {
    "ingress": Hook.INGRESS,
    "prerouting": Hook.PREROUTING,
    "input": Hook.INPUT,
    "forward": Hook.FORWARD,
    "output": Hook.OUTPUT,
    "postrouting": Hook.POSTROUTING,
    "egress": Hook.EGRESS,
}
_BRIDGE = {
    "prerouting": Hook.BRIDGE_PREROUTING,
    "input": Hook.BRIDGE_INPUT,
    "output": Hook.BRIDGE_OUTPUT,
    "postrouting": Hook.BRIDGE_POSTROUTING,
}
_ARP = {"input": Hook.ARP_INPUT, "output": Hook.ARP_OUTPUT}
_FAMILIES: Mapping[str, frozenset[Family]] = {
    "ip": frozenset({"ipv4"}),
    "ip6": frozenset({"ipv6"}),
    "inet": frozenset({"ipv4", "ipv6"}),
    "arp": frozenset({"ipv4"}),
    "netdev": frozenset({"ipv4", "ipv6"}),
    "bridge": frozenset({"ipv4", "ipv6"}),
}
# Programs that ban addresses give their tables, chains and sets these names.
BAN_NAMES = ("f2b", "fail2ban", "addr-set-", "sshguard", "crowdsec")


@dataclass(slots=True)
class NftTable:
    """One table as nft lists it.

    Attributes:
        family: ``ip``, ``ip6``, ``inet``, ``arp``, ``netdev`` or ``bridge``.
        name: its name.
        sets: sets and maps by name.
        chains: what nft says of each chain.
        rules: what nft says of each rule, by chain.
        dormant: it is switched off.
        limits: its named limits and quotas, by kind and name.
        fills: its rules perhaps add to its sets.
        texts: of its rules, by the identity of what nft says of them.
    """

    family: str
    name: str
    sets: dict[str, NamedSet] = field(default_factory=dict)
    chains: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    rules: dict[str, list[Mapping[str, Json]]] = field(default_factory=dict)
    dormant: bool = False
    limits: dict[tuple[str, str], Mapping[str, Json]] = field(default_factory=dict)
    fills: bool = False
    texts: dict[int, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """``inet filter``."""
        return f"{self.family} {self.name}"


def parse_nft(text: str) -> list[NftTable] | str:
    """Read the listing; a string is the reason why it cannot be read."""
    if not text.strip():
        return []
    try:
        document: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {str(error)[:80]}"
    entries = document.get("nftables") if isinstance(document, Mapping) else None
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return "no list of nftables objects"
    tables: dict[tuple[str, str], NftTable] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or len(entry) != 1:
            return f"not an object: {str(entry)[:80]}"
        ((kind, body),) = entry.items()
        if not isinstance(body, Mapping):
            return f"{kind}: not an object"
        trouble = _entry(kind, body, tables)
        if trouble:
            return trouble
    return list(tables.values())


def _entry(  # noqa: PLR0911 - one a fault
    kind: str, body: Mapping[str, Json], tables: dict[tuple[str, str], NftTable]
) -> str:
    """Take in one object of the listing; return what is wrong with it."""
    family, name = body.get("family"), body.get("name")
    if kind == "table":
        if not isinstance(family, str) or not isinstance(name, str):
            return "a table without family and name"
        flags = body.get("flags")
        dormant = flags == "dormant" or (isinstance(flags, Sequence) and "dormant" in flags)
        tables[family, name] = NftTable(family, name, dormant=dormant)
        return ""
    if kind not in {"chain", "rule", "set", "map", "limit", "quota"}:
        return ""
    table = tables.get((str(family), str(body.get("table"))))
    if table is None:
        return f"a {kind} of a table that is not listed"
    if kind == "rule":
        chain = body.get("chain")
        if not isinstance(chain, str) or not isinstance(body.get("expr"), Sequence):
            return "a rule without chain or expression"
        table.rules.setdefault(chain, []).append(body)
        table.fills |= _fills(body["expr"])
        return ""
    if not isinstance(name, str):
        return f"a {kind} without a name"
    if kind in {"limit", "quota"}:
        table.limits[kind, name] = body
        return ""
    if kind == "chain":
        table.chains[name] = body
        return ""
    elements = body.get("elem", [])
    if not isinstance(elements, Sequence) or isinstance(elements, str):
        return f"set {name}: its elements are no list"
    flags = body.get("flags")
    listed = [flags] if isinstance(flags, str) else flags if isinstance(flags, Sequence) else []
    bans = bool({"dynamic", "timeout"} & {str(flag) for flag in listed}) or "timeout" in body
    table.sets[name] = NamedSet(elements, bans or name.startswith(BAN_NAMES))
    return ""


def _fills(expressions: Json) -> bool:
    return isinstance(expressions, Sequence) and any(
        isinstance(expression, Mapping) and ("set" in expression or "map" in expression)
        for expression in expressions
    )


def compile_tables(tables: Iterable[NftTable], family: Family) -> list[Table]:
    """The tables that packets of `family` meet."""
    met = (
        table for table in tables if family in _FAMILIES.get(table.family, ()) and not table.dormant
    )
    return [_compiled(table, family) for table in met]


def _compiled(table: NftTable, family: Family) -> Table:
    ethernet = table.family in {"netdev", "bridge"}
    sets = dict(table.sets)
    every = [rule["expr"] for each in table.rules.values() for rule in each]
    for name in filled_sets(every) if table.fills else ():
        if name in sets:
            sets[name] = replace(sets[name], filled=set_choice(table.key, name))
    both = ethernet or table.family == "inet"
    scope = NftScope(family, sets, ethernet, both, limits=table.limits)
    chains: dict[str, Chain] = {}
    banned_table = table.name.startswith(BAN_NAMES)
    for name in table.chains:
        place = f"nft {table.key} {name}"
        bans = banned_table or name.startswith(BAN_NAMES)
        here = replace(scope, place=place)
        rules: list[FilterRule] = []
        for body in table.rules.get(name, ()):
            expressions = body["expr"]
            assert isinstance(expressions, Sequence)
            text = table.texts.get(id(body))
            if text is None:
                text = text_of(expressions, body.get("comment"), table.family)
                table.texts[id(body)] = text
            made = rules_of(expressions, here, place, text)
            # A ban drops some addresses. A rule that drops everybody bans nobody, whatever its
            # chain's name.
            rules += [
                replace(rule, bans=rule.bans or (bans and rule.names_clients)) for rule in made
            ]
        chains[name] = Chain(place, tuple(rules))
    return Table(f"nft {table.key}", chains, tuple(_bases(table, chains)))


def _bases(table: NftTable, chains: Mapping[str, Chain]) -> Iterable[BaseChain]:
    for name, body in table.chains.items():
        hooks = {"bridge": _BRIDGE, "arp": _ARP}.get(table.family, _HOOKS)
        hook = hooks.get(str(body.get("hook")))
        if hook is None:
            continue
        priority = body.get("prio")
        is_number = isinstance(priority, int) and not isinstance(priority, bool)
        chain = chains[name]
        if not is_number:
            doubt: tuple[Match, ...] = (Perhaps("its priority"),)
            rules = (FilterRule(chain.place, "its priority", doubt, Action.UNDECIDED), *chain.rules)
            chain = Chain(chain.place, rules)
        policy = Action.DROP if body.get("policy") == "drop" else Action.ACCEPT
        yield BaseChain(
            chain,
            hook,
            priority if isinstance(priority, int) else 0,
            policy,
            nat=body.get("type") == "nat",
            table=f"nft {table.key}",
            devices=_devices(body) if hook in {Hook.INGRESS, Hook.EGRESS} else (),
            reroutes=body.get("type") == "route",
        )


def _devices(body: Mapping[str, Json]) -> tuple[str, ...] | None:
    # nft 1.0.6 leaves the device of some chains out of its JSON.
    device = body.get("dev")
    if isinstance(device, str):
        return (device,)
    if isinstance(device, Sequence) and all(isinstance(name, str) for name in device):
        return tuple(str(name) for name in device)
    return None

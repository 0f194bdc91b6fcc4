"""Whether the packet filter marks packets that the host sends itself, and routes them anew."""

from __future__ import annotations

from collections.abc import Iterator

from nethygiene.subjects.filter.model.effects import SetMark
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.ruleset import Action, Chain, FilterRule, Hook, Ruleset, Table


def rule_that_reroutes(ruleset: Ruleset) -> FilterRule | None:
    """A rule that may give the host's own packets a mark by which they are routed anew.

    Only chains of type route at the output hook do that (ip_route_me_harder: nft_chain_route.c,
    iptable_mangle.c; Linux 6.18). A mark taken from the connection is one only if some rule
    saves it there.
    """
    saved = any(_sets(rule, Field.CT_MARK) for rule in ruleset.rules())
    for base in ruleset.bases(Hook.OUTPUT):
        if not base.reroutes:
            continue
        for rule in _reached(ruleset.tables[base.table], base.chain):
            if _sets(rule, Field.MARK) or (saved and _copies(rule)):
                return rule
    return None


def _sets(rule: FilterRule, field: Field) -> bool:
    """Whether it may set a bit; taking the bits of a mark that nobody set sets none."""
    return any(one.field is field and one.value != 0 for one in _marks(rule)) or (
        field is Field.CT_MARK and any(one.field is field and one.copied for one in _marks(rule))
    )


def _copies(rule: FilterRule) -> bool:
    return any(one.field is Field.MARK and one.copied is not None for one in _marks(rule))


def _marks(rule: FilterRule) -> tuple[SetMark, ...]:
    return tuple(one for one in rule.effects if isinstance(one, SetMark))


def _reached(table: Table, first: Chain) -> Iterator[FilterRule]:
    """The rules of a chain and of those that it leads to."""
    seen: set[str] = set()
    pending = [first]
    while pending:
        chain = pending.pop()
        if chain.place in seen:
            continue
        seen.add(chain.place)
        for rule in chain.rules:
            yield rule
            if rule.action in {Action.JUMP, Action.GOTO} and rule.chain in table.chains:
                pending.append(table.chains[rule.chain])

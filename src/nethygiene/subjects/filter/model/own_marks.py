"""Whether the packet filter marks the host's own packets, so that the kernel reroutes them."""

from __future__ import annotations

from collections.abc import Iterator

from nethygiene.subjects.filter.model.effects import SetMark
from nethygiene.subjects.filter.model.fields import Field
from nethygiene.subjects.filter.model.ruleset import Action, Chain, FilterRule, Hook, Ruleset, Table


def rule_that_reroutes(ruleset: Ruleset) -> FilterRule | None:
    """A rule that may give the host's own packets a mark, so that the kernel reroutes them.

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
    """Whether it may set a bit; copying a mark that nobody set sets none."""
    return any(mark.field is field and mark.value != 0 for mark in _marks(rule)) or (
        field is Field.CT_MARK and any(mark.field is field and mark.copied for mark in _marks(rule))
    )


def _copies(rule: FilterRule) -> bool:
    return any(mark.field is Field.MARK and mark.copied is not None for mark in _marks(rule))


def _marks(rule: FilterRule) -> tuple[SetMark, ...]:
    return tuple(effect for effect in rule.effects if isinstance(effect, SetMark))


def _reached(table: Table, first: Chain) -> Iterator[FilterRule]:
    """The rules of a chain and of the chains that it leads to."""
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

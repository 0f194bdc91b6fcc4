"""The needs of the selected items: hosts, probes, and connections that stay open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeGuard

import pytest

from nethygiene.engine.audit import Audit
from nethygiene.engine.collecting import collect, judge_answers
from nethygiene.engine.exit_status import REACHABILITY
from nethygiene.engine.naming import ADDRESSES
from nethygiene.engine.rule import ALWAYS_SENT
from nethygiene.engine.unit import asked_of
from nethygiene.plugin import plain_checks
from nethygiene.plugin.items import RuleItem
from nethygiene.plugin.progress import with_progress
from nethygiene.redaction.keeping import keep_evidence


def is_reachability(item: pytest.Item) -> TypeGuard[RuleItem]:
    """Whether an item is a host's host-reachable."""
    return isinstance(item, RuleItem) and item.unit.rule.id == REACHABILITY


def hosts_of(items: Iterable[pytest.Item]) -> list[str]:
    """The hosts that items judge, each once, in their order."""
    # The items of a fleet share their tuples of hosts.
    tuples = dict.fromkeys(hosts for item in items for hosts in _hosts_of(item))
    return list(dict.fromkeys(host for hosts in tuples for host in hosts))


def _hosts_of(item: pytest.Item) -> tuple[tuple[str, ...], ...]:
    if isinstance(item, RuleItem):
        return item.unit.hosts, item.unit.others
    host = plain_checks.host_of(item)
    return () if host is None else ((host,),)


def select(audit: Audit, items: Iterable[pytest.Item]) -> None:
    """Pass the selected units and hosts to the audit."""
    items = list(items)
    units = [item.unit for item in items if isinstance(item, RuleItem)]
    checks = (plain_checks.host_of(item) for item in items if not isinstance(item, RuleItem))
    audit.select(units, {host for host in checks if host is not None})


def judge_selected(audit: Audit, items: Iterable[pytest.Item]) -> None:
    """Collect the probes of the items, in one round trip a host, and judge hosts as they answer.

    Raises:
        UsageError: an evidence file cannot be read or written.
    """
    items = list(items)
    select(audit, items)
    if not audit.is_live:
        judge_answers(audit)
        return
    connected = {
        host
        for item in items
        if plain_checks.needs_connection(item) and (host := plain_checks.host_of(item))
    }
    probes = probes_by_host(audit, items)
    collect(audit, probes, audit.take, with_progress, keep_evidence, connected)


def probes_by_host(audit: Audit, items: Iterable[pytest.Item]) -> dict[str, set[str]]:
    """The probes that each host is sent."""
    items = list(items)
    needed: dict[str, set[str]] = defaultdict(lambda: set(ALWAYS_SENT))
    asked = asked_of(item.unit for item in items if isinstance(item, RuleItem))
    for host in audit.named:
        needed[host].add(ADDRESSES)
    for host, probes in asked.items():
        needed[host] |= probes
    for item in items:
        looked_at = None if isinstance(item, RuleItem) else plain_checks.host_of(item)
        if looked_at is not None:
            needed[looked_at] |= plain_checks.probes_of(item)
    return needed

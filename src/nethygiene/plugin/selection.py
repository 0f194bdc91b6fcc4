"""What the selected items need: which hosts, which probes, whose connection stays open."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeGuard

import pytest

from nethygiene.plugin import plain
from nethygiene.plugin.audit import Audit
from nethygiene.plugin.collecting import collect
from nethygiene.plugin.items import RuleItem
from nethygiene.rules.definition import ALWAYS_SENT, Rule
from nethygiene.verdict import REACHABILITY


def is_reachability(item: pytest.Item) -> TypeGuard[RuleItem]:
    """Whether an item is a host's host-reachable."""
    return isinstance(item, RuleItem) and item.rule.id == REACHABILITY


def hosts_of(items: Iterable[pytest.Item]) -> list[str]:
    """The hosts that items judge, each once, in their order."""
    hosts = (one.host if isinstance(one, RuleItem) else plain.host_of(one) for one in items)
    return list(dict.fromkeys(host for host in hosts if host is not None))


def rules_by_host(items: Iterable[pytest.Item]) -> dict[str, tuple[Rule, ...]]:
    """The rules that were selected for each host; the same in every worker of xdist."""
    found: dict[str, dict[str, Rule]] = {}
    for one in items:
        if isinstance(one, RuleItem):
            found.setdefault(one.host, {})[one.rule.id] = one.rule
    return {host: tuple(rules.values()) for host, rules in found.items()}


def collect_for(audit: Audit, items: Iterable[pytest.Item]) -> None:
    """Collect what the items need, in one round trip a host.

    Raises:
        UsageError: the evidence file cannot be written.
    """
    items = list(items)
    audit.rules_by_host = rules_by_host(items)
    if not audit.is_live:
        return
    connected = {
        host for one in items if plain.needs_connection(one) and (host := plain.host_of(one))
    }
    collect(audit, probes_by_host(items), connected, _early_judge(audit, items))


def _early_judge(audit: Audit, items: Iterable[pytest.Item]) -> Callable[[str], None]:
    """What judges a host by all rules when it has answered; their items report it in their turn.

    Then the answer is let go of, unless plain checks will look at it.
    """
    by_host: dict[str, list[RuleItem]] = {}
    checked = set()
    for one in items:
        if isinstance(one, RuleItem):
            by_host.setdefault(one.host, []).append(one)
        else:
            checked.add(plain.host_of(one))

    def judge(host: str) -> None:
        try:
            for item in by_host.get(host, ()):
                item.runtest()
        except Exception:  # noqa: BLE001 - a bug of ours: in its turn pytest tells it
            return
        except BaseException:
            # Ctrl-C may have left a fact half made, as the index of its sockets.
            audit.parse_anew(host)
            raise
        if host not in checked:
            audit.forget(host)

    return judge


def probes_by_host(items: Iterable[pytest.Item]) -> dict[str, set[str]]:
    """The probes that each host is sent.

    A rule of declared items needs nothing on a host that declares none: it is not applicable.
    """
    needed: dict[str, set[str]] = {}
    for item in items:
        host = item.host if isinstance(item, RuleItem) else plain.host_of(item)
        if host is None:
            continue
        probes = needed.setdefault(host, set(ALWAYS_SENT))
        if not isinstance(item, RuleItem):
            probes |= plain.probes_of(item)
        elif item.rule.declared is None or item.declared_item is not None:
            probes |= item.rule.probes
    return needed

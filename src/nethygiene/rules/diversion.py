"""Services whose port is taken away from this network namespace: nothing here tells about them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nethygiene.facts.packet_filter import PacketFilter
from nethygiene.inventory.policy import Service
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.rules.items import LegacyPort, Named

# They listen here, and hand each connection to a container, which is another network namespace.
_CONTAINER_PROXIES = frozenset(
    {"docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2", "gvproxy"}
)


def taken_away(
    item: Named, packet_filter: PacketFilter, listener_owners: ListenerOwners
) -> str | None:
    """Why a declared item's port is not served by this network namespace, None if it may be.

    What cannot be read diverts nothing: an unprivileged login still judges, and the
    observations tell what it could not see.
    """
    service = item.service if isinstance(item, LegacyPort) else item
    if not isinstance(service, Service):
        return None
    where = "so it is served in another network namespace, which was not read"
    for owner in listener_owners.of(service.port):
        if owner.partition(" ")[0] in _CONTAINER_PROXIES:
            return f"port {service.port} is handed to a container by {owner}, {where}"
    return packet_filter.diverts(service.port)


@dataclass(frozen=True, slots=True)
class Guard:
    """Tells whether a declared item can be judged on this host at all.

    Attributes:
        why_not: from the item and facts, by the names of its further arguments, to why it cannot
            be judged; None if it can. What it cannot read is no reason.
        probes: the names of those facts.
    """

    why_not: Callable[..., str | None]
    probes: tuple[str, ...]


def _guard(why_not: Callable[..., str | None]) -> Guard:
    _item, *probes = inspect.signature(why_not).parameters
    return Guard(why_not, tuple(probes))


GUARDS: Mapping[str, Guard] = {"service": _guard(taken_away), "legacy_port": _guard(taken_away)}
"""The guards of declared items, by the argument that names the item; most kinds have none."""

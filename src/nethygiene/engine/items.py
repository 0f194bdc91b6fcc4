"""Declared items: a policy names them, and a rule may have one result for each.

A new kind of item is one entry here; its name is the argument by which rules ask for it. Items
that are found on a host have a :class:`nethygiene.engine.finder.Finder`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from nethygiene.inventory.group_policy import GroupPolicy
from nethygiene.inventory.policy import Policy, Service


class Named(Protocol):
    """A declared item, with the name that it is declared by."""

    @property
    def name(self) -> str:
        """The key in the policy."""


@dataclass(frozen=True, slots=True)
class LegacyPort:
    """A former port of a service, which old clients still use.

    Attributes:
        service: the service that has moved.
        port: the former port.
    """

    service: Service
    port: int

    @property
    def name(self) -> str:
        """The item's name in results: ``shop:60000``."""
        return f"{self.service.name}:{self.port}"


def _legacy_ports(policy: Policy) -> Iterator[LegacyPort]:
    for service in policy.services.values():
        for port in service.legacy_ports:
            yield LegacyPort(service, port)


DECLARED: Mapping[str, Callable[[Policy], Iterable[Named]]] = {
    "service": lambda policy: policy.services.values(),
    "legacy_port": _legacy_ports,
    "upstream": lambda policy: policy.upstreams.values(),
    "interface": lambda policy: policy.interfaces.values(),
    "route": lambda policy: policy.routes.values(),
    "tunnel": lambda policy: policy.tunnels.values(),
    "blocked_port": lambda policy: policy.blocked_ports.values(),
}
"""The items that the policy of a host declares, by the argument by which rules ask for them."""

DECLARED_BY_GROUPS: Mapping[str, Callable[[GroupPolicy], Iterable[Named]]] = {
    "virtual_address": lambda policy: policy.virtual_addresses.values(),
}
"""The same of a group, for rules of scope `group`."""

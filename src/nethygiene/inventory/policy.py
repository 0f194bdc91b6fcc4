"""The policy of a host, which says what it should be like: the variable ``nethygiene``, validated.

:class:`Policy` keeps declared values apart from defaults (:meth:`Declared.declares`), also
through :meth:`Policy.plain` and :func:`policy_from_plain`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from nethygiene.errors import UsageError
from nethygiene.inventory.declared import Declared, NamedItem
from nethygiene.inventory.explain import explained
from nethygiene.inventory.group_policy import GROUP_SECTIONS, GroupPolicy
from nethygiene.inventory.items import (
    BlockedPort,
    Interface,
    Limits,
    Route,
    Service,
    Upstream,
    Waiver,
)
from nethygiene.inventory.tunnel import LogFile, Tunnel, TunnelCheck
from nethygiene.inventory.values import Backlog, Count, InterfaceName, ItemName, PortKey, Seconds

RFC5382_IDLE_SECONDS = 7440
"""Seconds that a NAT has to remember an idle connection, 2 hours 4 minutes; RFC 5382, REQ-5."""


class Policy(Declared):
    """What one host should be like, all layers of the inventory merged."""

    KEYS_OF_GROUPS = frozenset(GROUP_SECTIONS)

    tw_reuse: Literal["disabled", "loopback", "global", "any"] = "loopback"
    """net.ipv4.tcp_tw_reuse: disabled (0), loopback (0 or 2), global (1) or any."""
    icmp_redirects: Literal["accept", "refuse", "any"] = "accept"
    """Whether ICMP redirects are obeyed; CIS and STIG ask for refuse."""
    path_idle_timeout: Seconds = RFC5382_IDLE_SECONDS
    """Seconds until some middlebox on the way forgets an idle connection."""
    dead_peer_within: Seconds | None = None
    """Seconds within which a dead peer has to be noticed."""
    min_somaxconn: Backlog | None = None
    """The least net.core.somaxconn."""
    min_file_max: Count | None = None
    """The least fs.file-max."""
    rp_filter: Literal["strict", "loose", "disabled", "any"] = "any"
    """Reverse path filtering: strict (1), loose (2), disabled (0) or any."""
    selinux: Literal["enforcing", "permissive", "disabled", "any"] = "any"
    """The state that SELinux has to be in."""
    network_manager: Literal["active", "inactive", "any"] = "any"
    """Whether NetworkManager has to run."""
    log_window: Seconds = 3600
    """Seconds of a log that are looked at."""
    default_interface: InterfaceName | None = None
    """The interface that the default route has to use."""
    limits: Limits = Field(default_factory=Limits)
    """What is still normal."""
    blocked_ports: Mapping[PortKey, BlockedPort] = Field(default_factory=dict)
    """Ports that nobody but the exceptions may reach."""
    services: Mapping[ItemName, Service] = Field(default_factory=dict)
    """What this host serves, by a name of your choice."""
    upstreams: Mapping[ItemName, Upstream] = Field(default_factory=dict)
    """What this host connects to, by a name of your choice."""
    interfaces: Mapping[InterfaceName, Interface] = Field(default_factory=dict)
    """Its interfaces, by their names on the host."""
    routes: Mapping[ItemName, Route] = Field(default_factory=dict)
    """Ways that have to be in effect, by a name of your choice."""
    tunnels: Mapping[ItemName, Tunnel] = Field(default_factory=dict)
    """The ssh tunnels that jobs on it keep up, by a name of your choice."""
    waivers: Mapping[ItemName, Waiver] = Field(default_factory=dict)
    """Failures that are accepted until a day, by a name of your choice."""
    _origin: Policy | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _name_items(self) -> Self:
        items: Mapping[Any, NamedItem]
        for items in (getattr(self, section) for section in NAMED_SECTIONS):
            for name, item in items.items():
                item._name = str(name)  # noqa: SLF001 - the key is the item's name
        return self

    def instead(self, **items: Mapping[Any, NamedItem]) -> Policy:
        """The policy with other items in some sections; :meth:`plain` stays the declared one."""
        other = self.model_copy(update=items)
        other._origin = self._origin or self  # noqa: SLF001 - of the same class
        return other

    def plain(self) -> dict[str, object]:
        """The declared values as data for JSON; defaults are left out, and so stay defaults."""
        declared = self._origin or self
        return declared.model_dump(mode="json", by_alias=True, exclude_unset=True)


NAMED_SECTIONS: Mapping[str, type[NamedItem]] = {
    "blocked_ports": BlockedPort,
    "services": Service,
    "upstreams": Upstream,
    "interfaces": Interface,
    "routes": Route,
    "tunnels": Tunnel,
    "waivers": Waiver,
}
"""The keys of a policy that hold items by name."""

SECTIONS = frozenset({*NAMED_SECTIONS, "limits"})
"""The keys of a policy that hold mappings."""


def policy_from_plain(data: object) -> Policy:
    """Read a policy back from the data of :meth:`Policy.plain`.

    Raises:
        UsageError: it is no policy; the message has every problem with its key path and cure.
    """
    if not isinstance(data, dict):
        raise UsageError(f"a policy has to be a mapping, not {type(data).__name__}")
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        lines = (str(explanation) for explanation in explained(error, Policy))
        raise UsageError("not a valid policy:\n" + "\n".join(lines)) from None


def policies_of_groups(
    groups: Iterable[tuple[str, GroupPolicy]],
) -> Iterator[tuple[str, GroupPolicy]]:
    """The policies of groups that declare something, under names that no host has."""
    for name, policy in groups:
        if policy.plain():
            yield f"group {name}", policy


def policies_sha256(policies: Iterable[tuple[str, Policy | GroupPolicy]]) -> str:
    """Hash of the resolved policies of hosts and groups, given as (name, policy) in any order."""
    texts: dict[int, str] = {}
    digest = hashlib.sha256()
    for name, policy in sorted(policies, key=lambda pair: pair[0]):
        # Hosts of the same groups share one Policy: dump it once.
        text = texts.get(id(policy))
        if text is None:
            text = texts[id(policy)] = json.dumps(policy.plain(), sort_keys=True)
        digest.update(json.dumps([name, text]).encode())
    return digest.hexdigest()


__all__ = [
    "NAMED_SECTIONS",
    "SECTIONS",
    "BlockedPort",
    "Interface",
    "Limits",
    "LogFile",
    "Policy",
    "Route",
    "Service",
    "Tunnel",
    "TunnelCheck",
    "Upstream",
    "Waiver",
    "policies_of_groups",
    "policies_sha256",
    "policy_from_plain",
]

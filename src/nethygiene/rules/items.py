"""The items that a rule may have one result each for: declared in the policy, or found on a host.

A new kind of item is one entry here; its name is the argument by which rules ask for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from nethygiene.inventory.policy import Policy, Service
from nethygiene.probes.interfaces import Interfaces
from nethygiene.rules.network_interfaces import network_interface
from nethygiene.rules.persistence import persisted_sysctl
from nethygiene.rules.reverse_path import multihomed_interface


class Named(Protocol):
    """A declared item: it has the name that it was declared by."""

    @property
    def name(self) -> str:
        """The key in the policy."""


@dataclass(frozen=True, slots=True)
class LegacyPort:
    """A former port of a service, which old clients still use.

    Attributes:
        service: the service that has moved.
        port: where it was.
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


@dataclass(frozen=True, slots=True)
class InterfaceFamily:
    """An interface that is up, in one family in which it has an address that can be reached.

    Attributes:
        interface: its name.
        family: ``ipv4`` or ``ipv6``.
    """

    interface: str
    family: Literal["ipv4", "ipv6"]

    @property
    def name(self) -> str:
        """The item's name in results: ``eth0/ipv4``."""
        return f"{self.interface}/{self.family}"


def interface_family(interfaces: Interfaces) -> Iterator[InterfaceFamily]:
    """Each up, non-loopback interface, once a family with a non-link-local address."""
    for interface in interfaces:
        if interface.is_up and not interface.is_loopback:
            versions = {one.version for one in interface.addresses if not one.is_link_local}
            if 4 in versions:
                yield InterfaceFamily(interface.name, "ipv4")
            if 6 in versions:
                yield InterfaceFamily(interface.name, "ipv6")


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds the items of one kind on a host.

    Attributes:
        find: from facts, by the names of its arguments, to the items.
        probes: the names of those facts.
        nothing: what is said where there are none.
        after_others: it also takes ``judged``, which judges by the other rules of the run.
        asks_policy: it also takes the host's ``policy``.
    """

    find: Callable[..., Iterable[Named]]
    probes: tuple[str, ...]
    nothing: str
    after_others: bool = False
    asks_policy: bool = False


def _finder(find: Callable[..., Iterable[Named]], nothing: str) -> Finder:
    arguments = tuple(inspect.signature(find).parameters)
    probes = tuple(argument for argument in arguments if argument not in {_JUDGED, _POLICY})
    return Finder(
        find,
        probes,
        nothing,
        after_others=_JUDGED in arguments,
        asks_policy=_POLICY in arguments,
    )


_JUDGED = "judged"
_POLICY = "policy"


FOUND: Mapping[str, Finder] = {
    "interface_family": _finder(
        interface_family, "no interface besides loopback is up and has an address"
    ),
    "network_interface": _finder(
        network_interface,
        "no interface that is up has hardware, is a bond or VLAN, or is declared in the policy",
    ),
    "multihomed_interface": _finder(
        multihomed_interface, "no two interfaces besides loopback are up with an IPv4 address"
    ),
    "persisted_sysctl": _finder(
        persisted_sysctl, "no other rule of this run judged a sysctl good: select some"
    ),
}

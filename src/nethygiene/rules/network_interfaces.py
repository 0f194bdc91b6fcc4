"""The interfaces that carry traffic to other hosts, their counters, and where addresses are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from nethygiene.inventory.policy import Policy
from nethygiene.probes.counters import Change, Counters
from nethygiene.probes.interface_kinds import InterfaceKinds
from nethygiene.probes.interfaces import Interfaces

ERROR_COLUMNS = ("rx_errs", "rx_fifo", "rx_frame", "tx_errs", "tx_fifo")


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """An interface that is up, and is hardware, a bond or VLAN over it, or declared.

    Attributes:
        name: as ``eth0``.
    """

    name: str


def network_interface(
    interfaces: Interfaces, interface_kinds: InterfaceKinds, policy: Policy
) -> Iterator[NetworkInterface]:
    """The interfaces whose errors and drops matter; not bridges, tunnels, container plumbing."""
    for one in interfaces:
        if not one.is_up or one.is_loopback:
            continue
        if one.name in policy.interfaces or interface_kinds.has_wire(one.name):
            yield NetworkInterface(one.name)


def error_changes(counters: Counters, interface: NetworkInterface) -> Iterator[Change]:
    """How far each kind of error rose: a driver may count an overrun as fifo and not as error."""
    for column in ERROR_COLUMNS:
        yield counters.device_change(interface.name, column)


def both_ways(counters: Counters, interface: NetworkInterface, what: str) -> Change:
    """How far `what` (``packets``, ``drop``) rose, received and sent together."""
    received = counters.device_change(interface.name, f"rx_{what}")
    sent = counters.device_change(interface.name, f"tx_{what}")
    return replace(
        received,
        name=f"{interface.name} {what}",
        delta=received.delta + sent.delta,
        total=received.total + sent.total,
    )


def state_of(interfaces: Interfaces, name: str) -> str:
    """``up``, ``down`` or ``absent``."""
    states = {one.name: "up" if one.is_up else "down" for one in interfaces}
    return states.get(name, "absent")


def interface_with(interfaces: Interfaces, address: IPv4Address | IPv6Address, wanted: str) -> str:
    """The interface that has an address: `wanted` if it does, else all that do, or ``none``."""
    found = [one.name for one in interfaces if address in {has.ip for has in one.addresses}]
    return wanted if wanted in found else " and ".join(found) or "none"

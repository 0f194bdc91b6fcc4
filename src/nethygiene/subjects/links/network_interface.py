"""The interfaces that carry traffic to other hosts, their counters, and where addresses are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nethygiene.engine.finder import finder
from nethygiene.engine.remedies import command, paragraphs, word
from nethygiene.inventory.policy import Policy
from nethygiene.subjects.kernel.counters import Change, Counters
from nethygiene.subjects.links.interface_kinds import InterfaceKinds
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.links.ip.families import Address

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
    """The interfaces whose errors and drops matter: no bridges, tunnels or container plumbing."""
    for interface in interfaces:
        if not interface.is_up or interface.is_loopback:
            continue
        if interface.name in policy.interfaces or interface_kinds.has_wire(interface.name):
            yield NetworkInterface(interface.name)


def error_changes(counters: Counters, interface: NetworkInterface) -> Iterator[Change]:
    """How far each kind of error rose; a driver may count an overrun as fifo and not as error."""
    for column in ERROR_COLUMNS:
        yield counters.device_change(interface.name, column)


def errors_remedy(change: Change) -> str:
    """The remedy of one kind of error; the name of `change` is as ``eth0 rx_frame``."""
    name, _, kind = change.name.partition(" ")
    causes = {
        "rx_fifo": f"Overruns: give the card a longer ring (`ethtool -g {word(name)}` shows how "
        "long it may be, `ethtool -G` sets it), or spread its interrupts.",
        "rx_frame": "Broken frames: replace the cable or transceiver, and look at the switch's "
        "port for the same errors.",
    }
    cause = causes.get(
        kind, "CRC errors are the cable's or the transceiver's, others the driver's."
    )
    return f"`ip -s -s link show dev {word(name)}` and `ethtool -S {word(name)}` tell more. {cause}"


def drops_remedy(name: str) -> str:
    """The remedy of drops of an interface."""
    return (
        f"`ip -s -s link show dev {word(name)}` and `ethtool -S {word(name)}` tell the cause. "
        f"Missed, or no buffer: a longer ring (`ethtool -g {word(name)}`), or interrupts on more "
        "processors. Where retransmissions do not rise along, they are most likely frames that "
        "nobody asked for: unknown protocols, or a VLAN that is not set up here."
    )


def both_ways(counters: Counters, interface: NetworkInterface, what: str) -> Change:
    """How far `what` (``packets``, ``drop``) rose, in both directions together."""
    received = counters.device_change(interface.name, f"rx_{what}")
    sent = counters.device_change(interface.name, f"tx_{what}")
    return replace(
        received,
        name=f"{interface.name} {what}",
        delta=received.delta + sent.delta,
        total=received.total + sent.total,
    )


def state_of(interfaces: Interfaces, interface_kinds: InterfaceKinds, name: str) -> str:
    """``up``, ``up without carrier``, ``down`` or ``absent``.

    A bridge without ports has no carrier and needs none, so it is ``up``.
    """
    by_name = {interface.name: interface for interface in interfaces}
    if name not in by_name:
        return "absent"
    if not by_name[name].is_up:
        return "down"
    if by_name[name].has_carrier:
        return "up"
    has_ports = any(interface.master == name for interface in by_name.values())
    idle = not has_ports and interface_kinds.is_bridge(name)
    return "up" if idle else "up without carrier"


def interface_with(interfaces: Interfaces, address: Address, declared: str) -> str:
    """The interface that has an address: `wanted` if it does, else all that do, or ``none``."""
    holders = [
        interface.name
        for interface in interfaces
        if address in {has.ip for has in interface.addresses}
    ]
    if declared in holders:
        return declared
    where = " and ".join(holders) or "none"
    unused = [
        interface.name
        for interface in interfaces
        if address in {has.ip for has in interface.duplicates}
    ]
    if declared in unused:
        return (
            f"{where}: {declared} does not use it, for another host on its link has it (dadfailed)"
        )
    return where


def address_remedy(interfaces: Interfaces, name: str, address: Address) -> str:
    """The remedy: give the interface its address, and remove it from other interfaces."""
    held = [
        (interface.name, has)
        for interface in interfaces
        for has in interface.addresses
        if has.ip == address
    ]
    if any(has.ip == address for interface in interfaces for has in interface.duplicates):
        return paragraphs(
            f"Find the other host that has {address}, by its MAC address in `ip neigh` of a third "
            "one. Take the address away there, or give this host another. Then let this one try "
            "again:",
            command(f"ip link set {word(name)} down && ip link set {word(name)} up"),
        )
    networks = [
        has.network.prefixlen
        for interface in interfaces
        if interface.name == name
        for has in interface.addresses
        if has.version == address.version and address in has.network
    ]
    prefix = next(iter([*networks, *(has.network.prefixlen for _, has in held)]), None)
    length = prefix if prefix is not None else address.max_prefixlen
    commands = [f"ip addr del {has} dev {word(other)}" for other, has in held if other != name]
    commands.append(f"ip addr add {address}/{length} dev {word(name)}")
    return paragraphs(
        f"Give {name} its address, now and in the network configuration.",
        "\n".join(filter(None, map(command, commands))),
        "" if prefix is not None else f"In place of {length}, write the network's prefix length.",
    )


def link_remedy(state: str, name: str) -> str:
    """The remedy: set the interface up, or find out why its link is down."""
    if state == "absent":
        return (
            f"No interface is called {name}: correct the name in the inventory (`ip -br link` "
            "lists them), or make the interface."
        )
    if state == "down":
        return paragraphs(
            "Set it up, now and in the network configuration (`auto` of ifupdown, "
            "`ActivationPolicy=` of networkd).",
            command(f"ip link set {word(name)} up"),
        )
    return f"Look at the cable, at the other end's port, and at `ethtool {word(name)}`."


FINDER = finder(
    network_interface,
    "no interface that is up has hardware, is a bond or VLAN, or is declared in the policy",
)

"""The ways in to a blocked port: its sockets, and what NAT and forwarding lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nethygiene.engine.expect import unknown
from nethygiene.inventory.policy import BlockedPort
from nethygiene.subjects.filter.client_ways import ask_names, served_numbers
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.firewall import doors, no_program_first
from nethygiene.subjects.filter.model.addresses import Intervals, everything, without, written
from nethygiene.subjects.filter.passages import Passage, networks
from nethygiene.subjects.filter.translation import translations
from nethygiene.subjects.links.ip.families import FAMILIES, Family
from nethygiene.subjects.sockets.containers import container_proxies
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners


def intrusions(
    packet_filter: PacketFilter,
    listeners: Listeners,
    listener_owners: ListenerOwners,
    blocked: BlockedPort,
) -> Iterator[Passage]:
    """The ways in to a blocked port from all but its exceptions; empty if nothing takes it."""
    ask_names(blocked)
    port = blocked.port
    for family in FAMILIES:
        strangers = without(everything(family), networks(blocked.except_, family), family)
        yield from _at_own_addresses(packet_filter, listeners, family, strangers, port)
        yield from _by_other_ports(packet_filter, listeners, family, strangers, port)
        yield from _behind_the_host(packet_filter, family, strangers, port)
    _say_what_is_forwarded(packet_filter, listeners, listener_owners, port)


def _at_own_addresses(
    packet_filter: PacketFilter,
    listeners: Listeners,
    family: Family,
    strangers: Intervals,
    port: int,
) -> Iterator[Passage]:
    """The ways in at the port itself, if a socket, NAT or IPVS takes it."""
    numbers = set(served_numbers(packet_filter, family, listeners.on(port)))
    if any(rule.may_take(port) for rule in packet_filter.nat(family)):
        numbers = {address.number for address in packet_filter.own(family)}
    for server in packet_filter.virtual_servers(port):
        if server.family == family:
            numbers.add(server.number)
        elif server.family is None:
            numbers |= {address.number for address in packet_filter.own(family)}
    for path in packet_filter.paths(family, strangers, numbers, None):
        yield from doors(packet_filter, listeners, path, port)


def _by_other_ports(
    packet_filter: PacketFilter,
    listeners: Listeners,
    family: Family,
    strangers: Intervals,
    port: int,
) -> Iterator[Passage]:
    """The ways in at other ports, which NAT takes to a socket on this port."""
    sockets = listeners.on(port)
    if not sockets:
        return
    entries = {
        entry
        for rule in packet_filter.nat(family)
        if rule.leads_to_port(port)
        for entry in rule.examples()
        if entry != port
    }
    numbers = {address.number for address in packet_filter.own(family)}
    for entry in sorted(entries):
        for path in packet_filter.paths(family, strangers, numbers, None):
            for passage in doors(packet_filter, listeners, path, entry):
                taken = translations(packet_filter, path, entry, passage.fate)
                there = [
                    translation
                    for translation in taken
                    if translation.here and translation.to.port == port
                ]
                counted = 0
                for translation in there:
                    counted |= translation.mask
                if counted := counted & passage.counted:
                    yield replace(passage, counted=counted, behind=str(there[0]))


def _behind_the_host(
    packet_filter: PacketFilter, family: Family, strangers: Intervals, port: int
) -> Iterator[Passage]:
    """The ways in at the own address of a container or another host, which rules of NAT name.

    A neighbour with a route through this host needs no NAT: Docker before 28 lets it in even if the
    port is published on 127.0.0.1 alone.
    """
    model = packet_filter.model
    seen = set()
    for rule in packet_filter.nat(family):
        target = rule.target
        if not rule.names(port) or target.unknown or target.here or not target.addresses:
            continue
        number = target.addresses[0][0]
        to_port = target.ports[0][0] if target.ports else port
        if (number, to_port) in seen or model.routes.is_local(family, number):
            continue
        seen.add((number, to_port))
        for path in packet_filter.ways_through(family, strangers, number):
            no_program_first(packet_filter, path)
            judged = packet_filter.judge_kinds(path, to_port)
            behind = f"which is published as port {port} ({rule.rule})"
            kinds = packet_filter.source_ports(family)
            yield Passage(path, to_port, judged, judged[0].asked, behind=behind, kinds=kinds)


def _say_what_is_forwarded(
    packet_filter: PacketFilter, listeners: Listeners, listener_owners: ListenerOwners, port: int
) -> None:
    """Report which networks behind this host others may reach; who is there cannot be seen."""
    sockets = listeners.on(port)
    published = container_proxies(listener_owners, port) if sockets else ()
    for family in FAMILIES:
        named = any(rule.names(port) for rule in packet_filter.nat(family))
        for name, network in packet_filter.inner_networks(family):
            for path in packet_filter.ways_through(family, everything(family), network[0] + 2):
                judged = packet_filter.judge(path, port, ephemeral=False)
                if not judged.surely_in | judged.undecided:
                    continue
                where = f"{written(network[0], family)}… behind {name}"
                text = f"connections by {path.interface} to port {port} of {where} are forwarded"
                packet_filter.observe(
                    "not seen", f"{text}; whether something serves it there cannot be told here"
                )
                if published and not named:
                    unknown(
                        f"port {port} is handed to a container by {published[0]}, and {text}: "
                        "a neighbour with a route there reaches it if it is the container's port"
                    )

"""The ways in to a blocked port: its sockets, and whatever NAT and forwarding lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nethygiene.engine.expect import unknown
from nethygiene.inventory.policy import BlockedPort
from nethygiene.subjects.filter.client_ways import served_numbers
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
    """The ways in to a blocked port, from all but its exceptions; none where nothing takes it."""
    port = blocked.port
    for family in FAMILIES:
        wanted = without(everything(family), networks(blocked.except_, family), family)
        yield from _at_own_addresses(packet_filter, listeners, family, wanted, port)
        yield from _by_other_ports(packet_filter, listeners, family, wanted, port)
        yield from _behind_the_host(packet_filter, family, wanted, port)
    _say_what_is_forwarded(packet_filter, listeners, listener_owners, port)


def _at_own_addresses(
    packet_filter: PacketFilter, listeners: Listeners, family: Family, wanted: Intervals, port: int
) -> Iterator[Passage]:
    """At the port itself, where a socket, NAT or IPVS takes it."""
    numbers = set(served_numbers(packet_filter, family, listeners.on(port)))
    if any(one.may_take(port) for one in packet_filter.nat(family)):
        numbers = {one.number for one in packet_filter.own(family)}
    for server in packet_filter.virtual_servers(port):
        if server.family == family:
            numbers.add(server.number)
        elif server.family is None:
            numbers |= {one.number for one in packet_filter.own(family)}
    for path in packet_filter.paths(family, wanted, numbers, None):
        yield from doors(packet_filter, listeners, path, port)


def _by_other_ports(
    packet_filter: PacketFilter, listeners: Listeners, family: Family, wanted: Intervals, port: int
) -> Iterator[Passage]:
    """At other ports, which NAT takes to a socket on this one."""
    sockets = listeners.on(port)
    if not sockets:
        return
    entries = {
        entry
        for one in packet_filter.nat(family)
        if one.leads_to_port(port)
        for entry in one.examples()
        if entry != port
    }
    numbers = {one.number for one in packet_filter.own(family)}
    for entry in sorted(entries):
        for path in packet_filter.paths(family, wanted, numbers, None):
            for passage in doors(packet_filter, listeners, path, entry):
                taken = translations(packet_filter, path, entry, passage.fate)
                there = [one for one in taken if one.here and one.to.port == port]
                counted = 0
                for one in there:
                    counted |= one.mask
                if counted := counted & passage.counted:
                    yield replace(passage, counted=counted, behind=str(there[0]))


def _behind_the_host(
    packet_filter: PacketFilter, family: Family, wanted: Intervals, port: int
) -> Iterator[Passage]:
    """At the container's or other host's own address, which NAT tells, whomever NAT is for.

    A neighbour that has a route to it by this host needs no NAT: Docker before 28 lets it in
    where the port is published on 127.0.0.1 alone.
    """
    model = packet_filter.model
    seen = set()
    for one in packet_filter.nat(family):
        target = one.target
        if not one.names(port) or target.unknown or target.here or not target.addresses:
            continue
        number = target.addresses[0][0]
        to_port = target.ports[0][0] if target.ports else port
        if (number, to_port) in seen or model.routes.is_local(family, number):
            continue
        seen.add((number, to_port))
        for path in packet_filter.ways_through(family, wanted, number):
            no_program_first(packet_filter, path)
            judged = packet_filter.judge_kinds(path, to_port)
            behind = f"which is published as port {port} ({one.rule})"
            kinds = packet_filter.source_ports(family)
            yield Passage(path, to_port, judged, judged[0].asked, behind=behind, kinds=kinds)


def _say_what_is_forwarded(
    packet_filter: PacketFilter, listeners: Listeners, listener_owners: ListenerOwners, port: int
) -> None:
    """What other hosts may reach of the networks behind this one: who is there is not seen."""
    sockets = listeners.on(port)
    published = container_proxies(listener_owners, port) if sockets else ()
    for family in FAMILIES:
        named = any(one.names(port) for one in packet_filter.nat(family))
        for name, network in packet_filter.inner_networks(family):
            for path in packet_filter.ways_through(family, everything(family), network[0] + 2):
                judged = packet_filter.judge(path, port, ephemeral=False)
                if not judged.surely_in | judged.undecided:
                    continue
                where = f"{written(network[0], family)}… behind {name}"
                said = f"connections by {path.interface} to port {port} of {where} are forwarded"
                packet_filter.observe(
                    "not seen", f"{said}; whether something serves it there cannot be told here"
                )
                if published and not named:
                    unknown(
                        f"port {port} is handed to a container by {published[0]}, and {said}: "
                        "a neighbour with a route there reaches it if it is the container's port"
                    )

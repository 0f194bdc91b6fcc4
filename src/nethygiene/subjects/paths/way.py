"""The whole way of a connection to a declared upstream, and back."""

from __future__ import annotations

from collections.abc import Iterator

from nethygiene.engine.expect import doubt, not_applicable, unknown
from nethygiene.engine.outcomes import Reason
from nethygiene.inventory.policy import Upstream
from nethygiene.subjects.filter.client_ways import answers_at
from nethygiene.subjects.filter.crossing import CrossingConnection
from nethygiene.subjects.filter.model.fields import NO_MARK
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.links.ip.families import Address
from nethygiene.subjects.paths.back import back
from nethygiene.subjects.paths.forth import Arrived, forth
from nethygiene.subjects.paths.run_facts import RunFacts, address_of, family_of_address
from nethygiene.subjects.paths.steps import Step


def steps_to(facts: RunFacts, dialler: str, upstream: Upstream) -> Iterator[Step]:
    """The steps of a connection to an upstream; the first that refuses is the last.

    It ends the rule where something outside the inventory decides.
    """
    if upstream.end is None:
        not_applicable(
            f"upstream {upstream.name} is outside the inventory: only `to` names its other end",
            Reason.NOT_DECLARED,
        )
    if not upstream.end.host:
        unknown("; ".join(upstream.doubts))
    if upstream.end.service is None:
        unknown(f"what {upstream.to} declares is not in the evidence", Reason.NOT_COLLECTED)
    address = dialled_address(facts, dialler, upstream)
    dialled = CrossingConnection(
        family_of_address(address), None, int(address), upstream.dialled_port
    )
    arrived = yield from forth(facts, dialler, dialled)
    if arrived is None:
        return
    step = _served(facts, arrived, upstream)
    yield step
    if step.passes:
        yield from back(facts, arrived)


def dialled_address(facts: RunFacts, dialler: str, upstream: Upstream) -> Address:
    """The address that is dialled: the declared one, or that of the most specific route."""
    assert upstream.end is not None
    assert upstream.end.service is not None
    packet_filter = facts.filters.of(dialler)
    addresses = upstream.addresses
    if upstream.address is not None:
        taken, why = upstream.address, "which the upstream declares"
    elif upstream.end.virtual is not None:
        taken, why = upstream.end.virtual, "a virtual address that it holds now"
        for open_question in upstream.doubts:
            doubt(open_question, Reason.NOT_COLLECTED)
    elif not isinstance(upstream.end.service.address, str):
        taken, why = upstream.end.service.address, "which the service declares"
    else:
        for open_question in upstream.doubts:
            unknown(open_question, Reason.NOT_COLLECTED)
        if not addresses:
            unknown(f"{upstream.end.host} has no address that another host could dial")
        routes = packet_filter.model.routes
        taken = min(addresses, key=lambda address: _width(routes, address))
        why = "its only address"
        if len(addresses) > 1:
            why = f"of {', '.join(map(str, addresses))} the one with the most specific route"
    where = f"{taken} port {upstream.dialled_port}, {why}"
    packet_filter.observe(f"address of {upstream.end.host}", where)
    return taken


def _width(routes: RoutingTables, address: Address) -> int:
    """How many bits of an address the route to it leaves open; more than any without a route."""
    way = routes.way(family_of_address(address), int(address), None, NO_MARK)
    if not way.devices or way.length is None:
        return address.max_prefixlen + 1
    return address.max_prefixlen - way.length


def _served(facts: RunFacts, arrived: Arrived, upstream: Upstream) -> Step:
    """The step of the listener, at the host where the connection ends."""
    assert upstream.end is not None
    host, named, connection = arrived.port.host, upstream.end.host, arrived.crossing.connection
    port, number = connection.port, connection.destination
    if port is None or number is None:
        unknown(f"{host}: where NAT takes the connection cannot be told")
    packet_filter = facts.filters.of(host)
    if servers := packet_filter.virtual_servers(port):
        unknown(f"{host}: IPVS takes port {port} ({servers[0]}), and what is behind is not read")
    sockets = facts.listeners.of(host).on(port)
    here = address_of(number, connection.family)
    good = answers_at(packet_filter, sockets, connection.family, number, arrived.port.interface)
    if good and host != named:
        unknown(
            f"the connection ends at {host}, which takes it at {here} port {port} itself: whether "
            f"that leads to {named} is not known"
        )
    what, wanted = f"port {port} at {here}", "listened on"
    listed = ", ".join(map(str, sockets))
    if good:
        return Step(host, what, f"listened on at {listed}", expected=wanted)
    told = f"not listened on, but {listed}" if sockets else "not listened on"
    if host != named:
        hint = f"the way ends here, and not at {named}"
        return Step(host, what, told, False, wanted, hint)
    name = upstream.end.service.name if upstream.end.service is not None else named
    start = f"Start what the inventory calls {name} on {host}, and have it start at boot."
    if sockets:
        start = f"On {host}, have {name} listen at {here}, or at all addresses, and restart it."
    return Step(host, what, told, False, wanted, "the connection is refused", start)

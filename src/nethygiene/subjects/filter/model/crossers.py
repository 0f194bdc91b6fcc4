"""What follows connections and datagrams of one family over one host."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nethygiene.subjects.filter.model.addresses import classes_of, holds
from nethygiene.subjects.filter.model.crossed import ConnectionCourse
from nethygiene.subjects.filter.model.crosser import Crosser
from nethygiene.subjects.filter.model.datagrams import DatagramCourse
from nethygiene.subjects.filter.model.ends import Ends
from nethygiene.subjects.filter.model.fields import NO_MARK
from nethygiene.subjects.filter.model.introductions import Introductions
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.routes import Ways
from nethygiene.subjects.filter.model.source_choice import chosen_source
from nethygiene.subjects.filter.model.traced_hooks import TracedHooks
from nethygiene.subjects.filter.model.verdict import HostFilter
from nethygiene.subjects.filter.model.walk import Walker
from nethygiene.subjects.links.ip.families import Family


@dataclass(frozen=True)
class Crossers:
    """What follows connections and datagrams of one family.

    Attributes:
        family: the family.
        host: the filter and the routes.
        connections: for TCP connections.
        datagrams: for single packets.
    """

    family: Family
    host: HostFilter
    connections: ConnectionCourse
    datagrams: DatagramCourse

    def kind_of(self, destination: int | None) -> str:
        """``host``, ``multicast`` or ``broadcast``."""
        if destination is None:
            return "host"
        if self.family == "ipv6":
            return "multicast" if destination >> 120 == 0xFF else "host"
        if 224 <= destination >> 24 < 240:
            return "multicast"
        everybody = destination == 0xFFFFFFFF
        spans = self.host.routes.broadcast("ipv4")
        return "broadcast" if everybody or holds(spans, destination) else "host"

    def with_source(self, ends: Ends, interface: str | None) -> Ends:
        """The ends of what this host sends, with the source that it chooses if none is given."""
        if ends.source is not None or ends.destination is None:
            return ends
        routes, links, family = self.host.routes, self.host.links, self.family
        to = ends.destination[0][0]
        ways = routes.way(family, to, None, NO_MARK)
        if routes.is_local(family, to):
            own = self._own_source(to, ways)
            return ends if own is None else replace(ends, source=((own, own),))
        by_link = self.kind_of(to) != "host" or holds(LINK_LOCAL[family], to)
        devices = {interface} if by_link and interface is not None else set(ways.devices)
        device = devices.pop() if len(devices) == 1 else interface
        if device is None or not ways.certain:
            return ends
        source = ways.source
        if source is None:
            gateway = next(iter(ways.gateways), None)
            toward = gateway if family == "ipv4" else to
            source = chosen_source(links, family, device, toward, on_link=gateway is None)
        return ends if source is None else replace(ends, source=((source, source),))

    def _own_source(self, to: int, ways: Ways) -> int | None:
        """The source of what the host sends to itself.

        Without a source in the route it is the address itself, in IPv6 if an interface has it.
        """
        if ways.source is not None or self.family == "ipv4":
            return to if ways.source is None else ways.source
        listed = self.host.links.sources.items()
        own = {
            int(address.interface.ip)
            for (_, family), addresses in listed
            for address in addresses
            if family == "ipv6"
        }
        return to if to in own else None


def crossers(host: HostFilter, family: Family) -> Crossers:
    """What follows connections and datagrams over a host."""
    ruleset = host.rulesets[family]
    # A single class: the addresses of a traced packet stand in the packet itself.
    ground = Ground(classes_of(family, []), host.routes, host.links)
    hooks = TracedHooks(ruleset, Walker(ground), host.links, routes=host.routes)
    crosser = Crosser(hooks, ground, host.forwards.get(family))
    connections = ConnectionCourse(crosser, Introductions(hooks, ground))
    return Crossers(family, host, connections, DatagramCourse(crosser))

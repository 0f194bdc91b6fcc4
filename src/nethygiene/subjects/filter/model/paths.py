"""The ways by which connections from other hosts come in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import (
    Classes,
    Interval,
    Intervals,
    common,
    merged,
    without,
)
from nethygiene.subjects.filter.model.links import Links
from nethygiene.subjects.filter.model.own import LINK_LOCAL, OwnAddress, possible_sources
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.links.ip.families import Family


@dataclass(frozen=True, slots=True)
class Path:
    """One way by which a connection from another host comes in.

    Attributes:
        family: of its addresses.
        interface: by which it comes in; None where that cannot be told.
        address: the address that it is made to, as a number: one of the host's own, or of
            another host that this one forwards to.
        sources: where it may come from.
        alike: further addresses that the host answers at, which nothing tells from this one.
    """

    family: Family
    interface: str | None
    address: int
    sources: Intervals
    alike: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Approach:
    """The routes and interfaces that decide about paths.

    Attributes:
        routes: the host's.
        links: its interfaces.
        family: of the paths.
        weak: whether neighbours of one interface may ask for an address of another, which the
            kernel answers (it is a weak host, RFC 1122); else an address is taken to be asked for
            on its own interface, where it has one.
    """

    routes: RoutingTables
    links: Links
    family: Family
    weak: bool = True

    def paths(
        self, given: Intervals, local: Sequence[OwnAddress], interface: str | None = None
    ) -> Iterator[Path]:
        """The ways from some sources to some of the host's own addresses.

        Args:
            given: where from; what no other host has is left out.
            local: the host's own addresses that are connected to.
            interface: by which they come in; None takes the route back to each source.
        """
        among = common(given, possible_sources(self.routes, self.family))
        if not among:
            return
        homes = {address.interface for address in local if not address.roams}
        answered = merged(
            span for address in local for span in self._answered_from(address.number, among)
        )
        for address in local:
            if interface is not None:
                if self._is_asked_for(address, interface, homes):
                    yield Path(self.family, interface, address.number, among)
                continue
            for name, sources in self._by_interface(address, among, answered):
                if self._is_asked_for(address, name, homes):
                    yield Path(self.family, name, address.number, sources)

    def _answered_from(self, number: int | None, among: Intervals) -> Intervals:
        """The sources to which packets from an own address have a way."""
        return merged(
            span
            for intervals, ways in self.routes.ways(self.family, number)
            if ways.devices - {"lo"}
            for span in common(among, intervals)
        )

    def _by_interface(
        self, to: OwnAddress, among: Intervals, answered: Intervals
    ) -> list[tuple[str, Intervals]]:
        """The sources by incoming interface, which is the one by which answers leave.

        Args:
            to: the own address.
            among: the sources.
            answered: those that have an answer from some own address. They come to the others as
                well: a routing rule that refuses answers by their source (`ip rule add from NET
                blackhole`) keeps no request away.
        """
        by_interface: dict[str, list[Interval]] = {}
        lost = common(answered, without(among, self._answered_from(to.number, among), self.family))
        for number, wanted in ((to.number, among), (None, lost)):
            for intervals, ways in self.routes.ways(self.family, number) if wanted else ():
                if sources := common(wanted, intervals):
                    for name in ways.devices - {"lo"}:
                        by_interface.setdefault(name, []).extend(sources)
        vrf = self.links.vrf_of(to.interface)
        if vrf:
            # A VRF's routes are in a table of its own, which the model does not follow.
            by_interface = {to.interface: list(among)}
        if self.family == "ipv6":
            self._add_neighbours(by_interface, among)
        return [
            (name, merged(sources))
            for name, sources in sorted(by_interface.items())
            if sources and not self.links.is_wireless(name)
        ]

    def _add_neighbours(self, by_interface: dict[str, list[Interval]], among: Intervals) -> None:
        """Add neighbours: an answer to a link-local address leaves by the interface that was asked.

        The neighbour may ask for a global address, too (Linux 6.18).
        """
        neighbours = common(among, LINK_LOCAL["ipv6"])
        for name, sources in by_interface.items():
            by_interface[name] = list(without(merged(sources), LINK_LOCAL["ipv6"], "ipv6"))
        for route in self.routes.local_routes("ipv6"):
            if not common((route.interval,), LINK_LOCAL["ipv6"]):
                continue
            for name in route.devices:
                link = self.links.links.get(name)
                if link is None or (link.up and not link.loopback):
                    by_interface.setdefault(name, []).extend(neighbours)

    def _is_asked_for(self, to: OwnAddress, name: str, homes: set[str]) -> bool:
        """Whether packets to an address come in by an interface."""
        if to.is_loopback:
            return self.links.takes_loopback(name)
        if to.family == "ipv6" and to.is_link_local:
            return to.interface == name
        if self.links.vrf_of(to.interface) != self.links.vrf_of(name):
            return False
        return self.weak or to.roams or to.interface == name or name not in homes


def grouped(paths: Iterable[Path], told_apart: Classes) -> list[Path]:
    """One path for all addresses that nothing distinguishes, so that a cause appears once.

    Args:
        paths: of one family.
        told_apart: the addresses, cut by every set of them that a rule or a route names.
    """
    listed = list(paths)
    if len(listed) < 2:
        return listed
    groups: dict[tuple[str | None, Intervals, int], list[int]] = {}
    for path in listed:
        kind = told_apart.mask(((path.address, path.address),))
        groups.setdefault((path.interface, path.sources, kind), []).append(path.address)
    return [
        Path(listed[0].family, interface, addresses[0], sources, tuple(addresses[1:]))
        for (interface, sources, _), addresses in groups.items()
    ]

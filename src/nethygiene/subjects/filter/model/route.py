"""A route, as the model asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Interval, interval_of
from nethygiene.subjects.links.ip.routes import RouteLine


@dataclass(frozen=True, slots=True)
class TableRoute:
    """One route.

    Attributes:
        table: as ``main``, ``local`` or a number.
        interval: its destination.
        length: of its prefix.
        kind: ``unicast``, ``local``, ``blackhole`` and so on.
        devices: the interfaces that it leads to; several on a multipath route.
        metric: the lower wins.
        gated: those of the interfaces on which it leads to a gateway.
        gateways: the routers on the way, as numbers; none where the destination is on the link.
        source: the address that the host's own packets by it are from; None where it is not set.
    """

    table: str
    interval: Interval
    length: int
    kind: str
    devices: tuple[str, ...]
    metric: int
    gated: tuple[str, ...] = ()
    gateways: tuple[int, ...] = ()
    source: int | None = None


def routes_of(lines: Iterable[RouteLine]) -> tuple[TableRoute, ...]:
    """The routes of a listing, as the model asks for them."""
    return tuple(
        TableRoute(
            line.table,
            interval_of(line.destination),
            line.destination.prefixlen,
            line.type,
            tuple(hop.interface for hop in line.hops),
            line.metric,
            tuple(hop.interface for hop in line.hops if hop.gateway is not None),
            tuple(int(hop.gateway) for hop in line.hops if hop.gateway is not None),
            None if line.source is None else int(line.source),
        )
        for line in lines
    )

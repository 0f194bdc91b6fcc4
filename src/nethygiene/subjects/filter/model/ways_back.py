"""How answers to clients leave, by the routes for their source, mark and destination."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nethygiene.subjects.filter.model.fields import CLIENT, Bits
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.packet import Packet


@dataclass(frozen=True, slots=True)
class WayBack:
    """How the answers to some clients leave.

    Attributes:
        clients: their classes.
        device: the interface that leads to them; None where it cannot be told.
        exists: whether one does; None where a rule that cannot be decided may lead to one.
    """

    clients: int
    device: str | None
    exists: bool | None

    def met(self, other: WayBack) -> WayBack:
        """The way that both have in common, for the clients of both."""
        return WayBack(
            self.clients & other.clients,
            self.device if self.device == other.device else None,
            self.exists if self.exists is other.exists else None,
        )


def ways_back(packet: Packet, marks: Iterable[Bits], ground: Ground) -> list[WayBack]:
    """How the answer to a class of clients leaves, with any of some marks."""
    everyone = ground.classes.all
    if packet.daddr is not CLIENT:
        return [WayBack(everyone, None, True)]
    if packet.far != "":
        marks = (packet.mark,)  # that a rule gave it on the way
    ways = [WayBack(everyone, "", None)]
    for number, mark in enumerate(dict.fromkeys(marks)):
        more = _ways_with(packet, mark, ground)
        ways = more if number == 0 else [a.met(b) for a in ways for b in more]
    return [way for way in ways if way.clients]


def _ways_with(packet: Packet, mark: Bits, ground: Ground) -> list[WayBack]:
    near = 0
    if packet.family == "ipv6":
        near = ground.mask(LINK_LOCAL["ipv6"])  # the socket remembers the interface
    source = packet.saddr[0][0] if isinstance(packet.saddr, tuple) else None
    incoming = "lo" if packet.far == "" else packet.far
    back: list[WayBack] = []
    for intervals, ways in ground.routes.ways(packet.family, source, mark, incoming):
        only = next(iter(ways.devices)) if len(ways.devices) == 1 and ways.certain else None
        exists: bool | None = bool(ways.devices) or (False if ways.certain else None)
        if exists and ways.perhaps_none:
            exists = None
        mask = ground.mask(intervals)
        back.append(WayBack(mask & ~near, only, exists))
        back.append(WayBack(mask & near, packet.near, exists))
    return back

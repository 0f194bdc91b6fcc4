"""Matches of a packet's way, and of what only a connection's first packet says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Intervals, common, everything
from nethygiene.subjects.filter.model.fields import CLIENT, SYN, TCP
from nethygiene.subjects.filter.model.matches import Answer, Ground, stretch_among
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.routes import Ways
from nethygiene.subjects.links.ip.families import Family


@dataclass(frozen=True, slots=True)
class InterfaceMatch:
    """The interface by which the packet came in has a group, a kind or a type of device.

    Attributes:
        what: ``group``, ``kind`` or ``type``.
        words: as nft names them.
        inverted: it must be none of them.
        whole: all of them could be read.
    """

    what: str
    words: frozenset[str]
    inverted: bool = False
    whole: bool = True

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """The answer for the interface in ``ip -d link``."""
        everyone = ground.classes.all
        link = ground.links.links.get(packet.iif or "") if ground.links is not None else None
        if packet.iif == "":
            return 0, 0
        if link is None or not self.whole:
            return 0, everyone
        value = {"group": link.group, "kind": link.kind, "type": link.type}[self.what]
        if not value:
            return 0, 0  # of hardware there is no kind to compare (nft_meta_get_eval_kind)
        return (everyone, 0) if (value in self.words) is not self.inverted else (0, 0)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """No set: this condition asks for no client."""
        return iter(())


@dataclass(frozen=True, slots=True)
class NotBridged:
    """A rule about the ports of a bridge, for a packet that is not bridged."""

    meets: bool

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """A packet that comes in by a bridge may have come in by any of its ports."""
        everyone = ground.classes.all
        if packet.iif is None or ground.links is None or ground.links.is_bridge(packet.iif):
            return 0, everyone
        return (everyone, 0) if self.meets else (0, 0)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """No set: this condition asks for no client."""
        return iter(())


@dataclass(frozen=True, slots=True)
class SynMss:
    """The SYN's largest segment size lies in a range; other packets name none."""

    span: tuple[int, int]
    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """Clients name 536 (RFC 9293) and more."""
        good: bool | None = False
        if packet.kind.protocol == TCP and packet.kind.flags & SYN:
            good = stretch_among((536, 65495), (self.span,))
        if good is None:
            return 0, ground.classes.all
        return (ground.classes.all, 0) if good is not self.inverted else (0, 0)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """No set: this condition asks for no client."""
        return iter(())


@dataclass(frozen=True, slots=True)
class ReversePath:
    """There is a route back to the source; `by_iif`: through the interface that it came in by."""

    by_iif: bool
    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """The answer of the routes."""
        everyone = ground.classes.all
        yes = maybe = 0
        for mask, ways in self._ways(packet, ground):
            if not self.by_iif:
                good: bool | None = bool(ways.devices) if ways.certain else None
            elif packet.iif is None or not ways.certain:
                good = None if ways.devices else False
            else:
                good = packet.iif in ways.devices
            yes |= mask if good is True else 0
            maybe |= mask if good is None else 0
        return (everyone & ~(yes | maybe), maybe) if self.inverted else (yes, maybe)

    def _ways(self, packet: Packet, ground: Ground) -> Iterator[tuple[int, Ways]]:
        """All classes, with the ways to the packet's source."""
        everyone = ground.classes.all
        # The kernel looks up the route to a link-local address by the incoming interface.
        near = Ways(frozenset({packet.iif} if packet.iif else ()), packet.iif is not None)
        local = packet.daddr
        source = local[0][0] if isinstance(local, tuple) and local else None
        if packet.saddr is CLIENT:
            link = ground.mask(LINK_LOCAL["ipv6"]) if packet.family == "ipv6" else 0
            yield link, near
            for intervals, ways in ground.routes.ways(packet.family, source):
                yield ground.mask(intervals) & ~link, ways
        elif packet.saddr is None or not packet.saddr:
            yield everyone, Ways(frozenset(near.devices), certain=False)
        elif packet.family == "ipv6" and common(packet.saddr, LINK_LOCAL["ipv6"]) == packet.saddr:
            yield everyone, near
        else:
            of_ends = {ground.routes.way(packet.family, end, source) for end in packet.saddr[0]}
            devices = frozenset(device for ways in of_ends for device in ways.devices)
            certain = len(of_ends) == 1 and all(ways.certain for ways in of_ends)
            yield everyone, Ways(devices, certain and len(packet.saddr) == 1)

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """None besides those of the routes, by which the classes are cut already."""
        return iter((everything(family),))

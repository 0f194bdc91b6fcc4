"""Matches of the way that a packet takes, and of what only its first one says."""

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
    """The interface that the packet came in by is of a group, a kind or a type of device.

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
        """By what ``ip -d link`` says of it."""
        everyone = ground.classes.all
        link = ground.links.links.get(packet.iif or "") if ground.links is not None else None
        if packet.iif == "":
            return 0, 0
        if link is None or not self.whole:
            return 0, everyone
        found = {"group": link.group, "kind": link.kind, "type": link.type}[self.what]
        if not found:
            return 0, 0  # of hardware there is no kind to compare (nft_meta_get_eval_kind)
        return (everyone, 0) if (found in self.words) is not self.inverted else (0, 0)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class NotBridged:
    """What a rule about the ports of a bridge comes to for a packet that is not bridged."""

    meets: bool

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """A packet that comes in by a bridge may have come in by any of its ports."""
        everyone = ground.classes.all
        if packet.iif is None or ground.links is None or ground.links.is_bridge(packet.iif):
            return 0, everyone
        return (everyone, 0) if self.meets else (0, 0)

    def client_sets(self, family: Family) -> Iterator[Intervals]:  # noqa: ARG002
        """None."""
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
        """None."""
        return iter(())


@dataclass(frozen=True, slots=True)
class ReversePath:
    """There is a route back to the source; `by_iif`: through the interface that it came in by."""

    by_iif: bool
    inverted: bool = False

    def answer(self, packet: Packet, ground: Ground) -> Answer:
        """By the routes."""
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
        """The classes with the ways to the packet's source, all of them."""
        everyone = ground.classes.all
        # The route to a link-local address is looked up by the interface that it came in by.
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
            found = {ground.routes.way(packet.family, end, source) for end in packet.saddr[0]}
            devices = frozenset(device for ways in found for device in ways.devices)
            certain = len(found) == 1 and all(ways.certain for ways in found)
            yield everyone, Ways(devices, certain and len(packet.saddr) == 1)

    def client_sets(self, family: Family) -> Iterator[Intervals]:
        """None besides those of the routes, by which the classes are cut already."""
        return iter((everything(family),))

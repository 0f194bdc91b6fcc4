"""Where NAT takes connections to a port, and whether something answers there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nethygiene.subjects.filter.client_ways import answers_at
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.nat import NatDestination, destination
from nethygiene.subjects.filter.model.paths import Path
from nethygiene.subjects.filter.model.ruleset import FilterRule
from nethygiene.subjects.filter.model.verdict import Fate
from nethygiene.subjects.sockets.listeners import Listener, Listeners


@dataclass(frozen=True, slots=True)
class Translation:
    """A rule of NAT that takes connections.

    Attributes:
        mask: the classes of sources whose connections it may take.
        certain: whether it surely takes them.
        to: the address and port to which it takes them.
        here: the address is the host's own.
        rule: the rule.
    """

    mask: int
    certain: bool
    to: NatDestination
    here: bool
    rule: FilterRule

    def __str__(self) -> str:
        return f"NAT takes it to {self.to} ({self.rule})"


def translations(
    packet_filter: PacketFilter, path: Path, port: int, fate: Fate
) -> list[Translation]:
    """The rules of NAT that take connections by a path to a port somewhere else."""
    model = packet_filter.model
    taken = []
    for event in fate.trace.translated:
        at = (path.address, port)
        to = destination(event.rule.target, model.links, path.family, path.interface, at)
        if (to.address, to.port) == at:
            continue
        doubtful = any(rule is event.rule and mask & event.mask for mask, rule in _doubts(fate))
        here = to.address is None or model.routes.is_local(path.family, to.address)
        certain = not doubtful and to.port is not None
        taken.append(Translation(event.mask, certain, to, here, event.rule))
    return taken


def _doubts(fate: Fate) -> Sequence[tuple[int, FilterRule]]:
    return fate.trace.doubts


def answered(
    packet_filter: PacketFilter,
    listeners: Listeners,
    path: Path,
    sockets: Sequence[Listener],
    taken: Sequence[Translation],
    asked: int,
) -> int:
    """The classes of sources whose connections reach a socket, or another host."""
    by_nat = certain = 0
    for translation in taken:
        if translation.certain:
            certain |= translation.mask
        if not translation.here or translation.to.address is None or translation.to.port is None:
            by_nat |= translation.mask
            continue
        there = listeners.on(translation.to.port)
        if answers_at(packet_filter, there, path.family, translation.to.address, path.interface):
            by_nat |= translation.mask
    numbers = (path.address, *path.alike)
    direct = any(
        answers_at(packet_filter, sockets, path.family, number, path.interface)
        for number in numbers
    )
    return by_nat | (asked & ~certain if direct else 0)

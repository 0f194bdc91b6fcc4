"""The fate of connections by one way in, and its description in messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import (
    BITS,
    Interval,
    Intervals,
    common,
    everything,
    family_of,
    interval_of,
    merged,
    without,
    written,
)
from nethygiene.subjects.filter.model.fields import ANY_PORT
from nethygiene.subjects.filter.model.own import ROUTED, possible_sources
from nethygiene.subjects.filter.model.paths import Path
from nethygiene.subjects.filter.model.stack import VirtualServer
from nethygiene.subjects.filter.model.verdict import Fate
from nethygiene.subjects.links.ip.families import Family

_SHOWN = 3
# Neighbours mostly differ in these bits of an address.
_NEIGHBOURS: dict[Family, int] = {"ipv4": 8, "ipv6": 64}
_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Passage:
    """The fate of the connections by one path.

    Attributes:
        path: the way in.
        port: the port to which they connect.
        fates: the fate of all classes of sources, one for each kind of source port that was tried.
        kinds: the source ports of each fate, if it is not about all of them.
        counted: the classes that matter; if nothing listens, those that NAT takes elsewhere.
        whole: the sources are `any`, so those that a banning program drops do not count.
        named: the sources are networks of the policy, and messages name them.
        behind: where the port leads, if address and port do not say so.
        server: the virtual server of IPVS that may take the connections then.
    """

    path: Path
    port: int
    fates: tuple[Fate, ...]
    counted: int
    whole: bool = False
    named: bool = False
    behind: str = ""
    server: VirtualServer | None = None
    kinds: tuple[Intervals, ...] = ()

    @property
    def fate(self) -> Fate:
        """The first fate, which is the only one for clients."""
        return self.fates[0]

    @property
    def label(self) -> str:
        """The way in words: ``by eth0 to 192.0.2.10 port 443``."""
        path = self.path
        addresses = [written(number, path.family) for number in (path.address, *path.alike)]
        to = _shortened(addresses, "address")
        behind = f" ({self.behind})" if self.behind else ""
        return f"by {path.interface or 'an interface'} to {to} port {self.port}{behind}"

    def who(self, mask: int, holes: Intervals) -> str:
        """The sources in these classes: everybody, or their networks.

        Args:
            mask: the classes.
            holes: addresses that no client has; they do not split a network.
        """
        judged = self.fate
        if not self.named and mask & judged.asked == judged.asked:
            return f"everybody, for instance {self._example()}"
        stretches = judged.classes.each_stretch(mask, self.path.sources)
        return written_networks(stretches, holes, self.path.family)

    def _example(self) -> str:
        """A neighbour of the host, or else an address in the Internet: a reader knows both."""
        path = self.path
        size = 1 << _NEIGHBOURS[path.family]
        first = path.address - path.address % size
        if near := common(path.sources, ((first, first + size - 1),)):
            # Of two equally near addresses take the later: the first address is the network's own.
            nearest = (min(max(path.address, low), high) for low, high in reversed(near))
            return written(
                min(nearest, key=lambda address: abs(address - path.address)), path.family
            )
        low, high = (common(path.sources, ROUTED[path.family]) or path.sources)[0]
        return written(low + 1 if high > low else low, path.family)

    def from_ports(self, judged: Fate) -> str:
        """The source ports, in words, if they matter for this fate."""
        if self.kinds in {(), (ANY_PORT,)}:
            return ""
        kind = self.kinds[self.fates.index(judged)]
        listed = [str(low) if low == high else f"{low}-{high}" for low, high in kind]
        return f" from source port {_shortened(listed, 'range')}"


def written_networks(addresses: Iterable[Interval], holes: Intervals, family: Family) -> str:
    """Addresses as networks: ``10.0.0.0/8 and 3 more networks``.

    Args:
        addresses: the addresses, in order.
        holes: addresses that no client has; they do not split a network.
        family: their family.
    """
    stretches = list(islice(addresses, _COUNTED + 1))
    spans = list(_closed(stretches[:_COUNTED], holes))
    if len(stretches) > _COUNTED:
        routed = (span for span in spans if common((span,), ROUTED[family]))
        return f"many networks, for instance {_network(next(routed, spans[0]), family)}"
    shown = [_network(span, family) for span in spans[: _SHOWN if len(spans) <= _SHOWN else 1]]
    return _listed(shown, len(spans) - len(shown), "network")


def _shortened(names: list[str], kind: str) -> str:
    if len(names) <= _SHOWN:
        return _listed(names, 0, kind)
    return _listed(names[:1], len(names) - 1, kind)


def _listed(names: list[str], more: int, kind: str) -> str:
    if more:
        plural = "" if more == 1 else "es" if kind.endswith("s") else "s"
        return f"{', '.join(names)} and {more} more {kind}{plural}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _closed(stretches: Iterable[Interval], holes: Intervals) -> Iterator[Interval]:
    """The stretches, with the holes between them filled."""
    low, last = -1, -1
    for first, high in stretches:
        gap = ((last + 1, first - 1),)
        if low >= 0 and (first == last + 1 or common(gap, holes) == gap):
            last = high
            continue
        if low >= 0:
            yield low, last
        low, last = first, high
    if low >= 0:
        yield low, last


def _network(span: Interval, family: Family) -> str:
    low, high = span
    if low == high:
        return written(low, family)
    size = high - low + 1
    if size & (size - 1) == 0 and low % size == 0:
        return f"{written(low, family)}/{BITS[family] - size.bit_length() + 1}"
    return f"{written(low, family)}-{written(high, family)}"


def networks(sources: Iterable[object], family: Family) -> Intervals:
    """Declared sources as intervals; ``any`` is all."""
    intervals = []
    for source in sources:
        if source == "any":
            return everything(family)
        version = getattr(source, "version", 0)
        if version and family_of(version) == family:
            intervals.append(interval_of(source))  # type: ignore[arg-type]
    return merged(intervals)


def holes(packet_filter: PacketFilter, family: Family) -> Intervals:
    """Addresses that no other host has."""
    possible = possible_sources(packet_filter.model.routes, family)
    return without(everything(family), possible, family)

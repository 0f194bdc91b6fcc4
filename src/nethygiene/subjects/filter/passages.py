"""What becomes of connections by one way in, and how it is told."""

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
# The bits of an address that neighbours differ in, mostly.
_NEIGHBOURS: dict[Family, int] = {"ipv4": 8, "ipv6": 64}
_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Passage:
    """What becomes of the connections by one path.

    Attributes:
        path: the way in.
        port: the port that is connected to.
        fates: of all classes of sources, one for each kind of source port that was tried.
        kinds: the source ports of each fate, where it is not about all of them.
        counted: the classes that matter: where nothing listens, those that NAT takes elsewhere.
        whole: the sources are `any`: those that a banning program drops do not count.
        named: the sources are networks of the policy, and told as such.
        behind: what the door leads to, where that is not plain from the address and port.
        server: the virtual server of IPVS that perhaps takes the connections then.
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
        """The first, which is the only one for clients."""
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
        """Whom these classes stand for: everybody, or their networks.

        Args:
            mask: the classes.
            holes: addresses that no client has, and that break no network in two.
        """
        judged = self.fate
        if not self.named and mask & judged.asked == judged.asked:
            return f"everybody, for instance {self._example()}"
        found = judged.classes.each_stretch(mask, self.path.sources)
        return written_networks(found, holes, self.path.family)

    def _example(self) -> str:
        """A neighbour of the host's, or else somebody in the Internet: a reader knows both."""
        path = self.path
        size = 1 << _NEIGHBOURS[path.family]
        first = path.address - path.address % size
        if near := common(path.sources, ((first, first + size - 1),)):
            # Of two that are as near, the later: a network's first address is its own.
            nearest = (min(max(path.address, low), high) for low, high in reversed(near))
            return written(min(nearest, key=lambda one: abs(one - path.address)), path.family)
        low, high = (common(path.sources, ROUTED[path.family]) or path.sources)[0]
        return written(low + 1 if high > low else low, path.family)

    def from_ports(self, judged: Fate) -> str:
        """From which source ports, where that matters for this fate."""
        if self.kinds in {(), (ANY_PORT,)}:
            return ""
        kind = self.kinds[self.fates.index(judged)]
        listed = [str(low) if low == high else f"{low}-{high}" for low, high in kind]
        return f" from source port {_shortened(listed, 'range')}"


def written_networks(found: Iterable[Interval], holes: Intervals, family: Family) -> str:
    """Addresses as networks: ``10.0.0.0/8 and 3 more networks``.

    Args:
        found: the addresses, in order.
        holes: addresses that no client has, and that break no network in two.
        family: of the addresses.
    """
    stretches = list(islice(found, _COUNTED + 1))
    spans = list(_closed(stretches[:_COUNTED], holes))
    if len(stretches) > _COUNTED:
        known = (span for span in spans if common((span,), ROUTED[family]))
        return f"many networks, for instance {_network(next(known, spans[0]), family)}"
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


def _closed(found: Iterable[Interval], holes: Intervals) -> Iterator[Interval]:
    """The same with holes filled that lie between two stretches."""
    low, last = -1, -1
    for first, high in found:
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
    found = []
    for one in sources:
        if one == "any":
            return everything(family)
        version = getattr(one, "version", 0)
        if version and family_of(version) == family:
            found.append(interval_of(one))  # type: ignore[arg-type]
    return merged(found)


def holes(packet_filter: PacketFilter, family: Family) -> Intervals:
    """Addresses that no other host has."""
    possible = possible_sources(packet_filter.model.routes, family)
    return without(everything(family), possible, family)

"""The fate of connections to a host, by the filter as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.addresses import Classes, Intervals, classes_of, everything
from nethygiene.subjects.filter.model.connection import ConnectionPath
from nethygiene.subjects.filter.model.hooks import Hooks
from nethygiene.subjects.filter.model.links import Links
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.neighbours import acquainted
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.routes import RoutingTables
from nethygiene.subjects.filter.model.ruleset import FilterRule, Ruleset
from nethygiene.subjects.filter.model.trace import Event, Trace
from nethygiene.subjects.filter.model.walk import Walker
from nethygiene.subjects.links.ip.families import Family

_SOME = 16
"""If the sources have fewer addresses than this, a ban may cover most of them."""


@dataclass(frozen=True)
class Fate:
    """The fate of connections to one address and port, by class of source.

    Attributes:
        classes: the address space, cut into classes.
        asked: the classes that were asked about.
        accepted: those that perhaps get through to the host itself.
        forwarded: those that perhaps get through to another host, by destination NAT.
        lost: those that perhaps do not.
        banned: those that perhaps are lost to a list that a program such as fail2ban keeps.
        trace: what happened on the way.
    """

    classes: Classes
    asked: int
    accepted: int
    forwarded: int
    lost: int
    banned: int
    trace: Trace

    @property
    def surely_in(self) -> int:
        """The classes whose connections certainly get through, here or to another host."""
        return (self.accepted | self.forwarded) & ~(self.lost | self.banned)

    @property
    def surely_out(self) -> int:
        """The classes whose connections certainly do not get through, apart from bans."""
        return self.lost & ~(self.accepted | self.forwarded)

    @property
    def undecided(self) -> int:
        """The classes whose fate is unknown."""
        return (self.lost | self.banned) & (self.accepted | self.forwarded)

    def loss(self, mask: int) -> Event | None:
        """The first rule that drops or rejects some of these classes; a certain rule goes first.

        Its packet says which of the connection's packets it is that gets lost.
        """
        lost = [event for event in self.trace.lost if event.mask & mask]
        doubted = {id(rule) for which, rule in self.trace.doubts if which & mask}
        sure = (event for event in lost if id(event.rule) not in doubted)
        return next(sure, lost[0] if lost else None)

    def pass_by(self, mask: int) -> Event | None:
        """The rule of the filter that lets some of these classes in.

        That is the last of those that weigh most: a rule of a chain that may keep packets out, at
        input or forward, and not a chain that merely did not object.
        """
        events = [event for event in self.trace.accepted if event.mask & mask and event.weight]
        return max(reversed(events), key=lambda event: event.weight, default=None)

    def doubt(self, mask: int) -> FilterRule | None:
        """The first rule that is undecided for some of these classes."""
        return next((rule for which, rule in self.trace.doubts if which & mask), None)


@dataclass(frozen=True)
class HostFilter:
    """The whole packet filter of a host.

    Attributes:
        rulesets: by family.
        routes: routes and rules of both families.
        links: its interfaces, as far as they matter here.
        forwards: whether it forwards, by family; None where that was not read.
    """

    rulesets: Mapping[Family, Ruleset]
    routes: RoutingTables
    links: Links
    forwards: Mapping[Family, bool | None]
    _connections: dict[Family, ConnectionPath] = field(default_factory=dict, compare=False)
    _sizes: dict[tuple[Family, int], int] = field(default_factory=dict, compare=False)
    _known: dict[tuple[Packet, int], Fate] = field(default_factory=dict, compare=False)
    _met: dict[tuple[object, ...], tuple[int, Trace]] = field(default_factory=dict, compare=False)

    def ground(self, family: Family) -> Ground:
        """The classes of client addresses that the filter and the routes distinguish."""
        return self._connection(family).ground

    def _connection(self, family: Family) -> ConnectionPath:
        connection = self._connections.get(family)
        if connection is None:
            ruleset = self.rulesets[family]
            sets: list[Intervals] = [*self.routes.prefixes(family), self.routes.local(family)]
            sets += [LINK_LOCAL["ipv6"]] * (family == "ipv6")
            sets += ruleset.client_sets()
            ground = Ground(classes_of(family, sets), self.routes, self.links)
            hooks = Hooks(ruleset, Walker(ground), self.links)
            connection = self._connections[family] = ConnectionPath(
                hooks, ground, self.forwards.get(family)
            )
        return connection

    def judge(self, packet: Packet, clients: int) -> Fate:
        """Follow a connection, from neighbour discovery to the service's first data.

        Args:
            packet: its first, as :func:`new_connection` makes it.
            clients: the classes of :meth:`ground` that it may come from.

        Raises:
            TooLongError: the ruleset is too tangled to follow.
        """
        fate = self._known.get((packet, clients))
        if fate is None:
            fate = self._known[packet, clients] = self._judged(packet, clients)
        return fate

    def _judged(self, packet: Packet, clients: int) -> Fate:
        connection = self._connection(packet.family)
        trace = Trace()
        met = self._acquainted(packet, clients, connection, trace)
        accepted, forwarded = connection.followed(packet, met, trace) if met else (0, 0)
        lost = banned = 0
        for event in trace.lost:
            if event.bans:
                banned |= event.mask
            else:
                lost |= event.mask
        classes = connection.ground.classes
        family = packet.family
        asked = self._size(family, clients) if banned else 0
        if asked > _SOME and 2 * self._size(family, banned) > asked:
            # A rule that drops most addresses is no ban, but the filter's policy.
            lost, banned = lost | banned, 0
        return Fate(classes, clients, accepted, forwarded, lost, banned, trace)

    def _size(self, family: Family, mask: int) -> int:
        """The number of addresses in these classes."""
        if (family, mask) not in self._sizes:
            classes = self._connection(family).ground.classes
            stretches = classes.stretches(mask, everything(family))
            self._sizes[family, mask] = sum(high - low + 1 for low, high in stretches)
        return self._sizes[family, mask]

    def _acquainted(
        self, packet: Packet, clients: int, connection: ConnectionPath, trace: Trace
    ) -> int:
        """The classes that find the host's neighbour entry: the same for all its ports."""
        key = (packet.family, packet.iif, packet.daddr, clients, packet.choices)
        if key not in self._met:
            own = Trace()
            met = acquainted(packet, clients, connection.hooks, connection.ground, own)
            self._met[key] = (met, own)
        met, asked_trace = self._met[key]
        trace.lost += asked_trace.lost
        trace.doubts += asked_trace.doubts
        return met

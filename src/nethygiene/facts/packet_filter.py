"""The fact of a host's packet filter: the model of its rules, asked with a connection at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from nethygiene.facts.fact import Fact
from nethygiene.firewall.addresses import (
    Family,
    Intervals,
    common,
    everything,
    inverted,
    merged,
    written,
)
from nethygiene.firewall.assemble import VirtualServer
from nethygiene.firewall.packet import ANY_PORT, EPHEMERAL, new_connection
from nethygiene.firewall.verdict import HostFilter, Judgement, TooLongError
from nethygiene.outcomes import Unreadable

SOURCE = "nft -j list ruleset, iptables-save, ip route"
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
# Sources that no packet from another host has: this network, loopback, multicast and reserved
# addresses; in IPv6 also link-local ones, which reach link-local addresses alone.
_NO_SOURCES: dict[Family, Intervals] = {
    "ipv4": ((0, (1 << 24) - 1), (127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    "ipv6": ((0, 1), (0xFE80 << 112, (0xFEC0 << 112) - 1), (0xFF << 120, (1 << 128) - 1)),
}


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a local TCP port is taken by the host's NAT.

    Attributes:
        port: the port that clients connect to.
        address: where it is taken, None where the host itself keeps the connection.
        to_port: the port there, None where it cannot be told.
        certain: whether every new connection from other hosts is taken there; False where a
            match cannot be decided, or only some sources, interfaces or addresses are.
        rule: the rule's place and text.
    """

    port: int
    address: str | None
    to_port: int | None
    certain: bool
    rule: str

    def __str__(self) -> str:
        to = f"{self.address or 'port'}:{self.to_port}".replace("port:", "port ")
        return f"NAT takes port {self.port} to {to} ({self.rule})"


@dataclass(frozen=True, slots=True)
class Path:
    """One way by which a connection from another host comes in.

    Attributes:
        family: of its addresses.
        interface: by which it comes in; None where that cannot be told.
        address: the host's own address that it is made to, as a number.
        sources: where it may come from.
    """

    family: Family
    interface: str | None
    address: int
    sources: Intervals


@dataclass(frozen=True)
class PacketFilter(Fact):
    """The host's packet filter, and what it does with a new TCP connection.

    The fact itself is always there; what of it could not be read ends a rule as unknown when it
    is asked for.

    Attributes:
        _host: the model, or why there is none.
        _addresses: the host's own addresses of other hosts' use, by interface and family.
        _servers: the virtual servers of IPVS.
        _servers_unreadable: why those could not be read.
    """

    _host: HostFilter | Unreadable
    _addresses: tuple[tuple[str, Family, int], ...] = ()
    _servers: tuple[VirtualServer, ...] = ()
    _servers_unreadable: Unreadable | None = None
    _redirects: dict[int, tuple[Redirect, ...]] = field(default_factory=dict, compare=False)

    @property
    def model(self) -> HostFilter:
        """The model; ends the rule as unknown where the filter could not be read."""
        if isinstance(self._host, Unreadable):
            self.ledger.cannot_read(self._host)
        return self._host

    def own_addresses(self, family: Family) -> tuple[tuple[str, int], ...]:
        """The host's own addresses of other hosts' use, with their interfaces."""
        # Without a routing listing there is no model, and an empty list would say nothing.
        self.model  # noqa: B018 - ends the rule where there is none
        return tuple((name, number) for name, kind, number in self._addresses if kind == family)

    def redirects(self, port: int) -> tuple[Redirect, ...]:
        """DNAT and redirect rules that take new connections to a local TCP port elsewhere.

        Connections from other hosts to any of the host's own addresses. Where the rules could not
        be read (they need root), or are too tangled, it ends the rule as unknown.
        """
        try:
            found = self._redirected(self.model, port)
        except TooLongError as error:
            self.ledger.undecidable(str(error))
        self.ledger.read(
            f"NAT of port {port}", SOURCE, "; ".join(map(str, found)) or "none takes it"
        )
        return found

    def diverts(self, port: int) -> str | None:
        """Why a service's port is not served by this network namespace's own sockets, or None.

        DNAT, redirect, TPROXY or IPVS take it away: then all rules of that service are unknown
        (``if reason := packet_filter.diverts(service.port): unknown(reason)``). Where the NAT
        rules cannot be read without root, this is None: only what is seen diverts, so that
        an unprivileged login still judges listeners. It never ends a rule by itself.
        """
        for server in self._servers:
            if server.port in {port, None}:
                return f"IPVS takes port {port}: {server}"
        if isinstance(self._host, Unreadable):
            self.ledger.read(f"NAT of port {port}", SOURCE, f"not readable ({self._host.reason})")
            return None
        try:
            found = self._redirected(self._host, port)
        except TooLongError as error:
            self.ledger.read(f"NAT of port {port}", SOURCE, str(error))
            return None
        self.ledger.read(
            f"NAT of port {port}", SOURCE, "; ".join(map(str, found)) or "none takes it"
        )
        return str(found[0]) if found else None

    def virtual_servers(self, port: int) -> tuple[VirtualServer, ...]:
        """The virtual servers of IPVS that take a port."""
        if self._servers_unreadable is not None:
            self.ledger.cannot_read(self._servers_unreadable)
        return tuple(one for one in self._servers if one.port in {port, None})

    def paths(
        self, family: Family, sources: Intervals, local: frozenset[int], interface: str | None
    ) -> Iterator[Path]:
        """The ways by which connections from `sources` come in.

        Args:
            family: which.
            sources: where from; addresses that no other host has are left out.
            local: the host's own addresses that are connected to.
            interface: by which they come in; None takes the route back to each source.
        """
        model = self.model
        wanted = common(sources, _other_hosts(model, family))
        own = [(name, number) for name, number in self.own_addresses(family) if number in local]
        for _, address in own:
            if interface is not None:
                here = {number for name, number in own if name == interface}
                if not here or address in here:
                    yield Path(family, interface, address, wanted)
                continue
            for intervals, devices in model.arrivals(family, address):
                among = common(wanted, intervals)
                for device in sorted(devices - {"lo"}):
                    here = {number for name, number in own if name == device}
                    if among and (not here or address in here):
                        yield Path(family, device, address, among)

    def other_hosts(self, family: Family, sources: Intervals) -> Intervals:
        """Those of the sources that another host may have."""
        return common(sources, _other_hosts(self.model, family))

    def observe(self, what: str, actual: str) -> None:
        """Have the result tell something that was seen."""
        self.ledger.read(what, SOURCE, actual)

    def judge(self, path: Path, port: int, *, ephemeral: bool) -> Judgement:
        """What becomes of connections by that way to a TCP port; unknown where it is too tangled.

        Args:
            path: one of :meth:`paths`.
            port: TCP port that is connected to.
            ephemeral: from a port that clients use; else from any.
        """
        model = self.model
        try:
            return _judged(model, path, port, ephemeral=ephemeral)
        except TooLongError as error:
            self.ledger.undecidable(str(error))

    def _redirected(self, model: HostFilter, port: int) -> tuple[Redirect, ...]:
        if port not in self._redirects:
            self._redirects[port] = tuple(dict.fromkeys(self._each_redirect(model, port)))
        return self._redirects[port]

    def _each_redirect(self, model: HostFilter, port: int) -> Iterator[Redirect]:
        for family in FAMILIES:
            own = frozenset(number for _, number in self.own_addresses(family))
            for path in self.paths(family, everything(family), own, None):
                found = _judged(model, path, port, ephemeral=True)
                for event in found.trace.translated:
                    target = event.rule.target
                    here = target is None or target.here or target.addresses is None
                    address = None
                    if target is not None and target.addresses and not target.unknown:
                        number = target.addresses[0][0]
                        local = model.routes.is_local(family, number)
                        address = None if local else written(number, family)
                    to = target.ports[0][0] if target is not None and target.ports else port
                    unknown = target is None or bool(target.unknown)
                    if here and to == port and not unknown:
                        continue  # it stays where it is
                    yield Redirect(
                        port,
                        address,
                        None if unknown else to,
                        event.mask == found.asked,
                        str(event.rule),
                    )


def _other_hosts(model: HostFilter, family: Family) -> Intervals:
    none = merged([*_NO_SOURCES[family], *model.routes.local(family)])
    return inverted(none, family)


def _judged(model: HostFilter, path: Path, port: int, *, ephemeral: bool) -> Judgement:
    classes = model.ground(path.family).classes
    ports = EPHEMERAL if ephemeral else ANY_PORT
    packet = new_connection(path.family, path.interface, path.address, port, ports)
    return model.judge(packet, classes.mask(path.sources))

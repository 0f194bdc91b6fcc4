"""The declared items of a policy: services, routes, limits, waivers and the like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from nethygiene.inventory.declared import Declared, NamedItem
from nethygiene.inventory.sources import NamedSource, Source, Target
from nethygiene.inventory.values import (
    Address,
    Backlog,
    Count,
    Day,
    InterfaceName,
    IPAddress,
    IPNetwork,
    ListenAddress,
    Port,
    Rate,
    Ratio,
    RuleId,
    Sentence,
    refused,
)

Keepalive = Literal["required", "peer", "any"]


class Service(NamedItem):
    """A port that this host serves."""

    protocol: Literal["tcp"] = "tcp"
    """The transport protocol; only tcp so far."""
    port: Port
    """The port that clients connect to."""
    address: ListenAddress = "any"
    """Where it has to listen: any, loopback or one IP address."""
    backlog: Backlog | None = None
    """The accept queue that the service asks for in listen()."""
    allow_from: tuple[Source, ...] = ()
    """Who has to get through the firewall: any (the default: all clients that no deny_from
    names), networks, names of hosts and groups, or [] for nobody."""
    deny_from: tuple[Source, ...] = ()
    """Who is kept out on purpose; who gets in all the same is a finding."""
    interface: InterfaceName | None = None
    """The interface on which clients arrive."""
    keepalive: Keepalive = "any"
    """Who sends TCP keepalives: this host (required), the peer, or any."""
    legacy_ports: tuple[Port, ...] = ()
    """Former ports that old clients still use."""

    @property
    def clients(self) -> tuple[Source, ...]:
        """Who has to get through the firewall: any, where the inventory does not say."""
        return self.allow_from if self.declares("allow_from") else ("any",)

    @model_validator(mode="after")
    def _legacy_differs(self) -> Self:
        if self.port in self.legacy_ports:
            raise refused(
                f"legacy_ports names the service's own port {self.port}", "name former ports only"
            )
        return self


@dataclass(frozen=True, slots=True)
class FarEnd:
    """The end of a connection that an upstream's ``to`` names.

    Attributes:
        host: the host that serves it; empty for whoever of the group holds a virtual address.
        service: what that host declares of it; None if evidence does not hold that.
        virtual: the virtual address that is dialled; None for one of the host's own.
    """

    host: str
    service: Service | None
    virtual: Address | None = None


class Upstream(NamedItem):
    """A service elsewhere that this host connects to."""

    to: Target | None = None
    """The service of the inventory: HOST/SERVICE, GROUP/SERVICE (a result for each of its hosts)
    or VIRTUAL_ADDRESS@GROUP/SERVICE (the host that holds the address now)."""
    address: IPAddress | None = None
    """Its IP address, as `ss -tn` shows the peer; beside `to`, which of its addresses is dialled
    (without it: the one that the service is bound to, or else the one with the most specific
    route)."""
    port: Port | None = None
    """Its port; with `to` it is the service's own."""
    keepalive: Keepalive = "any"
    """Who sends TCP keepalives: this host (required), the peer, or any."""
    _end: FarEnd | None = PrivateAttr(default=None)
    _found: tuple[Address, ...] = PrivateAttr(default=())

    @property
    def end(self) -> FarEnd | None:
        """The end that `to` names; None for one outside the inventory."""
        return self._end

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses that it may be dialled at; several if the service is bound to all."""
        if self.address is not None:
            return (self.address,)
        if self._end is not None and self._end.virtual is not None:
            return (self._end.virtual,)
        service = None if self._end is None else self._end.service
        if service is not None and not isinstance(service.address, str):
            return (service.address,)
        return self._found

    @property
    def dialled_port(self) -> int | None:
        """The port that is dialled; None if evidence does not hold what its target declares."""
        if self.port is not None or self._end is None or self._end.service is None:
            return self.port
        return self._end.service.port

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if self.to is not None:
            if self.port is not None:
                raise refused(
                    f"`port` stands beside `to`, and {self.to} declares its own port",
                    "take `port` out",
                )
            return self
        missing = "address" if self.address is None else "port" if self.port is None else ""
        if missing:
            meaning = "its IP address" if missing == "address" else "its port"
            fix = f"add `{missing}`: {meaning}; or `to: HOST/SERVICE` for one of the inventory"
            raise refused(f"`{missing}` is missing", fix)
        return self


class Interface(NamedItem):
    """A network interface of this host."""

    address: IPAddress
    """The address that has to be on it."""


class Route(NamedItem):
    """A way that has to be in effect."""

    destination: IPNetwork
    """The network that it leads to."""
    via: IPAddress | None = None
    """The gateway."""
    interface: InterfaceName | None = None
    """The interface that packets leave by."""

    @model_validator(mode="after")
    def _has_a_way(self) -> Self:
        if self.via is None and self.interface is None:
            raise refused(
                "the route has neither via nor interface", "add `via: GATEWAY` or `interface: NAME`"
            )
        return self


class BlockedPort(NamedItem):
    """A port that nobody but the exceptions may reach."""

    except_: tuple[NamedSource, ...] = Field(default=(), alias="except")
    """Networks, and names of hosts and groups, that may reach it all the same."""

    @property
    def port(self) -> int:
        """The blocked port."""
        return int(self._name)


class Limits(Declared):
    """What is still normal."""

    ssh_sessions_per_peer: Count | None = None
    """Connections to sshd that one peer address may hold."""
    failed_connections_per_second: Rate = 1.0
    """Connection attempts that may fail, a second."""
    resets_per_second: Rate = 5.0
    """RST segments that may be sent, a second."""
    retransmission_ratio: Ratio = 0.05
    """Share of segments that may be sent again, 0 to 1."""
    clock_skew: Rate = 1.0
    """Seconds by which a host's clock may differ from that of the machine that audits."""
    half_open: Count | None = None
    """Connections that may be in SYN_RECV at once."""


class Waiver(NamedItem):
    """A failure that is accepted until a day."""

    rule: RuleId
    """The rule whose failure is accepted."""
    item: Sentence = "*"
    """The item that it is accepted for; "*" for all."""
    until: Day
    """The last day on which it holds, in UTC."""
    owner: Sentence
    """Who answers for it."""
    reason: Sentence
    """Why it is accepted."""

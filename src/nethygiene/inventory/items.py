"""The declared items of a policy: services, tunnels, routes and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    WithJsonSchema,
    model_validator,
)

from nethygiene.inventory.forward import Forward
from nethygiene.inventory.located import kind_of_atom, shown
from nethygiene.inventory.values import (
    AbsolutePath,
    Address,
    Backlog,
    Count,
    Day,
    HostKey,
    InterfaceName,
    IPAddress,
    IPNetwork,
    ListenAddress,
    LocalForward,
    Network,
    Port,
    Rate,
    Ratio,
    RemoteForward,
    RuleId,
    Sentence,
    Source,
    SourceNetwork,
    SshDestination,
    SshKeyword,
    SshValue,
    UserName,
    refused,
)

Keepalive = Literal["required", "peer", "any"]

_UNIT = re.compile(r"[\w:.\\@-]+\.service\Z")


class Declared(BaseModel):
    """Base of a policy and its items: frozen, and able to tell declared from defaulted."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_by_name=False,
        validate_by_alias=True,
        arbitrary_types_allowed=True,
    )

    def declares(self, key: str) -> bool:
        """Whether the inventory gives `key` a value, even one equal to the default.

        Raises:
            AttributeError: there is no such key; a misspelt one must not read as "not declared".
        """
        if key not in type(self).model_fields:
            raise AttributeError(f"{type(self).__name__} has no key {key!r}")
        return key in self.model_fields_set


class NamedItem(Declared):
    """An item of a policy that is declared under a name."""

    _name: str = PrivateAttr(default="")

    @property
    def name(self) -> str:
        """The key under which it is declared."""
        return self._name


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
    """Who has to get through the firewall: any (all that no deny_from names) or networks."""
    deny_from: tuple[Source, ...] = ()
    """Who is kept out on purpose."""
    interface: InterfaceName | None = None
    """The interface on which clients arrive."""
    keepalive: Keepalive = "any"
    """Who sends TCP keepalives: this host (required), the peer, or any."""
    legacy_ports: tuple[Port, ...] = ()
    """Former ports that old clients still use."""

    @model_validator(mode="after")
    def _legacy_differs(self) -> Self:
        if self.port in self.legacy_ports:
            raise refused(
                f"legacy_ports names the service's own port {self.port}", "name former ports only"
            )
        return self


class Upstream(NamedItem):
    """A service elsewhere that this host connects to."""

    address: IPAddress
    """Its IP address, as `ss -tn` shows the peer."""
    port: Port
    """Its port."""
    keepalive: Keepalive = "any"
    """Who sends TCP keepalives: this host (required), the peer, or any."""


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


class LogFile(Declared):
    """The file that holds a job's standard error."""

    log: AbsolutePath
    """Its absolute path."""


def _parse_run_by(value: object) -> str | LogFile:
    fix = "write cron, NAME.service, or {log: /path/of/the/log}"
    if isinstance(value, LogFile) or value == "cron":
        return value if isinstance(value, LogFile) else "cron"
    if isinstance(value, Mapping) and set(value) == {"log"}:
        path = value["log"]
        if isinstance(path, str) and path.startswith("/") and path.isprintable() and len(path) > 1:
            return LogFile(log=path)
        raise refused(f"{shown(path)} is not an absolute path", fix)
    if isinstance(value, str) and _UNIT.match(value):
        return value
    what = shown(value) if isinstance(value, str) else kind_of_atom(value)
    raise refused(f"run_by cannot be {what}", fix)


def _run_by_plain(value: str | LogFile) -> str | dict[str, str]:
    return {"log": value.log} if isinstance(value, LogFile) else value


RunBy = Annotated[
    str | LogFile,
    PlainValidator(_parse_run_by),
    PlainSerializer(_run_by_plain),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["cron"]},
                {"type": "string", "pattern": r"^[\w:.\\@-]+\.service$"},
                {
                    "type": "object",
                    "properties": {"log": {"type": "string", "pattern": "^/."}},
                    "required": ["log"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class TunnelCheck(Declared):
    """The ssh with which a job tests its own tunnel."""

    destination: SshDestination
    """The host that it names, often localhost."""
    port: Port | None = None
    """The port that it names; without, what ssh_config says."""


class Tunnel(NamedItem):
    """An ssh tunnel that a job on this host keeps up."""

    user: UserName
    """The local user whose job runs ssh."""
    destination: SshDestination
    """Where ssh connects to, as on its command line."""
    port: Port | None = None
    """The port on ssh's command line; without, what ssh_config says."""
    local_forwards: tuple[LocalForward, ...] = ()
    """Its -L forwards."""
    remote_forwards: tuple[RemoteForward, ...] = ()
    """Its -R forwards."""
    check: TunnelCheck | None = None
    """The ssh with which the job tests its tunnel."""
    options: Mapping[SshKeyword, SshValue] = Field(default_factory=dict)
    """The -o options on the job's command line."""
    host_keys: tuple[HostKey, ...] = ()
    """Fingerprints of the keys that the destination may show."""
    run_by: RunBy | None = None
    """Who keeps ssh's standard error: cron, NAME.service, or {log: FILE}."""

    @model_validator(mode="after")
    def _options_once(self) -> Self:
        seen: dict[str, str] = {}
        for keyword in self.options:
            other = seen.setdefault(keyword.lower(), keyword)
            if other != keyword:
                raise refused(
                    f"options {other} and {keyword} are one option to ssh", "keep one of them"
                )
        return self

    def option(self, keyword: str) -> str | None:
        """The declared value of an ssh_config keyword, in any case; None if it is not declared."""
        wanted = keyword.lower()
        return next((value for key, value in self.options.items() if key.lower() == wanted), None)


class BlockedPort(NamedItem):
    """A port that nobody but the exceptions may reach."""

    except_: tuple[IPNetwork, ...] = Field(default=(), alias="except")
    """Networks that may reach it all the same."""

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


__all__ = [
    "Address",
    "BlockedPort",
    "Declared",
    "Forward",
    "Interface",
    "Keepalive",
    "Limits",
    "LogFile",
    "NamedItem",
    "Network",
    "Route",
    "Service",
    "SourceNetwork",
    "Tunnel",
    "TunnelCheck",
    "Upstream",
    "Waiver",
]

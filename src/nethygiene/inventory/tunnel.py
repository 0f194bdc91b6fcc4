"""The ssh tunnels of a policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from nethygiene.inventory.declared import Declared, NamedItem
from nethygiene.inventory.located import kind_of_atom, shown
from nethygiene.inventory.values import (
    AbsolutePath,
    HostKey,
    LocalForward,
    Port,
    RemoteForward,
    SshDestination,
    SshKeyword,
    SshValue,
    UserName,
    refused,
)

_UNIT = re.compile(r"[\w:.\\@-]+\.service\Z")


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
    """The port that it names; without it, the port that ssh_config says."""


class Tunnel(NamedItem):
    """An ssh tunnel that a job on this host keeps up."""

    user: UserName
    """The local user whose job runs ssh."""
    destination: SshDestination
    """Where ssh connects to, as on its command line."""
    port: Port | None = None
    """The port on ssh's command line; without it, the port that ssh_config says."""
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
        lower = keyword.lower()
        return next((value for key, value in self.options.items() if key.lower() == lower), None)

"""A question to ssh_config and its answer, in plain values."""

from __future__ import annotations

import getpass
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nethygiene.errors import ConnectError
from nethygiene.transport.ssh_tokens import substitute, tokens


@dataclass(frozen=True, slots=True)
class SshQuery:
    """A question to ssh_config; equal queries have equal answers.

    Attributes:
        destination: host name, address or alias, as the inventory has it.
        port: None leaves it to ssh_config.
        user: None leaves it to ssh_config.
        arguments: further arguments of ssh: -o, -J and -F.
        config: a file for -F, None for the user's and the system's own.
        identities: key files that the inventory or command line names.
    """

    destination: str
    port: int | None = None
    user: str | None = None
    arguments: tuple[str, ...] = ()
    config: str | None = None
    identities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SshOptions:
    """The answer. Algorithm lists are empty if ssh_config is not known to restrict them.

    Attributes:
        destination: the query's, for messages.
        hostname: the host to connect to, and the name of its key unless there is an alias.
        strict: `yes`, `accept-new` or `no` (StrictHostKeyChecking).
        identity_files: key files in order, expanded; those that the query named first.
        identity_agent: path of the agent's socket, None for no agent.
        known_hosts: the user's and the global files, expanded.
        proxy_jump: hops in order, as ``user@host:port``.
        proxy_command: shell command with its tokens expanded.
        connect_timeout: seconds, None where none is set.
        config: the -F file that jump hosts are resolved with as well.
    """

    destination: str
    hostname: str
    port: int
    user: str
    strict: str = "yes"
    identity_files: tuple[str, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    certificate_files: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    host_key_alias: str | None = None
    proxy_jump: tuple[str, ...] = ()
    proxy_command: str | None = None
    connect_timeout: float | None = None
    address_family: str = "any"
    bind_address: str | None = None
    pubkey_authentication: bool = True
    host_key_algorithms: tuple[str, ...] = ()
    kex_algorithms: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    config: str | None = None


def config_error(destination: str, problem: str, cure: str) -> ConnectError:
    """The error for an ssh_config, or for arguments of ssh, that cannot be used."""
    return ConnectError("ssh-config", f"ssh_config for {destination}: {problem}", cure)


def client_arguments(query: SshQuery) -> list[str]:
    """Arguments of OpenSSH's client for a query, without program and destination.

    ssh obeys the first of an option given twice: the inventory's own variables lead.
    """
    arguments: list[str] = []
    if query.port is not None:
        arguments += ["-p", str(query.port)]
    if query.user is not None:
        arguments += ["-l", query.user]
    for identity in query.identities:
        arguments += ["-i", identity]
    if query.config is not None and not any(text.startswith("-F") for text in query.arguments):
        arguments += ["-F", query.config]
    return [*arguments, *query.arguments]


def explicit_config(query: SshQuery) -> str | None:
    """The file that -F names, in the arguments or beside them."""
    for index, text in enumerate(query.arguments):
        if text == "-F" and index + 1 < len(query.arguments):
            return query.arguments[index + 1]
        if text.startswith("-F"):
            return text[2:]
    return query.config


def expand(query: SshQuery, answer: Mapping[str, tuple[str, ...]]) -> SshOptions:
    """The answer in plain values, from the options by keyword.

    Raises:
        ConnectError: ``ssh-config``, for a value that is not valid.
    """

    def first(name: str, default: str = "") -> str:
        return answer.get(name, (default,))[0]

    hostname = first("hostname", query.destination)
    user = first("user") or query.user or getpass.getuser()
    try:
        port = int(first("port", "22"))
    except ValueError:
        raise config_error(
            query.destination, f"Port {first('port')} is no number", "correct ssh_config"
        ) from None
    alias = first("hostkeyalias") or None
    jump = first("proxyjump")
    token_values = tokens(query.destination, hostname, port, user, alias, jump)
    identities = [_path(text, token_values) for text in answer.get("identityfile", ())]
    named = [str(Path(text).expanduser()) for text in query.identities]
    files = [path for name in ("userknownhostsfile", "globalknownhostsfile")
             for path in _split_files(first(name))]  # fmt: skip
    command = first("proxycommand")
    timeout = first("connecttimeout", "none")
    return SshOptions(
        destination=query.destination,
        hostname=hostname,
        port=port,
        user=user,
        strict=_strict(first("stricthostkeychecking", "ask")),
        identity_files=tuple(dict.fromkeys([*named, *(p for p in identities if p != "none")])),
        identities_only=first("identitiesonly") == "yes",
        identity_agent=_agent(first("identityagent", "SSH_AUTH_SOCK"), token_values),
        certificate_files=tuple(
            _path(text, token_values) for text in answer.get("certificatefile", ())
        ),
        known_hosts=tuple(_path(path, token_values) for path in files),
        host_key_alias=alias,
        proxy_jump=tuple(jump.split(",")) if jump not in ("", "none") else (),
        proxy_command=substitute(command, token_values) if command not in ("", "none") else None,
        connect_timeout=float(timeout) if timeout.isdigit() and int(timeout) > 0 else None,
        address_family=first("addressfamily", "any"),
        bind_address=first("bindaddress") or None,
        pubkey_authentication=first("pubkeyauthentication", "yes") not in ("no", "false"),
        host_key_algorithms=_names(first("hostkeyalgorithms")),
        kex_algorithms=_names(first("kexalgorithms")),
        ciphers=_names(first("ciphers")),
        macs=_names(first("macs")),
        config=explicit_config(query),
    )


def _strict(value: str) -> str:
    if value in ("no", "off", "false"):
        return "no"
    return "accept-new" if value == "accept-new" else "yes"


def _names(value: str) -> tuple[str, ...]:
    # A leading +, - or ^ changes a default that only OpenSSH knows.
    return tuple(value.split(",")) if value and value[0] not in "+-^" else ()


def _split_files(value: str) -> list[str]:
    """Paths that ssh -G prints with spaces between; a path may hold spaces itself."""
    return [path for path in re.split(r" (?=[/~%$])", value) if path not in ("", "none")]


def _agent(value: str, token_values: Mapping[str, str]) -> str | None:
    if value == "none":
        return None
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK") or None
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:]) or None
    return _path(value, token_values)


def _path(value: str, token_values: Mapping[str, str]) -> str:
    return str(Path(substitute(value, token_values)).expanduser())

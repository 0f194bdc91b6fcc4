"""Resolves a destination by ssh_config.

OpenSSH's client answers if it is installed: ``ssh -G`` knows Match, Include, tokens and the
order of precedence, in 5 ms; one answer serves all hosts of which it says the same. Without
it, paramiko's parser answers. An option that paramiko cannot honour, and that changes which
host is trusted or reached, is an error that names connection `ssh`.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from nethygiene.errors import ConnectError
from nethygiene.transport import ssh_config_file
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.process import Bounds, Child, Ending
from nethygiene.transport.ssh_config_shared import Answer, for_destination, is_same_for_all
from nethygiene.transport.ssh_options import (
    SshOptions,
    SshQuery,
    client_arguments,
    config_error,
    expand,
    explicit_config,
)

_MAX_ANSWER = 1024 * 1024
_MAX_HOPS = 8

# Options that change which host is trusted or reached and that paramiko cannot honour, with their
# harmless values.
_BEYOND_US = {
    "revokedhostkeys": ("none",),
    "knownhostscommand": ("none",),
    "bindinterface": (),
    "proxyusefdpass": ("no", "false"),
}


def resolve(query: SshQuery, deadline: Deadline, *, for_client: bool = False) -> SshOptions:
    """The options of ssh_config for a destination.

    Args:
        query: the destination and its variables.
        deadline: that of OpenSSH's client.
        for_client: that client connects as well, and honours every option.

    Raises:
        ConnectError: ``ssh-config`` for a configuration that is wrong or beyond paramiko,
            ``name-resolution`` for a name that no host can have, ``timeout``.
    """
    if not re.fullmatch(
        r"[^-\s\x00-\x1f/\\'\"`$;&<>|(){}][^\s\x00-\x1f/\\'\"`$;&<>|(){}]*", query.destination
    ):
        raise ConnectError(
            "name-resolution",
            f"{query.destination!r} cannot be a host's name",
            "correct ansible_host in the inventory",
        )
    client = shutil.which("ssh")
    if client is None:
        answer: Answer = ssh_config_file.parse(query)
    else:
        answer = _ask_client(client, query, deadline)
    if not for_client:
        _refuse_beyond_us(query, answer)
    return expand(query, answer)


def _refuse_beyond_us(query: SshQuery, answer: Answer) -> None:
    for name, harmless in _BEYOND_US.items():
        value = answer.get(name, ("none",))[0]
        if name in answer and value.lower() not in harmless:
            raise config_error(
                query.destination,
                f"{name} {value} cannot be honoured by connection paramiko",
                "set ansible_connection: ssh for this host",
            )


# A query, the home directory and the state of the -F file.
_Key = tuple[SshQuery, str | None, str | None]
_ANSWERS: dict[_Key, Answer] = {}
# One answer for all hosts of a fleet, by the key without its destination.
_SHARED: dict[_Key, Future[Answer | None]] = {}
_LOCK = threading.Lock()


def _ask_client(client: str, query: SshQuery, deadline: Deadline) -> Answer:
    key = (query, os.environ.get("HOME"), _stamp(query))
    answer = _ANSWERS.get(key)
    if answer is not None:
        return answer
    fleet = (dataclasses.replace(query, destination=""), *key[1:])
    first: Future[Answer | None] = Future()
    with _LOCK:
        shared = _SHARED.setdefault(fleet, first)
    if shared is first:
        common: Answer | None = None
        try:
            answer, complaints = _run_client(client, query, deadline)
            if is_same_for_all(query.destination, client_arguments(query), answer, complaints):
                common = answer
        finally:
            first.set_result(common)
    else:
        answer = for_destination(shared, query.destination, deadline.remaining())
        if answer is None:
            answer, _ = _run_client(client, query, deadline)
    _ANSWERS[key] = answer
    return answer


def _run_client(client: str, query: SshQuery, deadline: Deadline) -> tuple[Answer, str]:
    """The answer of ``ssh -G``, and its messages."""
    command = [client, "-v", "-T", "-G", *client_arguments(query), "--", query.destination]
    bounds = Bounds(deadline, _MAX_ANSWER, _MAX_ANSWER)
    try:
        # In its own session a program of `Match exec` cannot ask on our terminal.
        child = Child(command)
    except (OSError, ValueError) as error:
        raise config_error(
            query.destination, f"ssh cannot be run: {error}", "reinstall ssh"
        ) from None
    try:
        child.feed(b"")
        ending = child.pump(bounds)
        status = child.status(deadline)
    finally:
        child.end()
    if ending is Ending.DEADLINE:
        raise ConnectError(
            "timeout",
            f"`ssh -G {query.destination}` gave no answer within {deadline.seconds:g} s",
            "look for a slow `Match exec` or CanonicalizeHostname in ssh_config",
        )
    text = child.stdout.decode("utf-8", "surrogateescape")
    complaints = child.stderr.decode("utf-8", "surrogateescape")
    if status != 0 or not text:
        said = child.stderr.decode("utf-8", "replace").strip().splitlines()
        said = [line for line in said if not line.startswith(("debug", "OpenSSH_"))]
        problem = said[-1] if said else f"ssh -G ended with status {status}"
        raise config_error(
            query.destination,
            problem,
            "correct ssh_config, --ssh-config or ansible_ssh_common_args",
        )
    collected: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        collected.setdefault(name.lower(), []).append(value)
    return {name: tuple(values) for name, values in collected.items()}, complaints


def _stamp(query: SshQuery) -> str | None:
    """The state of the -F file, for the cache."""
    path = explicit_config(query)
    if path is None:
        return None
    try:
        state = Path(path).stat()
    except OSError:
        return None
    return f"{state.st_mtime_ns} {state.st_size} {state.st_ino}"


def split_hop(hop: str) -> tuple[str | None, str, int | None]:
    """User, host and port of one ProxyJump hop: ``[user@]host[:port]`` or ``ssh://…``.

    Raises:
        ConnectError: ``ssh-config``, for a hop that is none of these.
    """
    text = hop.removeprefix("ssh://").rstrip("/")
    user, _, place = text.rpartition("@")
    match = re.fullmatch(r"\[([^]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?", place)
    if match is None:
        raise config_error(hop, "not a jump host", "write ProxyJump as user@host:port")
    host = match[1] or match[3]
    port = match[2] or match[4]
    return user or None, host, int(port) if port else None


def jumps(
    options: SshOptions, identities: tuple[str, ...], deadline: Deadline, *, for_client: bool
) -> list[tuple[SshQuery, SshOptions]]:
    """The jump hosts on the way to a destination, the nearest to it first.

    Args:
        options: the destination's.
        identities: key files that the command line names for all hosts.
        deadline: as for :func:`resolve`.
        for_client: as for :func:`resolve`.

    Raises:
        ConnectError: as :func:`resolve`, and ``ssh-config`` for hosts that lead to each other.
    """
    jump_hosts: list[tuple[SshQuery, SshOptions]] = []
    current = options
    while current.proxy_jump:
        asked = jump_query(current.proxy_jump, options.config, identities)
        if any(asked == earlier for earlier, _ in jump_hosts) or len(jump_hosts) == _MAX_HOPS:
            raise config_error(
                options.destination,
                f"its jump hosts lead in a circle, by way of {asked.destination}",
                "look for a ProxyJump that leads back to itself; write ProxyJump none there",
            )
        current = resolve(asked, deadline, for_client=for_client)
        jump_hosts.append((asked, current))
    return jump_hosts


def jump_query(hops: Sequence[str], config: str | None, identities: tuple[str, ...]) -> SshQuery:
    """The query for the last of some hops, by way of the hops before it.

    As in OpenSSH, it inherits the -F file and none of the -o options.
    """
    user, host, port = split_hop(hops[-1])
    before = ("-J", ",".join(hops[:-1])) if len(hops) > 1 else ()
    return SshQuery(host, port, user, before, config, identities)

"""Connections `docker`, `podman` and `kubectl`: their ``exec``, under our bounds.

The arguments follow Testinfra's own backends of these names; those have neither a
deadline nor a cap. An address is Testinfra's container specification: ``[user@]name``
for docker and podman, ``pod[?namespace=…&container=…&context=…&kubeconfig=…]`` for
kubectl, which cannot choose a user.

A container tool that is killed at a deadline does not end the command inside the container.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Sequence

from nethygiene.errors import ConnectError
from nethygiene.inventory.target import Target
from nethygiene.transport.base import ConnectSettings
from nethygiene.transport.deadline import Deadline
from nethygiene.transport.prepared_shell import Ended, PreparedShell, ShellConnection

_KUBECTL_QUERY = {
    "namespace": "--namespace",
    "container": "--container",
    "context": "--context",
    "kubeconfig": "--kubeconfig",
}

# A pattern in what the tools print, the code it means, and the cure.
_CAUSES = (
    (r"no such container|not found|no container with", "name-resolution", "correct ansible_host"),
    (r"is not running|is paused|not in running state|unable to upgrade", "refused", "start it"),
    (
        r"permission denied|forbidden|unauthorized|must be logged in",
        "authentication",
        "let this user use {tool}, or run as one who may",
    ),
    (
        r"cannot connect|connection refused|connection to the server|daemon running",
        "refused",
        "start {tool}'s service, or correct its context",
    ),
    (
        r"executable file not found|no such file|unable to find user|oci runtime",
        "exec-denied",
        "the container needs /bin/sh and the user that ansible_user names",
    ),
)


def exec_arguments(target: Target) -> list[str]:
    """The tool's arguments before the command to run.

    Raises:
        ConnectError: ``name-resolution`` for a kubectl query that is not understood.
    """
    if target.kind == "kubectl":
        name, _, query = target.address.partition("?")
        options: list[str] = []
        for key, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            if key not in _KUBECTL_QUERY:
                raise ConnectError(
                    "name-resolution",
                    f"kubectl address {target.address!r} has the unknown part {key!r}",
                    f"use only {', '.join(_KUBECTL_QUERY)}",
                )
            options.append(f"{_KUBECTL_QUERY[key]}={value}")
        return ["kubectl", *options, "exec", "-i", _checked(name), "--"]
    user, separator, name = target.address.rpartition("@")
    chosen = user if separator else target.user
    options = ["-u", chosen] if chosen else []
    return [target.kind, "exec", "-i", *options, _checked(name)]


def _checked(name: str) -> str:
    if not name or name.startswith("-"):
        raise ConnectError(
            "name-resolution",
            f"{name!r} cannot be a container's name",
            "set ansible_host to the container's name",
        )
    return name


def open_container(target: Target, settings: ConnectSettings) -> ShellConnection:
    """A shell in a running container.

    Raises:
        ConnectError: the tool is missing, or reports why it fails.
    """
    prefix = exec_arguments(target)

    def arguments(command: Sequence[str]) -> Sequence[str]:
        return [*prefix, *command]

    def start(deadline: Deadline) -> PreparedShell:
        try:
            return PreparedShell.start(arguments, deadline, _explainer(target, deadline))
        except (OSError, ValueError) as error:
            raise ConnectError(
                "exec-denied",
                f"{target.kind} cannot be started: {error}",
                f"install {target.kind} and put it on PATH",
            ) from None

    connection = ShellConnection(f"{target.kind}:{target.address}", settings, start)
    connection.prepare(start(Deadline.after(settings.connect_timeout)))
    return connection


def _explainer(target: Target, deadline: Deadline) -> Callable[[Ended], ConnectError]:
    where = f"{target.kind} exec {target.address}"

    def explain(ended: Ended) -> ConnectError:
        if ended.timed_out:
            return ConnectError(
                "timeout",
                f"{where}: no shell within {deadline.seconds:g} s",
                "see whether the container answers, or raise --connect-timeout",
            )
        said = ended.stderr.strip() or ended.stdout.strip()
        line = said.splitlines()[-1] if said else f"ended with status {ended.status}"
        for pattern, code, cure in _CAUSES:
            if re.search(pattern, said, re.IGNORECASE):
                return ConnectError(code, f"{where}: {line}", cure.format(tool=target.kind))
        return ConnectError("exec-denied", f"{where}: {line}", f"try: {where} /bin/sh")

    return explain

"""Ways to a host: verified, bounded, and closed again.

See :mod:`nethygiene.transport.base` for the contract that every kind keeps.
"""

from __future__ import annotations

from nethygiene.inventory.target import Target
from nethygiene.transport.backend import CommandCutError, testinfra_host
from nethygiene.transport.base import Connection, ConnectSettings, Output
from nethygiene.transport.containers import open_container
from nethygiene.transport.deadline import abandon_all, restore_deadlines
from nethygiene.transport.local import open_local
from nethygiene.transport.openssh import open_openssh
from nethygiene.transport.paramiko_connection import open_paramiko
from nethygiene.transport.process import kill_all
from nethygiene.transport.route import close_shared_connections

__all__ = [
    "CommandCutError",
    "ConnectSettings",
    "Connection",
    "Output",
    "abandon_all",
    "close_shared_connections",
    "kill_all",
    "open_connection",
    "restore_deadlines",
    "testinfra_host",
]


def open_connection(target: Target, settings: ConnectSettings) -> Connection:
    """Connect to a host in the way that its `ansible_connection` says.

    Raises:
        ConnectError: it cannot be reached, or not be trusted.
    """
    match target.kind:
        case "paramiko":
            return open_paramiko(target, settings)
        case "ssh":
            return open_openssh(target, settings)
        case "local":
            return open_local(settings)
        case "docker" | "podman" | "kubectl":
            return open_container(target, settings)

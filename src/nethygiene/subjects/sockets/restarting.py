"""Whom to restart so that a socket is opened anew: remedies that name a service or its unit."""

from __future__ import annotations

from collections.abc import Sequence

from nethygiene.engine.remedies import command, paragraphs, word
from nethygiene.inventory.policy import Service
from nethygiene.subjects.sockets.listener_owners import Owner
from nethygiene.subjects.sockets.listeners import Listener


def restart_service(service: Service) -> str:
    """Whom to restart, where no process is known: as in "Then restart the service shop"."""
    return f"restart the service {service.name} (port {service.port})"


def restart_listener(listener: Listener, processes: Sequence[Owner], service: Service) -> str:
    """The paragraph that says whom to restart, with the command where it is a unit of systemd.

    Args:
        listener: the socket.
        processes: its processes; empty where they could not be seen.
        service: the service that declares its port.
    """
    unit = listener.unit.removesuffix(".service")
    if unit and (typed := command(f"systemctl restart {word(unit)}")):
        return paragraphs(f"Then restart {unit}; a reload does not listen anew:", typed)
    who = f"restart {' and '.join(map(str, processes))}" if processes else restart_service(service)
    return f"Then {who}; a reload does not listen anew."

"""Remedies that restart a service or its unit, so that it opens its socket again."""

from __future__ import annotations

from collections.abc import Sequence

from nethygiene.engine.remedies import command, paragraphs, word
from nethygiene.inventory.policy import Service
from nethygiene.subjects.sockets.listener_owners import Owner
from nethygiene.subjects.sockets.listeners import Listener


def restart_service(service: Service) -> str:
    """Part of a sentence, for an unknown process: "restart the service shop (port 443)"."""
    return f"restart the service {service.name} (port {service.port})"


def restart_listener(listener: Listener, processes: Sequence[Owner], service: Service) -> str:
    """The paragraph on what to restart, with the command if it is a unit of systemd.

    Args:
        listener: the socket.
        processes: its processes; empty if they could not be seen.
        service: the service that declares its port.
    """
    unit = listener.unit.removesuffix(".service")
    if unit and (typed := command(f"systemctl restart {word(unit)}")):
        return paragraphs(f"Then restart {unit}; a reload keeps the old socket:", typed)
    who = f"restart {' and '.join(map(str, processes))}" if processes else restart_service(service)
    return f"Then {who}; a reload keeps the old socket."

"""Connections left open after collection, so that `host` in users' checks needs no second one."""

from __future__ import annotations

import threading

from nethygiene.transport.base import Connection

_lock = threading.Lock()
_kept: dict[str, Connection] = {}


def keep(host: str, connection: Connection) -> None:
    """Leave the connection of `host` open until :func:`close_kept`."""
    with _lock:
        previous = _kept.pop(host, None)
        _kept[host] = connection
    if previous is not None:
        previous.close()


def kept_connection(host: str) -> Connection | None:
    """The connection that collection left open for `host`, if it did."""
    with _lock:
        return _kept.get(host)


def close_kept() -> None:
    """Close all of them."""
    with _lock:
        connections = list(_kept.values())
        _kept.clear()
    for connection in connections:
        connection.close()

"""Comparing port forwards, however they are spelt."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from nethygiene.inventory.forward import Forward, parse_forward

Key = tuple[object, ...]


def forward_key(forward: Forward) -> Key:
    """What makes two forwards the same: without an address ssh listens on localhost."""
    bind = (forward.bind_address or "localhost").lower()
    host = forward.host.lower() if forward.host else None
    if forward.listen_socket is not None:
        bind = ""
    return (
        bind,
        forward.port,
        forward.listen_socket,
        host,
        forward.host_port,
        forward.host_socket,
    )


def includes(forwards: Iterable[Forward], wanted: Iterable[Forward]) -> bool:
    """Whether all of `wanted` are among `forwards`."""
    return {forward_key(one) for one in wanted} <= {forward_key(one) for one in forwards}


def configured_forwards(
    values: Iterable[str], side: Literal["local", "remote"]
) -> tuple[Forward, ...]:
    """The forwards that ``ssh -G`` prints: ``[127.0.0.1]:19922 [localhost]:22``."""
    found = []
    for value in values:
        try:
            found.append(parse_forward(":".join(value.split()), side))
        except ValueError:
            continue  # one that no inventory could declare either
    return tuple(found)

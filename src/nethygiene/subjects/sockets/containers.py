"""Sockets that hand each connection to a container, which is another network namespace."""

from __future__ import annotations

from nethygiene.subjects.sockets.listener_owners import ListenerOwners, Owner

_PROXIES = frozenset(
    {"docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2", "gvproxy"}
)


def container_proxies(listener_owners: ListenerOwners, port: int) -> tuple[Owner, ...]:
    """The processes that hand a port to a container."""
    return tuple(owner for owner in listener_owners.of(port) if owner.name in _PROXIES)

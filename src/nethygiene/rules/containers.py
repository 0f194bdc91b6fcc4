"""Sockets that hand each connection to a container, which is another network namespace."""

from __future__ import annotations

from nethygiene.probes.listener_owners import ListenerOwners

_PROXIES = frozenset(
    {"docker-proxy", "rootlessport", "rootlesskit", "slirp4netns", "pasta", "pasta.avx2", "gvproxy"}
)


def container_proxies(listener_owners: ListenerOwners, port: int) -> tuple[str, ...]:
    """The processes that hand a port to a container, as ``docker-proxy (pid 9)``."""
    return tuple(one for one in listener_owners.of(port) if one.partition(" ")[0] in _PROXIES)


__all__ = ["container_proxies"]

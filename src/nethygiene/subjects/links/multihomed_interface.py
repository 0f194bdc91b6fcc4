"""The items of rules that judge each interface of a host with several of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nethygiene.engine.finder import finder
from nethygiene.subjects.links.interfaces import Interfaces


@dataclass(frozen=True, slots=True)
class MultihomedInterface:
    """One interface of a host that has IPv4 addresses on several."""

    name: str


def multihomed_interface(interfaces: Interfaces) -> Iterator[MultihomedInterface]:
    """Each up, non-loopback interface with an IPv4 address, if there are two or more.

    Only IPv4 counts, since the kernel has no reverse path filter of its own for IPv6.
    """
    names = [
        interface.name
        for interface in interfaces
        if interface.is_up
        and not interface.is_loopback
        and any(ip.version == 4 for ip in interface.addresses)
    ]
    if len(names) > 1:
        yield from (MultihomedInterface(name) for name in names)


FINDER = finder(
    multihomed_interface, "no two interfaces besides loopback are up with an IPv4 address"
)

"""The items of rules that judge an interface in each family in which it has an address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from nethygiene.engine.finder import finder
from nethygiene.subjects.links.interfaces import Interfaces


@dataclass(frozen=True, slots=True)
class InterfaceFamily:
    """An interface that is up, in one family in which it has an address that can be reached.

    Attributes:
        interface: its name.
        family: ``ipv4`` or ``ipv6``.
    """

    interface: str
    family: Literal["ipv4", "ipv6"]

    @property
    def name(self) -> str:
        """The item's name in results: ``eth0/ipv4``."""
        return f"{self.interface}/{self.family}"


def interface_family(interfaces: Interfaces) -> Iterator[InterfaceFamily]:
    """Each up, non-loopback interface, once for each family with a non-link-local address."""
    for interface in interfaces:
        if interface.is_up and not interface.is_loopback:
            versions = {
                address.version for address in interface.addresses if not address.is_link_local
            }
            if 4 in versions:
                yield InterfaceFamily(interface.name, "ipv4")
            if 6 in versions:
                yield InterfaceFamily(interface.name, "ipv6")


FINDER = finder(interface_family, "no interface besides loopback is up and has an address")

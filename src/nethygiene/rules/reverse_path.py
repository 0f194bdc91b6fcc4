"""Reverse path filtering: packets that come in by another way than answers would go out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nethygiene.probes.interfaces import Interfaces
from nethygiene.probes.sysctl import Sysctls

MODES = {0: "disabled", 1: "strict", 2: "loose"}


@dataclass(frozen=True, slots=True)
class MultihomedInterface:
    """One interface of a host that has IPv4 addresses on several."""

    name: str


def multihomed_interface(interfaces: Interfaces) -> Iterator[MultihomedInterface]:
    """Each up, non-loopback interface with an IPv4 address, where there are two or more.

    IPv4, since the kernel has no reverse path filter of its own for IPv6.
    """
    found = [
        one.name
        for one in interfaces
        if one.is_up and not one.is_loopback and any(ip.version == 4 for ip in one.addresses)
    ]
    if len(found) > 1:
        yield from (MultihomedInterface(name) for name in found)


def reverse_path_filter(sysctl: Sysctls, interface: MultihomedInterface) -> str:
    """What the filter of an interface comes to: ``disabled``, ``strict`` or ``loose``.

    The larger of ``all`` and the interface's own value counts (IN_DEV_RPFILTER in
    include/linux/inetdevice.h), so that all=1 with 0 on the interface is strict.
    """
    # sysctl(8) writes the dots in an interface's name as slashes.
    own = sysctl[f"net.ipv4.conf.{interface.name.replace('.', '/')}.rp_filter"]
    mode = max(own, sysctl["net.ipv4.conf.all.rp_filter"])
    return MODES.get(mode, f"undocumented ({mode})")

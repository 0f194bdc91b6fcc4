"""The address that the kernel puts into packets which nobody gave one: the host's own choice.

IPv4 takes the first address of the interface that is not secondary, rather one of the gateway's
network (inet_select_addr). IPv6 weighs its addresses (RFC 6724, __ipv6_dev_get_saddr); where more
than one of them weighs most, the choice cannot be told. (Linux 6.18.)
"""

from __future__ import annotations

from nethygiene.subjects.filter.model.addresses import Intervals, holds
from nethygiene.subjects.filter.model.links import Links
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.links.ip.addresses import LinkAddress
from nethygiene.subjects.links.ip.families import Family

_UNIQUE_LOCAL: Intervals = ((0xFC << 120, (0xFE << 120) - 1),)
_USELESS = frozenset({"dadfailed", "tentative", "deprecated"})


def chosen_source(
    links: Links, family: Family, device: str, toward: int | None, *, on_link: bool
) -> int | None:
    """The address that the host chooses; None where it cannot be told.

    Args:
        links: its interfaces.
        family: of the packet.
        device: the interface that the packet leaves by.
        toward: of IPv4 the next hop, None to take the first address; of IPv6 the destination.
        on_link: addresses that are for the link alone will do: a route without a gateway.
    """
    listed = links.sources.get((device, family), ())
    if family == "ipv4":
        return _first(listed, toward, on_link=on_link)
    return None if toward is None else _weighed(listed, toward)


def _first(listed: tuple[LinkAddress, ...], toward: int | None, *, on_link: bool) -> int | None:
    fit = [
        address
        for address in listed
        if "secondary" not in address.words
        if "global" in address.words or (on_link and "link" in address.words)
    ]
    for address in fit:
        network = address.interface.network
        if toward is not None and toward in range(
            int(network.network_address), int(network.broadcast_address) + 1
        ):
            return int(address.interface.ip)
    return int(fit[0].interface.ip) if fit else None


def _weighed(listed: tuple[LinkAddress, ...], destination: int) -> int | None:
    near = _is_link_local(destination)
    weights: dict[int, tuple[bool, int]] = {}
    for address in listed:
        number = int(address.interface.ip)
        # A temporary address is preferred by use_tempaddr, which is not read.
        if _USELESS & address.words or holds(LINK_LOCAL["ipv6"], number) is not near:
            continue
        if "temporary" in address.words:
            return None
        alike = holds(_UNIQUE_LOCAL, number) is holds(_UNIQUE_LOCAL, destination)
        length = 128 - (number ^ destination).bit_length()
        weights[number] = alike, min(length, address.interface.network.prefixlen)
    most = max(weights.values(), default=None)
    best = [number for number, weight in weights.items() if weight == most]
    return best[0] if len(best) == 1 else None


def _is_link_local(destination: int) -> bool:
    """Whether it is an address of a link, or of a group on a link."""
    group = destination >> 120 == 0xFF and destination >> 112 & 0xF in {1, 2}
    return group or holds(LINK_LOCAL["ipv6"], destination)

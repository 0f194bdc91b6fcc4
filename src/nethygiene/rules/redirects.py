"""Whether an interface accepts ICMP redirects: not what one setting says, but what they come to."""

from __future__ import annotations

from nethygiene.probes.interfaces import Interfaces
from nethygiene.probes.sysctl import Sysctls
from nethygiene.rules.items import InterfaceFamily, interface_family
from nethygiene.rules.remedies import paragraphs, set_sysctls

_EVERYWHERE = ("all", "default")


def is_forwarding(sysctl: Sysctls, place: InterfaceFamily) -> bool:
    """Whether the interface forwards packets of that family, as a router does."""
    return sysctl[_key(place, "forwarding")] != 0


def accepts_redirects(sysctl: Sysctls, place: InterfaceFamily) -> bool:
    """Whether the kernel follows an ICMP redirect that arrives on the interface.

    IPv4 (IN_DEV_RX_REDIRECTS in include/linux/inetdevice.h): a host accepts when ``all`` *or*
    the interface says so, a forwarding interface only when ``all`` *and* the interface do.
    IPv6 (accept_redirects in net/ipv6/route.c): the interface alone decides, ``all`` is not
    asked, and a forwarding interface never accepts. Both tried on Linux 6.18.
    """
    forwarding = is_forwarding(sysctl, place)
    own = sysctl[_key(place, "accept_redirects")] != 0
    if place.family == "ipv6":
        return own and not forwarding
    everywhere = sysctl["net.ipv4.conf.all.accept_redirects"] != 0
    return (own and everywhere) if forwarding else (own or everywhere)


def _key(place: InterfaceFamily, name: str) -> str:
    # sysctl(8) writes the dots in an interface's name as slashes.
    return f"net.{place.family}.conf.{place.interface.replace('.', '/')}.{name}"


def families_refusing_redirects(sysctl: Sysctls, interfaces: Interfaces) -> tuple[str, ...]:
    """The families in which some interface that does not forward refuses redirects, sorted."""
    places = [place for place in interface_family(interfaces) if not is_forwarding(sysctl, place)]
    return tuple(sorted({one.family for one in places if not accepts_redirects(sysctl, one)}))


def treat_redirects(wanted: str, sysctl: Sysctls, place: InterfaceFamily, *, declared: bool) -> str:
    """The remedy of an interface that does not treat redirects as wanted.

    `default` is set along: an interface that comes later shall do the same.
    """
    value = 1 if wanted == "accept" else 0
    every, default = (f"net.{place.family}.conf.{one}.accept_redirects" for one in _EVERYWHERE)
    values = {every: value, default: value, _key(place, "accept_redirects"): value}
    if place.family == "ipv6":
        del values[every]  # The kernel does not ask it there.
    meant = "" if declared else ", or declare `icmp_redirects: refuse` where that is meant"
    if value and place.family == "ipv6" and is_forwarding(sysctl, place):
        return (
            "An interface that forwards never accepts redirects in IPv6: have it forward no more, "
            "or declare `icmp_redirects: refuse`."
        )
    return paragraphs(
        f"{wanted.capitalize()} redirects now and for good{meant}.", set_sysctls(values)
    )

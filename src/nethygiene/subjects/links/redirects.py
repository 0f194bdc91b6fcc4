"""Whether an interface accepts ICMP redirects, as all settings together decide."""

from __future__ import annotations

from nethygiene.engine.remedies import command, paragraphs, set_sysctls, word
from nethygiene.subjects.kernel.counters import Change
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interface_family import InterfaceFamily, interface_family
from nethygiene.subjects.links.interfaces import Interfaces

_EVERYWHERE = ("all", "default")


def is_forwarding(sysctl: Sysctls, place: InterfaceFamily) -> bool:
    """Whether the interface forwards packets of that family, as a router does."""
    return sysctl[_key(place, "forwarding")] != 0


def accepts_redirects(sysctl: Sysctls, place: InterfaceFamily) -> bool:
    """Whether the kernel follows an ICMP redirect that arrives on the interface.

    In IPv4 (IN_DEV_RX_REDIRECTS in include/linux/inetdevice.h) a host accepts if ``all`` *or* the
    interface says so, a forwarding interface only if ``all`` *and* the interface do. In IPv6
    (accept_redirects in net/ipv6/route.c) the interface alone decides, not ``all``, and a
    forwarding interface never accepts. Both were tried on Linux 6.18.
    """
    forwarding = is_forwarding(sysctl, place)
    own = sysctl[_key(place, "accept_redirects")] != 0
    if place.family == "ipv6":
        return own and not forwarding
    everywhere = sysctl["net.ipv4.conf.all.accept_redirects"] != 0
    return (own and everywhere) if forwarding else (own or everywhere)


def treatment_of_redirects(sysctl: Sysctls, place: InterfaceFamily) -> str:
    """``accept``, ``refuse``, or between them: accept redirects to default gateways alone.

    With ``shared_media`` off, IPv4 reads ``secure_redirects``. If that is on, it accepts only the
    gateway of a default route (__ip_do_redirect() in net/ipv4/route.c). For both settings, ``all``
    *or* the interface counts.
    """
    if not accepts_redirects(sysctl, place):
        return "refuse"
    alone = place.family == "ipv4" and not _either(sysctl, place, "shared_media")
    if alone and _either(sysctl, place, "secure_redirects"):
        return TO_DEFAULT_GATEWAYS
    return "accept"


TO_DEFAULT_GATEWAYS = "accept to default gateways alone (shared_media is off)"


def _either(sysctl: Sysctls, place: InterfaceFamily, setting: str) -> bool:
    everywhere = sysctl[f"net.ipv4.conf.all.{setting}"] != 0
    return everywhere or sysctl[_key(place, setting)] != 0


def _key(place: InterfaceFamily, name: str) -> str:
    # sysctl(8) writes the dots in an interface's name as slashes.
    return f"net.{place.family}.conf.{place.interface.replace('.', '/')}.{name}"


def treatments_by_family(sysctl: Sysctls, interfaces: Interfaces) -> dict[str, set[str]]:
    """How interfaces that do not forward treat redirects, for families that ignore some."""
    treatments: dict[str, set[str]] = {}
    for place in interface_family(interfaces):
        if not is_forwarding(sysctl, place):
            treatments.setdefault(place.family, set()).add(treatment_of_redirects(sysctl, place))
    return {family: ways for family, ways in sorted(treatments.items()) if ways != {"accept"}}


def treat_redirects(
    treatment: str, sysctl: Sysctls, place: InterfaceFamily, *, declared: bool
) -> str:
    """The remedy of an interface that does not treat redirects as the policy says.

    It also sets `default`, so that later interfaces do the same.
    """
    value = 1 if treatment == "accept" else 0
    every, default = (f"net.{place.family}.conf.{whom}.accept_redirects" for whom in _EVERYWHERE)
    values = {every: value, default: value, _key(place, "accept_redirects"): value}
    if place.family == "ipv6":
        del values[every]  # the IPv6 code does not read it
    elif value and treatment_of_redirects(sysctl, place) == TO_DEFAULT_GATEWAYS:
        values["net.ipv4.conf.all.shared_media"] = 1
    meant = "" if declared else ", or declare `icmp_redirects: refuse` where that is meant"
    if value and place.family == "ipv6" and is_forwarding(sysctl, place):
        return (
            "An interface that forwards never accepts redirects in IPv6: have it forward no more, "
            "or declare `icmp_redirects: refuse`."
        )
    return paragraphs(
        f"{treatment.capitalize()} redirects now and for good{meant}.", set_sysctls(values)
    )


def after_redirects(family: str, change: Change) -> str:
    """The remedy of ignored redirects: the route, and how to count only later redirects."""
    kinds = "icmp[icmptype] == icmp-redirect" if family == "ipv4" else "icmp6 and ip6[40] == 137"
    seen = "The gateway repeats itself just now" if change.delta else "None came in the window"
    return paragraphs(
        f"{seen}. The redirect names the destination and the gateway to use for it; give the host "
        "that route in its network configuration.",
        command(f"tcpdump -nvi any {word(kinds)}"),
        "The counter goes back to 0 with the next boot alone: until then keep a run's evidence "
        "after the change (`--evidence=after.jsonl`), and judge by what is counted since "
        "(`--since=after.jsonl`).",
    )

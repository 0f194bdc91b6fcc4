"""The steps by which a host forwards packets of others."""

from __future__ import annotations

from collections.abc import Iterator

from nethygiene.engine.expect import unknown
from nethygiene.engine.remedies import paragraphs, set_sysctls
from nethygiene.subjects.filter.crossing import Crossing, CrossingConnection
from nethygiene.subjects.links.ip.families import Family
from nethygiene.subjects.paths.filters import filter_step
from nethygiene.subjects.paths.links_between import LinkEnd
from nethygiene.subjects.paths.run_facts import RunFacts
from nethygiene.subjects.paths.steps import Step

_ON: dict[Family, str] = {"ipv4": "net.ipv4.ip_forward", "ipv6": "net.ipv6.conf.all.forwarding"}


def forwards(
    facts: RunFacts, port: LinkEnd, crossing: Crossing, connection: CrossingConnection, of: str = ""
) -> Iterator[Step]:
    """The steps by which a host forwards packets that came in by a port.

    Args:
        facts: of the run.
        port: by which they came in.
        crossing: what its packet filter does with them.
        connection: as the rules of its forward hook see it.
        of: which packets, for the steps' names: empty for the first one, or ``for the answer``.
    """
    host, family = port.host, connection.family
    what = f"forwarding from {port.interface}{f' {of}' if of else ''}"
    on = facts.sysctls.of(host)[_setting(port.interface, family)]
    if not on:
        remedy = paragraphs(f"On {host}, forward {family}:", set_sysctls({_ON[family]: 1}))
        yield Step(host, what, "off", False, "on", "a gateway has to forward", remedy)
        return
    yield Step(host, what, "on", expected="on")
    if crossing.passes is False and "does not forward" in crossing.why:
        # It forwards on this interface alone, which the filter's model does not know.
        unknown(f"{host}: {what} is on, though it is off for all interfaces")
    packet_filter = facts.filters.of(host)
    name = f"forward filter{f' {of}' if of else ''}"
    yield filter_step(host, name, packet_filter, crossing, connection)


def _setting(interface: str, family: Family) -> str:
    """The sysctl that decides: IPv4's own of each interface, IPv6's of all (Linux 6.18)."""
    if family == "ipv6":
        return _ON[family]
    return f"net.ipv4.conf.{interface.replace('.', '/')}.forwarding"

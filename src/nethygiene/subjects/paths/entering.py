"""What a host does with packets as they come in: its link, and its reverse path filter."""

from __future__ import annotations

from collections.abc import Iterator

from nethygiene.engine.expect import unknown
from nethygiene.engine.remedies import paragraphs, set_sysctls
from nethygiene.subjects.filter.model.fields import NO_MARK
from nethygiene.subjects.links.reverse_path import MODES
from nethygiene.subjects.paths.links_between import LinkEnd
from nethygiene.subjects.paths.run_facts import Packets, RunFacts, address_of
from nethygiene.subjects.paths.steps import Step


def enters(facts: RunFacts, port: LinkEnd, packets: Packets, of: str = "") -> Iterator[Step]:
    """The steps by which packets come in.

    Args:
        facts: of the run.
        port: by which they come in.
        packets: as they are when the kernel routes them: after destination NAT.
        of: which packets, for the steps' names: empty for the first one, or ``for the answer``.
    """
    if program := facts.filters.of(port.host).model.links.programs(port.interface):
        unknown(f"{port.host}: {program}: what it does cannot be told")
    if (down := link_down(facts, port)) is not None:
        yield down
    if packets.family == "ipv4":
        yield _reverse_path(facts, port, packets, of)


def link_down(facts: RunFacts, port: LinkEnd) -> Step | None:
    """The step of a link that is down; None if it is up."""
    state = facts.holders.states[port.host].get(port.interface)
    if state is None or (state.is_up and state.has_carrier):
        return None
    why = "set down" if not state.is_up else "without carrier"
    # It is read again, so that the step has a source.
    list(facts.interfaces.of(port.host))
    hint = "nothing comes through it"
    return Step(port.host, f"link of {port.interface}", why, False, "up", hint)


def _reverse_path(facts: RunFacts, port: LinkEnd, packets: Packets, of: str) -> Step:
    """IPv4's check that answers would leave by the interface that a packet came in by.

    The larger of `all` and the interface's own value counts. Strict asks for that interface, loose
    for any route (fib_validate_source in net/ipv4/fib_frontend.c, Linux 6.18).
    """
    host, name = port.host, port.interface
    sysctl = facts.sysctls.of(host)
    own = f"net.ipv4.conf.{name.replace('.', '/')}.rp_filter"
    mode = max(sysctl["net.ipv4.conf.all.rp_filter"], sysctl[own])
    what = f"reverse path filter on {name}{f' {of}' if of else ''}"
    told = MODES.get(mode, str(mode))
    if mode == 0:
        return Step(host, what, told)
    source = address_of(packets.source, "ipv4")
    routes = facts.filters.of(host).model.routes
    way = routes.way("ipv4", packets.source, packets.destination, NO_MARK)
    good = bool(way.devices) and (mode != 1 or name in way.devices)
    # With src_valid_mark, as WireGuard's wg-quick sets it, the mark of the packet decides too.
    marked = not good and any(rule.mark is not None for rule in routes.rules.get("ipv4", ()))
    if not way.certain or way.perhaps_none or marked:
        unknown(f"{host}: {what} is {told}, and its routing rules leave open where {source} is")
    if good:
        return Step(host, what, f"{told}, and the way back to {source} fits")
    back = f"by {' and '.join(sorted(way.devices))}" if way.devices else "nowhere"
    packet = "answer" if of else "SYN"
    why = f"dropped, since the way back to {source} leads {back} and the filter is {told}"
    hint = "let it be loose (2), or route answers back by the interface that packets come in by"
    remedy = _loosened(host, own, mode, way.devices, source)
    return Step(host, f"the {packet} at the {what}", why, False, hint=hint, remedy=remedy)


def _loosened(host: str, own: str, mode: int, back: frozenset[str], source: object) -> str:
    if not back:
        return f"Give {host} a route to {source}, or its answers get nowhere either."
    if mode == 1:
        return paragraphs(f"On {host}, let the filter be loose:", set_sysctls({own: 2}))
    return ""

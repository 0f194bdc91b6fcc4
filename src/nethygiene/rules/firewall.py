"""Whether connections get through the packet filter: what the two firewall rules ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_

from nethygiene.facts.packet_filter import FAMILIES, PacketFilter, Path
from nethygiene.firewall.addresses import (
    Family,
    Intervals,
    everything,
    family_of,
    interval_of,
    merged,
    parse_address,
    without,
    written,
)
from nethygiene.firewall.verdict import Judgement
from nethygiene.inventory.policy import BlockedPort, Service
from nethygiene.outcomes import Reason
from nethygiene.probes.listeners import Listener, Listeners
from nethygiene.rules.expect import not_applicable, unknown

NOT_SEEN = "this host's own filter; a cloud's security groups are not seen"


@dataclass(frozen=True, slots=True)
class Passage:
    """What becomes of the connections by one path.

    Attributes:
        path: the way in.
        judgement: of all classes of sources.
        label: for messages, as ``any over eth0 (ipv4)``.
        whole: the sources are `any`: those that a banning program drops do not count.
        counted: the classes that matter: where nothing listens, those that NAT takes elsewhere.
    """

    path: Path
    judgement: Judgement
    label: str
    whole: bool
    counted: int

    def example(self, mask: int) -> str:
        """Addresses of these classes, for messages."""
        found = self.judgement.classes.first_stretch(mask, self.path.sources)
        low, high = found or self.path.sources[0]
        family = self.path.family
        first = written(low, family)
        return first if low == high else f"{first}-{written(high, family)}"


def networks(sources: Iterable[object], family: Family) -> Intervals:
    """Declared sources as intervals; ``any`` is all."""
    found = []
    for one in sources:
        if one == "any":
            return everything(family)
        version = getattr(one, "version", 0)
        if version and family_of(version) == family:
            found.append(interval_of(one))  # type: ignore[arg-type]
    return merged(found)


def served_addresses(
    packet_filter: PacketFilter, family: Family, sockets: Iterable[Listener]
) -> frozenset[int]:
    """The host's own addresses at which one of these sockets answers connections from elsewhere."""
    own = packet_filter.own_addresses(family)
    return frozenset(
        number for one in sockets for name, number in own if _answers(one, name, number, family)
    )


def _answers(socket: Listener, interface: str, address: int, family: Family) -> bool:
    if socket.device is not None and socket.device != interface:
        return False
    if socket.address == "*":
        return True
    parsed = parse_address(socket.address.removeprefix("::ffff:"))
    if parsed is None or parsed[1] != family:
        return False
    return parsed[0] in {0, address}


def service_passages(
    packet_filter: PacketFilter, listeners: Listeners, service: Service
) -> list[Passage]:
    """The ways by which the sources that a service declares come in, each judged.

    Ends the rule where there is nothing to judge, or where the port is not the host's own.
    """
    if not service.allow_from:
        not_applicable(f"service {service.name} declares no allow_from", Reason.NOT_DECLARED)
    if service.address == "loopback":
        not_applicable(f"service {service.name} is declared for loopback alone")
    sockets = listeners.on(service.port)
    found: list[Passage] = []
    packet_filter.observe("looked at", NOT_SEEN)
    diverted = packet_filter.diverts(service.port)
    for family in FAMILIES:
        local = served_addresses(packet_filter, family, sockets)
        if declared := parse_address(str(service.address)):
            local &= {declared[0]}
        whole = "any" in service.allow_from
        wanted = networks(service.allow_from, family)
        if whole:
            wanted = without(wanted, networks(service.deny_from, family), family)
        for path in packet_filter.paths(family, wanted, local, service.interface):
            _no_program_first(packet_filter, path)
            passage = _passage(packet_filter, path, service.port, whole=whole)
            packet_filter.observe(f"{passage.label} passes by", passing_rule(passage))
            found.append(passage)
        if not whole:
            _all_have_a_way(packet_filter, family, wanted, local, service.interface)
    if diverted:
        unknown(f"{diverted}: the service lives behind it")
    if not found:
        not_applicable(
            f"nothing listens on port {service.port} for other hosts in a family "
            "of which the host has an address and the sources"
        )
    return found


def _all_have_a_way(
    packet_filter: PacketFilter,
    family: Family,
    wanted: Intervals,
    local: frozenset[int],
    interface: str | None,
) -> None:
    """A declared source to which no route leads comes in by an interface that cannot be told."""
    if interface is not None or not local:
        return
    ways = [path.sources for path in packet_filter.paths(family, wanted, local, None)]
    reached = merged(one for each in ways for one in each)
    asked = packet_filter.other_hosts(family, wanted)
    if lost := without(asked, reached, family):
        low, high = lost[0]
        shown = written(low, family) + ("" if low == high else f"-{written(high, family)}")
        unknown(
            f"no route leads back to {shown}, so that its incoming interface "
            "cannot be told: declare the service's interface"
        )


def _no_program_first(packet_filter: PacketFilter, path: Path) -> None:
    if program := packet_filter.model.links.programs(path.interface):
        unknown(f"{program}: what it does cannot be told")


def _passage(
    packet_filter: PacketFilter, path: Path, port: int, *, whole: bool, ephemeral: bool = True
) -> Passage:
    judgement = packet_filter.judge(path, port, ephemeral=ephemeral)
    to = written(path.address, path.family)
    label = f"a connection by {path.interface or 'an interface'} to {to} port {port}"
    return Passage(path, judgement, label, whole, judgement.asked)


def what_passes(passage: Passage) -> str:
    """``accepted``, or who does not get through, by which rule. Undecided ends the rule."""
    judged = passage.judgement
    out = judged.surely_out
    if not passage.whole:
        out |= judged.asked & ~(judged.accepted | judged.forwarded)
    if out:
        event = judged.loss(out)
        verb = "rejected" if event and event.action.name == "REJECT" else "dropped"
        return f"{verb} from {passage.example(out)} by {event.rule if event else 'the filter'}"
    undecided = judged.undecided
    if passage.whole:
        # What only a ban may take is no doubt.
        undecided = judged.lost & (judged.accepted | judged.forwarded)
    if undecided:
        rule = judged.doubt(undecided)
        unknown(
            f"{passage.label}: from {passage.example(undecided)} it depends on what cannot be "
            f"told here: {rule}"
        )
    return "accepted"


def passing_rule(passage: Passage) -> str:
    """The rule that lets them in, and what a banning program drops meanwhile."""
    judged = passage.judgement
    event = judged.pass_by(judged.asked)
    said = str(event.rule) if event else "no rule: nothing filters"
    banned = judged.banned & ~(judged.accepted | judged.forwarded)
    if banned:
        said += f"; banned for now: {passage.example(banned)}"
    return said


def intrusions(
    packet_filter: PacketFilter, listeners: Listeners, blocked: BlockedPort
) -> Iterator[Passage]:
    """The ways in to a blocked port, from all but its exceptions; none where nothing takes it."""
    sockets = listeners.on(blocked.port)
    taken = bool(packet_filter.redirects(blocked.port))
    servers = packet_filter.virtual_servers(blocked.port)
    for family in FAMILIES:
        served = served_addresses(packet_filter, family, sockets)
        own = served
        if taken or servers:
            own = frozenset(number for _, number in packet_filter.own_addresses(family))
        wanted = without(everything(family), networks(blocked.except_, family), family)
        for path in packet_filter.paths(family, wanted, own, None):
            _no_program_first(packet_filter, path)
            passage = _passage(packet_filter, path, blocked.port, whole=False, ephemeral=False)
            if path.address not in served and not servers:
                events = passage.judgement.trace.translated
                passage = replace(passage, counted=reduce(or_, (one.mask for one in events), 0))
            yield passage


def who_gets_in(passage: Passage) -> str:
    """``nobody``, or who, by which rule. Undecided ends the rule."""
    judged = passage.judgement
    if inside := judged.surely_in & passage.counted:
        event = judged.pass_by(inside)
        return f"{passage.example(inside)} by {event.rule if event else 'no rule'}"
    if undecided := judged.undecided & passage.counted:
        unknown(
            f"{passage.label}: from {passage.example(undecided)} it depends on what "
            f"cannot be told here: {judged.doubt(undecided)}"
        )
    return "nobody"


__all__ = [
    "NOT_SEEN",
    "intrusions",
    "passing_rule",
    "service_passages",
    "what_passes",
    "who_gets_in",
]

"""What the model says of one connection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nethygiene.subjects.filter.crossing import CrossingConnection
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import holds, parse_address
from nethygiene.subjects.filter.model.fields import EPHEMERAL
from nethygiene.subjects.filter.model.paths import Path
from tests.lab.firewall.greeting import Attempt


@dataclass(frozen=True, slots=True)
class Said:
    """``open``, ``closed`` or ``unknown``, and why; ``either`` where both are right.

    Attributes:
        verdict: one of these.
        why: by which rule, or what the doubt is about.
        left: the connection as it leaves the target; None where nobody has asked.
    """

    verdict: str
    why: str
    left: CrossingConnection | None = None


def said(found: PacketFilter, attempt: Attempt) -> Said:
    """What becomes of a connection, by the fact that the firewall rules ask."""
    path = _path(found, attempt)
    if path is None:
        return Said("closed", "no way by which it comes in")
    ports = EPHEMERAL
    if attempt.sport:
        kinds = found.source_ports(attempt.family)
        ports = next(one for one in kinds if holds(one, attempt.sport))
    # This client says nothing before the greeting, and comes once: it gets in where ordinary
    # clients do, and does not where nobody does, however often he comes and whatever he sends.
    nobody = found.judge(path, attempt.port, ephemeral=False, ports=ports)
    if nobody.surely_out:
        event = nobody.loss(nobody.asked)
        return Said("closed", str(event.rule if event else None))
    judged = found.judge(path, attempt.port, ephemeral=True, ports=ports)
    if attempt.client.name == "box" and judged.forwarded:
        # NAT takes it back to where it is from: the container itself drops its own address.
        return Said("either", "the container connects to itself")
    if judged.surely_in:
        event = judged.pass_by(judged.asked)
        return Said("open", str(event.rule if event else None))
    for one in (judged, nobody):
        if one.undecided:
            return Said("unknown", str(one.doubt(one.asked)))
    return Said("either", "whoever insists gets in, ordinary clients do not")


def _path(found: PacketFilter, attempt: Attempt) -> Path | None:
    source, target = parse_address(attempt.source), parse_address(attempt.target)
    assert source is not None
    assert target is not None
    sources, family = ((source[0], source[0]),), attempt.family
    paths: Iterable[Path]
    if found.model.routes.is_local(family, target[0]):
        paths = found.paths(family, sources, {target[0]}, None)
    else:
        paths = found.ways_through(family, sources, target[0])
    here = (one for one in paths if one.interface in {attempt.client.interface, None})
    return next(here, None)

"""What the model says of one connection."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.facts.packet_filter import PacketFilter
from nethygiene.firewall.addresses import parse_address
from tests.lab.firewall.greeting import Attempt


@dataclass(frozen=True, slots=True)
class Said:
    """``open``, ``closed`` or ``unknown``, and why."""

    verdict: str
    why: str


def said(found: PacketFilter, attempt: Attempt) -> Said:
    """What becomes of a connection, by the fact that the firewall rules ask.

    A client of a port of its own choice is a client of any port: the model does not say that one
    gets in, but that some do, or none.
    """
    source, target = parse_address(attempt.source), parse_address(attempt.target)
    assert source is not None
    assert target is not None
    sources = ((source[0], source[0]),)
    paths = [
        path
        for path in found.paths(attempt.family, sources, frozenset({target[0]}), None)
        if path.interface in {attempt.client.interface, None}
    ]
    if not paths:
        return Said("closed", "no way by which it comes in")
    judged = found.judge(paths[0], attempt.port, ephemeral=not attempt.sport)
    if judged.surely_in:
        event = judged.pass_by(judged.asked)
        return Said("open", str(event.rule if event else None))
    if judged.undecided:
        return Said("unknown", str(judged.doubt(judged.asked)))
    event = judged.loss(judged.asked)
    return Said("closed", str(event.rule if event else None))

"""What the model says of a connection that the target opens, forwards, or answers for others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from nethygiene.subjects.filter.crossing import (
    Crossing,
    CrossingConnection,
    forwarded,
    opened,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import parse_address
from nethygiene.subjects.filter.model.fields import EPHEMERAL
from tests.lab.firewall.greeting import Attempt
from tests.lab.firewall.model import Said


class Where(Enum):
    """Where an address is, as the target sees it."""

    TARGET = ""
    OUTER = "eth0"
    FAR = "far"
    INNER = "eth1"
    BOX = "br0"


@dataclass(frozen=True, slots=True)
class Trial:
    """A connection, and what of it comes by the target.

    Attributes:
        attempt: the connection.
        kind: ``opened``, ``forwarded``, or ``answers``, of which the target sees nothing else.
    """

    attempt: Attempt
    kind: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where each address is; all others are nowhere."""

    at: dict[int, Where]

    def of(self, address: int | None, given: Where | None = None) -> Where | None:
        """Where an address is."""
        return given if address is None else self.at.get(address)


def said_of(found: PacketFilter, trial: Trial, places: Places) -> Said:
    """What becomes of a connection, by the crossing of this one host."""
    attempt = trial.attempt
    connection = CrossingConnection(
        attempt.family,
        number_of(attempt.source),
        number_of(attempt.target),
        attempt.port,
        ((attempt.sport, attempt.sport),) if attempt.sport else EPHEMERAL,
    )
    if trial.kind == "opened":
        crossing = opened(found, connection, speaks_first=False)
        to = places.of(crossing.connection.destination)
        side = "lo" if to is Where.TARGET else _side(to)
        beside = crossing.passes is not False and crossing.leaves_by != side
        return Said("either", "it leaves another way") if beside else _said(crossing)
    came_in = attempt.client.interface
    if trial.kind == "answers" and attempt.client.name == "far":
        return _said(
            forwarded(found, connection, came_in, "eth0", directions="answer", speaks_first=False)
        )
    return _forwarded(found, connection, came_in, places)


def _forwarded(
    found: PacketFilter, connection: CrossingConnection, came_in: str, places: Places
) -> Said:
    syn = forwarded(found, connection, came_in, directions="syn", speaks_first=False)
    if syn.leaves_by is None and syn.passes is not None:
        return _said(syn)
    left = syn.connection
    from_ = places.of(left.source, Where.TARGET)
    to = places.of(left.destination)
    if to is places.of(connection.source) and to not in {Where.OUTER, Where.INNER}:
        return Said("either", "NAT takes it back to its own host")
    if left.destination == connection.source:
        return Said("either", "NAT takes it back to its own host")
    if to is None or (syn.leaves_by is not None and syn.leaves_by != _side(to)):
        return Said("either", "it leaves another way") if syn.passes is not False else _said(syn)
    direct = (from_, to) in {
        (Where.OUTER, Where.OUTER),
        (Where.OUTER, Where.FAR),
        (Where.INNER, Where.INNER),
    }
    if not direct:
        return _said(forwarded(found, connection, came_in, speaks_first=False))
    said = _said(syn)
    there = (left.destination, left.port) == (connection.destination, connection.port)
    if said.verdict == "open" and not there:
        return Said("closed", "NAT has moved it, and the answer goes another way")
    return said


def _said(crossing: Crossing) -> Said:
    verdict = {True: "open", False: "closed", None: "unknown"}[crossing.passes]
    why = f"{crossing.packet}: {crossing.why}" if crossing.why else "nothing"
    return Said(verdict, why, crossing.connection)


def _side(where: Where | None) -> str | None:
    return Where.OUTER.value if where is Where.FAR else None if where is None else where.value


def number_of(text: str) -> int | None:
    """An address's number; None for no address."""
    parsed = parse_address(text) if text else None
    return None if parsed is None else parsed[0]


__all__ = ["Places", "Trial", "Where", "number_of", "said_of"]

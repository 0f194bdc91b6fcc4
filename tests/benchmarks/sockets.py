"""What 10,000 connections cost an audit: beside one of an idle host, in the same run."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from tests.lab.audit import audit
from tests.lab.lab import Lab
from tests.lab.sessions import crowd

PORT, EACH = 9000, 5000


@dataclass(frozen=True, slots=True)
class SocketsMeasurement:
    """Seconds of an audit by the rules that read connections.

    Attributes:
        idle: of a host without any.
        busy: of a host whose two services hold 5,000 each.
    """

    idle: float
    busy: float

    def __str__(self) -> str:
        return f"10,000 connections: {self.busy:.2f} s, an idle host {self.idle:.2f} s"


def measure_sockets(*, rounds: int) -> SocketsMeasurement:
    """Audit an idle host and a busy one in turn; the best of the rounds counts."""
    services = {f"s{n}": {"port": PORT + n, "keepalive": "required"} for n in range(2)}
    arguments = ("--window=0", "-k", "keepalive or stale or ssh-sessions")
    with Lab() as lab, ExitStack() as stack:
        hosts = lab.hosts("idle", "busy")
        for number in range(2):
            stack.enter_context(crowd(hosts[1], PORT + number, EACH))
        seconds = [
            [audit(lab, [one], *arguments, policy={"services": services}).seconds for one in hosts]
            for _ in range(rounds)
        ]
    return SocketsMeasurement(*(min(column) for column in zip(*seconds, strict=True)))

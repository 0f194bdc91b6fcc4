"""What a row of the table of connection faults is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tests.lab.connections.faults.stage import Stage
from tests.lab.inventory import Variables


class Rest(Enum):
    """What all rules but host-reachable come to on a host with the fault."""

    UNKNOWN = "unknown: nothing was seen, and only host-reachable says why"
    SEEN = "what came back whole is judged as on a healthy host, the rest is unknown"
    JUDGED = "as on a healthy host: the fault keeps nothing from being seen"


@dataclass(frozen=True, slots=True)
class Said:
    """What host-reachable says.

    Attributes:
        code: the failure's code; ``complete`` where the fault is none to the audit.
        cause: words of its line that name the cause.
        cure: words of its line that name the cure.
    """

    code: str
    cause: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row.

    Attributes:
        name: of the row, and with the connection's kind of its host.
        stages: makes the fault, and returns the inventory's variables of a host that has it.
        paramiko: what the audit says over paramiko.
        ssh: what it says over OpenSSH's client.
        rest: what the other rules come to.
        hops: it is a jump host's too, and a host's behind one: the audit names the hop that has it.
        behind: what is said of a host behind a jump host, where that differs.
    """

    name: str
    stages: Callable[[Stage], Variables]
    paramiko: Said
    ssh: Said
    rest: Rest = Rest.UNKNOWN
    hops: bool = False
    behind: Said | None = None

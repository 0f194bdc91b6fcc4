"""The answer of a host: the seam between collecting and judging.

A live run, a recorded test case and an evidence file all produce a
:class:`Transcript`; nothing behind it can tell them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Cut(StrEnum):
    """Why a section ended before its command did."""

    TIMEOUT = "timeout"
    CAP = "cap"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Section:
    """The output of one command of a probe, byte for byte.

    Attributes:
        stdout: standard output, at most the probe's cap in bytes.
        stderr: standard error, capped as well.
        status: exit status of the command (126, 127: not found or not runnable), None when cut.
        cut: why it ended early, None when it was whole.
    """

    stdout: bytes
    stderr: bytes = b""
    status: int | None = 0
    cut: Cut | None = None


@dataclass(frozen=True, slots=True)
class HostFailure:
    """Why a host's facts could not be collected at all.

    Attributes:
        code: short stable word, the code of :class:`nethygiene.errors.ConnectError`.
        message: one line naming the cause.
        cure: one line naming what to do.
    """

    code: str
    message: str
    cure: str

    def __str__(self) -> str:
        return f"{self.message}: {self.cure}" if self.cure else self.message


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that one host answered in its one round trip.

    Attributes:
        host: the inventory's name of the host.
        address: the address of the connection.
        collected_at: RFC 3339 UTC time of the start.
        seconds: how long it took, connection included.
        window: seconds between the two counter samples that were asked for.
        privileged: the login was root, or become was asked for and sudo obeyed.
        host_key: SHA256 fingerprint of the SSH host key seen, None without SSH.
        probes: the version of each probe that was sent, by name.
        sections: the sections that came back, by name.
        sent: when the script was sent, by the clock of the machine that audits, in seconds since
            1970; None if it was not sent, or an earlier version did not note it.
        received: when its whole answer was there, on the same clock.
        failure: why the answer is missing or not whole; sections hold what came back of it.
    """

    host: str
    address: str
    collected_at: str
    seconds: float
    window: float
    privileged: bool = False
    host_key: str | None = None
    probes: Mapping[str, int] = field(default_factory=dict)
    sections: Mapping[str, Section] = field(default_factory=dict)
    sent: float | None = None
    received: float | None = None
    failure: HostFailure | None = None

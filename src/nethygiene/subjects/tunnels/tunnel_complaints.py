"""The recent complaints of a tunnel's ssh, as far as its log gives their times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nethygiene.engine.matchers import Matcher
from nethygiene.inventory.policy import Tunnel
from nethygiene.subjects.tunnels.messages import Complaint
from nethygiene.subjects.tunnels.tunnel_logs import TunnelLog, TunnelLogs

_SHOWN = 4
NO_COMPLAINTS: Matcher[str] = Matcher(
    "no message of a failing tunnel", lambda recent: recent == "none"
)
"""The log holds none of the messages of incident S0."""


@dataclass(frozen=True, slots=True)
class LogFinding:
    """What the log of a tunnel holds.

    Attributes:
        what: the place and the window, in words.
        recent: the messages of the window and their counts; ``none`` without any.
        undecided: why the rest is unknown; empty if nothing is.
        log: the log itself.
    """

    what: str
    recent: str
    undecided: str
    log: TunnelLog

    @property
    def is_decided(self) -> bool:
        """Whether it can be judged: by a recent message, or because nothing is unknown."""
        return self.recent != "none" or not self.undecided


def log_finding(tunnel: Tunnel, window: int, logs: TunnelLogs) -> LogFinding:
    """Judge the last `window` seconds of the log that holds the tunnel's standard error."""
    log = logs.of(tunnel, window)
    place = log.place or f"the mailbox of {tunnel.user}"
    start = log.now - window
    recent = [
        complaint
        for complaint in log.complaints
        if complaint.time is not None and complaint.time >= start
    ]
    undated = [complaint for complaint in log.complaints if complaint.time is None]
    if log.modified is not None and log.modified < start:
        undated = []  # nothing was written within the window
    elif undated and log.ends_with_complaint and log.modified is not None:
        recent.append(undated.pop())  # the file's time is the last line's time
    return LogFinding(
        what=f"what ssh said in {place} in the last {window} s",
        recent=_counted(recent),
        undecided="; ".join(_doubts(log, place, undated, start)),
        log=log,
    )


def _doubts(log: TunnelLog, place: str, undated: list[Complaint], start: float) -> Iterator[str]:
    if log.doubt:
        yield f"{place}: {log.doubt}"
    if undated:
        yield (
            f"{place} holds {_counted(undated)}, and its lines do not tell when: look, and rotate "
            "it away, or have the job write the time"
        )
    if log.cut and (log.oldest is None or log.oldest >= start):
        yield f"{place} holds more lines than were looked at"


def _counted(complaints: list[Complaint]) -> str:
    counts: dict[str, int] = {}
    for complaint in complaints:
        counts[str(complaint)] = counts.get(str(complaint), 0) + 1
    parts = [f'"{text}" ({number} x)' for text, number in counts.items()]
    return ", ".join(parts[:_SHOWN]) or "none"

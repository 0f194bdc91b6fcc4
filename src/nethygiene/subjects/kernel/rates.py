"""Why the window was prolonged: counters that moved fast, but too little for a verdict.

In a window of two seconds, half an event a second looks like more than one a second in 8 % of all
runs, and two a second are only four events. So the host itself looks at the bounded counters once
the window is over. If one of them is suspect, it samples on until there are events enough, or ten
seconds are over.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nethygiene.collect.command import LONGEST_WINDOW, Command
from nethygiene.collect.shell_file import awk_program
from nethygiene.engine.fact import Fact
from nethygiene.engine.outcomes import Unreadable
from nethygiene.engine.probe import Probe, Sections
from nethygiene.inventory.policy import Policy
from nethygiene.subjects.kernel.counters import Change

LEAST_EVENTS = 10
"""Fewer events are no evidence, whatever their rate."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a counter may move; a finding exceeds all of these limits.

    Attributes:
        name: the counter; ``*drop`` is the counter of each interface.
        of: the counters whose sum is the base of `share`.
        per_second: events a second.
        share: events as a share of the base, 0 to 1.
        least_events: fewer events are no finding.
        least_base: a smaller base makes no finding.
    """

    name: str
    of: tuple[str, ...]
    per_second: float = 0.0
    share: float = 0.0
    least_events: int = LEAST_EVENTS
    least_base: int = 0

    def is_exceeded(self, events: int, seconds: float, base: int) -> bool:
        """Whether it is a finding."""
        return self._is_fast(events, seconds, base) and self._is_enough(events, base)

    def is_suspect(self, events: int, seconds: float, base: int) -> bool:
        """Whether it would be a finding if it went on until the longest window was over."""
        if seconds <= 0 or seconds >= LONGEST_WINDOW or self._is_enough(events, base):
            return False
        longer = LONGEST_WINDOW / seconds
        may_be_enough = self._is_enough(int(events * longer), int(base * longer))
        return events > 1 and may_be_enough and self._is_fast(events, seconds, base)

    def _is_fast(self, events: int, seconds: float, base: int) -> bool:
        return events > self.per_second * seconds and events > self.share * base

    def _is_enough(self, events: int, base: int) -> bool:
        return events >= self.least_events and base >= self.least_base


OPENED = ("TcpActiveOpens", "TcpPassiveOpens")
SHARE_OF_OPENS = 0.05
INTERFACE_DROPS = Bound("*drop", ("*packets",), share=0.001, least_base=1000)


def failed_attempts(policy: Policy) -> Bound:
    """The bound of connection attempts that fail."""
    limit = policy.limits.failed_connections_per_second
    return Bound("TcpAttemptFails", OPENED, limit, SHARE_OF_OPENS)


def unanswered_dials(policy: Policy) -> Bound:
    """The bound of dials that are given up without an answer."""
    return replace(failed_attempts(policy), name="dials without an answer")


def without_route(policy: Policy, counter: str) -> Bound:
    """The bound of packets without a route: TCP counts no attempt if connect() has none."""
    return replace(failed_attempts(policy), name=counter)


def resets(policy: Policy) -> Bound:
    """The bound of sent resets."""
    limit = policy.limits.resets_per_second
    return Bound("TcpOutRsts", OPENED, limit, SHARE_OF_OPENS)


def retransmissions(policy: Policy) -> Bound:
    """The bound of segments that are sent again."""
    share = policy.limits.retransmission_ratio
    return Bound("TcpRetransSegs", ("TcpOutSegs",), 0.0, share, 1, 1000)


def bounds(policy: Policy) -> tuple[Bound, ...]:
    """The bounds that a host of this policy watches, of counters that it can read itself."""
    return (
        failed_attempts(policy),
        # A waiting dial sends its SYN again up to seven times in ten seconds.
        replace(failed_attempts(policy), name="TcpExtTCPTimeouts", least_events=100),
        without_route(policy, "IpOutNoRoutes"),
        resets(policy),
        retransmissions(policy),
        INTERFACE_DROPS,
    )


@dataclass(frozen=True)
class Rates(Fact):
    """Why the window was prolonged.

    Attributes:
        _suspicions: the counters that were suspect once the window was over, as
            ``TcpAttemptFails`` or ``eth0 drop``; how far each had moved, and in how many seconds.
    """

    _suspicions: Mapping[str, tuple[int, float]]

    def explained(self, change: Change) -> Change:
        """The change, with the reason why the host sampled for longer, if it did."""
        if change.since or change.name not in self._suspicions:
            return change
        return replace(change, suspicion=self._suspicions[change.name])


_ROW = re.compile(
    r"(?P<name>[^ ]{1,40})(?P<drop> drop)? (?P<delta>\d{1,20}) (?P<seconds>\d{1,6}\.\d\d)",
    re.ASCII,
)


def parse(sections: Sections) -> Rates | Unreadable:
    """Parse lines such as ``TcpAttemptFails 4 2.04``; the first of each name came first.

    A counter without a line did not prolong the window. A missing section is no reason for unknown,
    because the verdict depends on the two samples alone.
    """
    section = sections[COMMAND]
    suspicions: dict[str, tuple[int, float]] = {}
    if not isinstance(section, Unreadable):
        for line in section.stdout.decode("utf-8", "replace").split("\n"):
            if (row := _ROW.fullmatch(line)) is not None:
                name = f"{row['name']}{row['drop'] or ''}"
                suspicions.setdefault(name, (int(row["delta"]), float(row["seconds"])))
    return Rates(suspicions)


_PROGRAM = Path(__file__).with_name("rates.awk")
COMMAND = "rates"


def _shell(policy: Policy) -> str:
    words = [
        word
        for bound in bounds(policy)
        for word in (
            bound.name,
            "+".join(bound.of),
            f"{bound.per_second:g}",
            f"{bound.share:g}",
            f"{bound.least_events}",
            f"{bound.least_base}",
        )
    ]
    declared = " ".join(["", *policy.interfaces, ""])
    variables = {
        "bounds": " ".join(words),
        "declared": declared,
        "longest": f"{LONGEST_WINDOW:g}",
    }
    given = " ".join(f"-v {name}={shlex.quote(text)}" for name, text in variables.items())
    return f"awk {given} {shlex.quote(awk_program(_PROGRAM))} - {' '.join(_FILES)}"


def _declared(policy: Policy) -> tuple[Command, ...]:
    return (
        Command(
            COMMAND, _shell(policy), prolongs=True, title="awk on /proc/net/snmp", holds="addresses"
        ),
    )


_FILES = ("/proc/uptime", "/proc/net/snmp", "/proc/net/netstat", "/proc/net/dev")
PROBE = Probe("rates", 1, (), parse, _declared)

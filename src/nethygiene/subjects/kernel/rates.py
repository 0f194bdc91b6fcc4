"""Why the window was prolonged: counters that moved too fast, and too little to tell.

In a window of two seconds a true half event a second exceeds one a second in 8 % of all runs, and
two a second are four events: few for a verdict. So the host itself looks at the counters that
rules bound, once the window is over, and samples on where one of them is suspect: until there are
events enough to tell, or ten seconds are over.
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
"""So few events are no evidence, whatever their rate."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a counter may move before it is a finding; all of these have to be exceeded.

    Attributes:
        name: the counter; ``*drop`` is that of each interface.
        of: the counters that are added up to what `share` is a share of.
        per_second: events a second.
        share: events as a share of what `of` adds up to, 0 to 1.
        least_events: fewer events are no finding.
        least_base: nor are any where `of` adds up to less.
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
    """Connection attempts that fail."""
    limit = policy.limits.failed_connections_per_second
    return Bound("TcpAttemptFails", OPENED, limit, SHARE_OF_OPENS)


def unanswered_dials(policy: Policy) -> Bound:
    """Connections that are dialled and given up without an answer."""
    return replace(failed_attempts(policy), name="dials without an answer")


def without_route(policy: Policy, counter: str) -> Bound:
    """What has no route to go: connect() ends in ENETUNREACH, and is no attempt to TCP."""
    return replace(failed_attempts(policy), name=counter)


def resets(policy: Policy) -> Bound:
    """Resets that are sent."""
    limit = policy.limits.resets_per_second
    return Bound("TcpOutRsts", OPENED, limit, SHARE_OF_OPENS)


def retransmissions(policy: Policy) -> Bound:
    """Segments that are sent again."""
    share = policy.limits.retransmission_ratio
    return Bound("TcpRetransSegs", ("TcpOutSegs",), 0.0, share, 1, 1000)


def bounds(policy: Policy) -> tuple[Bound, ...]:
    """The bounds that a host of this policy is asked to watch, by what it can count itself."""
    return (
        failed_attempts(policy),
        # A dial that waits is sent again up to seven times in ten seconds.
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
        _suspicions: what was suspect once the window was over: ``TcpAttemptFails``, ``eth0 drop``,
            each with how far it had moved, and in how many seconds.
    """

    _suspicions: Mapping[str, tuple[int, float]]

    def explained(self, change: Change) -> Change:
        """The change, which then says why it was sampled for longer than asked."""
        if change.since or change.name not in self._suspicions:
            return change
        return replace(change, suspicion=self._suspicions[change.name])


_ROW = re.compile(
    r"(?P<name>[^ ]{1,40})(?P<drop> drop)? (?P<delta>\d{1,20}) (?P<seconds>\d{1,6}\.\d\d)",
    re.ASCII,
)


def parse(sections: Sections) -> Rates | Unreadable:
    """Parse lines such as ``TcpAttemptFails 4 2.04``; the first of each name came first.

    What is not there was not sampled on, for whatever reason: what two samples came to, and
    whether that decides anything, does not depend on it.
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
        for one in bounds(policy)
        for word in (
            one.name,
            "+".join(one.of),
            f"{one.per_second:g}",
            f"{one.share:g}",
            f"{one.least_events}",
            f"{one.least_base}",
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

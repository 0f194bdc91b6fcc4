"""The clocks of all hosts of a run, compared with that of the machine that audits."""

from __future__ import annotations

from collections.abc import Mapping

from nethygiene.engine.each import Each, read_members
from nethygiene.engine.matchers import Matcher
from nethygiene.engine.subject import RoundTrip
from nethygiene.inventory.policy import Policy
from nethygiene.subjects.platform.clock import Clock, Skew


def skews(
    clock: Each[Clock], round_trip: Each[RoundTrip], policies: Mapping[str, Policy]
) -> Mapping[str, Skew]:
    """The skew of each host of which the readings tell whether it is within its limit."""

    def ask(host: str, of_host: Clock, trip: RoundTrip) -> Skew:
        skew, limit = of_host.skew(trip), policies[host].limits.clock_skew
        if not skew.is_beyond(limit) and not skew.is_within(limit):
            of_host.ledger.undecidable(
                f"its clock is {skew}, which does not tell whether that is more than {limit:g} s: "
                "its connection is too slow"
            )
        return skew

    return read_members(ask, clock, round_trip)


def at_most_skewed(limit: float) -> Matcher[Skew]:
    """The clock is within `limit` seconds of ours."""
    return Matcher(f"at most {limit:g} s off", lambda skew: not skew.is_beyond(limit))


def whose_clock(of_hosts: Mapping[str, Skew], host: str) -> str:
    """Whose clock is wrong: if all hosts agree with each other, it is ours."""
    middles = [skew.middle for skew in of_hosts.values()]
    spread, off = max(middles) - min(middles), abs(of_hosts[host].middle)
    if len(middles) > 1 and spread < off / 2:
        return (
            f"all {len(middles)} hosts differ alike, so look at the clock of the machine that "
            "audits first"
        )
    return ""

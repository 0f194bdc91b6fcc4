"""Clocks: what they differ by, from host to host."""

from collections.abc import Mapping
from functools import partial

from nethygiene.rules import Each, Expect, Group, Policy, RoundTrip, not_applicable, rule
from nethygiene.subjects.platform.clock import Clock
from nethygiene.subjects.platform.clocks import at_most_skewed, skews, whose_clock


@rule(severity="medium", kind="state", incidents=["S0", "S1", "S2", "S3", "S4"], scope="run")
def test_clocks_agree(
    clock: Each[Clock],
    round_trip: Each[RoundTrip],
    policies: Mapping[str, Policy],
    group: Group,
    expect: Expect,
) -> None:
    """No host's clock is off by more than a second from that of the machine that audits.

    `limits.clock_skew` is another limit. Half of the round trip, without the window, is the
    uncertainty. A clock of which the readings do not tell whether it keeps the limit makes the
    rule unknown. Containers share the clock of their host, and differ from it by nothing.

    Why: Every incident was traced by comparing times: logs, captures and counters of two hosts.
        With clocks that disagree, an answer seems to come before its question. Certificates and
        tokens fail as well.
    Remedy: See why nothing sets the clock: `chronyc tracking` or `timedatectl timesync-status`.
        Most often no server answers, since UDP port 123 is filtered. `chronyc makestep` sets a
        clock that is far off at once.

    References:
        - chronyc(1), timedatectl(1), systemd-timesyncd(8)
        - RFC 5905, section 8: https://www.rfc-editor.org/rfc/rfc5905#section-8
    """
    if len(group.members) < 2:
        not_applicable("the run has one host, so that no two clocks can differ")
    of_hosts = skews(clock, round_trip, policies)
    for host, skew in of_hosts.items():
        limit = policies[host].limits.clock_skew
        hint = partial(whose_clock, of_hosts, host)
        expect(f"the clock of {host}", skew, at_most_skewed(limit), hint)

"""Upstreams: whether what a host connects to can be reached, judged from both ends."""

from nethygiene.engine.across import Across
from nethygiene.rules import Expect, Upstream, rule
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.paths.run_facts import RunFacts
from nethygiene.subjects.paths.steps import as_expected
from nethygiene.subjects.paths.way import steps_to
from nethygiene.subjects.sockets.listeners import Listeners


@rule(severity="high", kind="state", incidents=["S1.1", "S1.3", "S4"], scope="ends")
def test_upstream_reachable(
    packet_filter: Across[PacketFilter],
    listeners: Across[Listeners],
    interfaces: Across[Interfaces],
    sysctl: Across[Sysctls],
    upstream: Upstream,
    expect: Expect,
) -> None:
    """Every host on the way to an upstream lets the connection and its answers through.

    The rule reasons from what the hosts of the inventory show, and sends nothing. It follows the
    first packet from the host that dials (output filter, route, source address) through every host
    of the inventory on the way (reverse path filter, forwarding, filter, NAT, route) to the one
    that serves (reverse path filter, input filter, listener). Then it follows the answer back, by
    whichever way the routes lead it. The first component that refuses is the finding.

    It judges upstreams that name their other end by `to`. Without `address` it takes the address
    that the service declares, or else that of the target's addresses to which the dialling host
    has the most specific route; the observations say which.

    A gateway outside the inventory makes the result unknown, and the message names it. So do routes
    that share the load, programs (XDP, tc) that see packets first, containers, and IPVS. What no
    host shows, such as a cloud's security groups or a switch, is not seen.

    Why: A client's connection failed, and both ends looked well: the port had moved, a firewall on
        the way dropped the SYN, or the answer took another way back (incidents S1.1, S1.3, S4).
    Remedy: The message names the host and the component that refuses. Open its filter, correct its
        route or its reverse path filter, or start the service there.

    References:
        - ip-route(8), ip-rule(8)
        - nft(8)
        - RFC 3704, section 2: https://www.rfc-editor.org/rfc/rfc3704#section-2
    """
    facts = RunFacts(packet_filter, listeners, interfaces, sysctl)
    for step in steps_to(facts, packet_filter.dialler, upstream):
        expect(step.what, step, as_expected(step), step.hint, step.remedy, host=step.host)

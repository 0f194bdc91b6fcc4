"""Counters over the window: connections that fail, resets, retransmissions, half-open ones."""

from functools import partial

from nethygiene.rules import Expect, Policy, at_most, not_applicable, rule
from nethygiene.subjects.kernel.counters import Counters
from nethygiene.subjects.kernel.rate_bounds import bounded, sampled_enough
from nethygiene.subjects.kernel.rates import (
    Rates,
    failed_attempts,
    resets,
    retransmissions,
    unanswered_dials,
)
from nethygiene.subjects.kernel.rises import not_rising
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.routes import Routes
from nethygiene.subjects.sockets.dials import Dials
from nethygiene.subjects.sockets.failed_connections import (
    connections_opened,
    end_failures,
    end_resets,
    where_attempts_fail,
    where_resets_go,
)
from nethygiene.subjects.sockets.half_open import below_nine_tenths, syn_queues, widen_syn_queue
from nethygiene.subjects.sockets.handshakes import Handshakes
from nethygiene.subjects.sockets.listeners import Listeners
from nethygiene.subjects.sockets.local_ports import LocalPorts
from nethygiene.subjects.sockets.unanswered import (
    GIVE_A_ROUTE,
    answer_dials,
    answered,
    more_ports,
    taken_ports,
    unanswered,
    who_is_dialled,
    why_ports_end,
    without_way,
)


@rule(severity="medium", kind="rate", incidents=["S2"], version=2)
def test_connection_failures_bounded(
    counters: Counters,
    rates: Rates,
    dials: Dials,
    local_ports: LocalPorts,
    routes: Routes,
    sysctl: Sysctls,
    policy: Policy,
    expect: Expect,
) -> None:
    """Connection attempts rarely fail.

    The rule fails above `limits.failed_connections_per_second`, if there are at least ten failures
    and they are more than 5 % of all connections opened. If they are fewer but fast enough, the
    host samples on until it has seen ten or 10 s are over. Failures at random times make a finding
    in 91 % of runs at twice the default limit of 1/s, in 1.4 % at half of it, and in fewer than one
    of 10,000 at a quarter. A dial that fails each half second makes one in every run.

    The rule judges dials that nobody answers and packets without a route (ENETUNREACH) in the same
    way. It also fails if nine tenths of the local ports towards a peer are taken, because
    EADDRNOTAVAIL is next. No counter shows a dial that is given up within 0.4 s, one that an
    unreachable, prohibit or blackhole route ends, or one that never left its application.

    Why: Two connections a second failed (incident S2). A capture on eth0 saw nothing, because a
        local process kept dialling a port over loopback whose service was down.
    Remedy: See what is refused: `tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0'` (IPv6:
        `'ip6[6] == 6 and ip6[53] & 4 != 0'`; without an interface tcpdump leaves out lo). Start
        the service that is dialled, or stop the caller. `ss -tnp state syn-sent` names the caller
        if nobody answers.
        `systemctl enable --now SERVICE`
    Kernels: Linux counts dials without an answer since 3.15 (TCPSynRetrans).

    References:
        - RFC 4022, tcpAttemptFails: https://www.rfc-editor.org/rfc/rfc4022
        - nstat(8)
    """
    bound, opened = failed_attempts(policy), connections_opened(counters)
    failed = rates.explained(counters.change("TcpAttemptFails"))
    hint = partial(where_attempts_fail, counters, dials)
    remedy = partial(end_failures, counters)
    expect("TcpAttemptFails", failed, bounded(bound, opened), hint, remedy)
    in_vain = unanswered(counters, dials)
    expect(
        "dials without an answer (for 0.4 s at least)",
        in_vain,
        answered(unanswered_dials(policy), opened),
        partial(who_is_dialled, dials),
        partial(answer_dials, dials),
    )
    for limit, lost in without_way(counters, routes, policy, opened):
        why = "connect() ends in ENETUNREACH at once: no route leads to what is dialled"
        expect(lost.name, rates.explained(lost), bounded(limit, opened), why, GIVE_A_ROUTE)
    for use, taken in taken_ports(local_ports, sysctl):
        what = f"local ports taken towards {use.peer}"
        matcher = below_nine_tenths(local_ports.choice)
        expect(what, taken, matcher, why_ports_end(use), more_ports(use))
    sampled_enough(bound, failed, opened)
    sampled_enough(unanswered_dials(policy), in_vain, opened)


@rule(severity="medium", kind="rate", incidents=["S2"], version=2)
def test_resets_sent_bounded(
    counters: Counters, rates: Rates, dials: Dials, policy: Policy, expect: Expect
) -> None:
    """Few resets are sent.

    The rule fails above `limits.resets_per_second`, if there are at least ten resets and they are
    more than 5 % of all connections opened. The host samples on for them as for
    connection-failures-bounded. The message names who gets them: this host itself over loopback,
    peers at a closed port, or peers of connections that this host aborts. The packet filter's own
    resets (`reject with tcp reset`) are not counted. The filter sends them past TCP, and only the
    counter of its rule shows them.

    Why: Each reset turns somebody away. In incident S2 it was a local process, at a port whose
        service was down. Elsewhere it was clients who did not know that the service had moved.
    Remedy: See who gets them: `tcpdump -ni any 'tcp[tcpflags] & tcp-rst != 0'` (IPv6:
        `'ip6[6] == 6 and ip6[53] & 4 != 0'`). Start the service that listens there, redirect the
        port to where it listens now, or stop the caller. A load balancer whose health check ends
        by a reset is no fault: raise the limit for hosts behind it.
        `systemctl enable --now SERVICE`
    References:
        - RFC 4022, tcpOutRsts: https://www.rfc-editor.org/rfc/rfc4022
        - https://docs.kernel.org/networking/snmp_counter.html
    """
    sent = rates.explained(counters.change("TcpOutRsts"))
    bound, opened = resets(policy), connections_opened(counters)
    hint = partial(where_resets_go, counters, dials)
    expect(
        "TcpOutRsts (without those of the packet filter)",
        sent,
        bounded(bound, opened),
        hint,
        partial(end_resets, counters),
    )
    sampled_enough(bound, sent, opened)


@rule(severity="medium", kind="rate", incidents=["S4"], version=2)
def test_retransmissions_bounded(
    counters: Counters, rates: Rates, policy: Policy, expect: Expect
) -> None:
    """Few segments have to be sent again.

    The rule applies if the host sends a thousand segments. Of fewer, single losses would decide. If
    a thousand are in reach, and too many are sent again, the host samples on for up to 10 s.

    Why: Packet loss on the way costs retransmissions (incident S4). If every tenth segment is sent
        twice, connections stall for seconds.
    Remedy: Find where packets are lost: `mtr -n -c 100 PEER` from both ends, and the drops and
        errors of the interfaces (`ip -s -s link`). `ss -ti` shows which peers it happens with.
        The owner of that network has to fix it. Here, you can set `limits.retransmission_ratio`.

    References:
        - RFC 4022, tcpRetransSegs: https://www.rfc-editor.org/rfc/rfc4022
        - ss(8), mtr(8)
    """
    sent = counters.change("TcpOutSegs")
    again = rates.explained(counters.change("TcpRetransSegs"))
    bound = retransmissions(policy)
    sampled_enough(bound, again, sent.delta)
    if sent.delta < bound.least_base:
        not_applicable(f"only {sent.delta} segments were sent in {sent.seconds:.2f} s, not 1000")
    expect("TcpRetransSegs", again, bounded(bound, sent.delta))


@rule(severity="high", kind="state", incidents=["S3"], version=2)
def test_half_open_connections_bounded(
    counters: Counters,
    listeners: Listeners,
    handshakes: Handshakes,
    sysctl: Sysctls,
    policy: Policy,
    expect: Expect,
) -> None:
    """No listener's queue of half-open connections is nearly full, and none overflowed.

    Why: A SYN flood fills the queue with connections in SYN_RECV, and nobody else gets in
        (incident S3). With SYN cookies others get in, but lose TCP options such as window scaling.
    Remedy: See who they are: `ss -tn state syn-recv`. Keep SYN cookies on, make the queue ample,
        and restart the service. The packet filter can stop a flood from few networks.
        `sysctl -w net.ipv4.tcp_syncookies=1 net.core.somaxconn=16384`
        `echo 'net.ipv4.tcp_syncookies=1' > /etc/sysctl.d/99-zz-tcp_syncookies.conf`
        `echo 'net.core.somaxconn=16384' > /etc/sysctl.d/99-zz-somaxconn.conf`
        `systemctl restart SERVICE`
    Kernels: Since Linux 4.4 a listener holds as many half-open connections as its accept queue
        (Send-Q in `ss -lnt`). Before, tcp_max_syn_backlog limits them too. Without SYN cookies a
        listener holds no more than three quarters of tcp_max_syn_backlog, plus one.

    References:
        - https://docs.kernel.org/networking/snmp_counter.html
        - https://git.kernel.org/torvalds/c/ef547f2ac16b
    """
    for queue in syn_queues(listeners, handshakes, sysctl):
        what = f"number of half-open connections of {queue.place}"
        remedy = partial(widen_syn_queue, sysctl, queue.place)
        expect(what, queue.half_open, below_nine_tenths(queue.limit), remedy=remedy)
    for counter in ("TcpExtTCPReqQFullDrop", "TcpExtTCPReqQFullDoCookies"):
        rise = counters.change(counter)
        expect(counter, rise, not_rising(), remedy=partial(widen_syn_queue, sysctl))
    if policy.limits.half_open is not None:
        half_open = len(handshakes.half_open())
        expect("number of half-open connections", half_open, at_most(policy.limits.half_open))

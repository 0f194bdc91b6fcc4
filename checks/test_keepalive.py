"""Keepalive: probes that keep an idle connection alive, and notice a dead one."""

from functools import partial

from nethygiene.engine.remedies import set_sysctls
from nethygiene.rules import (
    Expect,
    Policy,
    Reason,
    Service,
    Upstream,
    at_least,
    at_most,
    below,
    not_applicable,
    rule,
)
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.connections import Connections
from nethygiene.subjects.sockets.keepalive import (
    none_stale,
    probed_before,
    probing,
    settled,
    settled_clients,
    stale,
    why_unprobed,
)
from nethygiene.subjects.sockets.keepalive_remedies import (
    close_stale,
    notice_dead_peers,
    probe_connections,
    probe_sooner,
)
from nethygiene.subjects.sockets.upstreams import connections_to, place_of

# TCP_KEEPALIVE_TIME, _PROBES and _INTVL of include/net/tcp.h.
DEFAULTS = {
    "net.ipv4.tcp_keepalive_time": "7200",
    "net.ipv4.tcp_keepalive_probes": "9",
    "net.ipv4.tcp_keepalive_intvl": "75",
}


@rule(severity="medium", kind="setting", incidents=["S1.6"], version=2, defaults=DEFAULTS)
def test_keepalive_precedes_idle_timeout(sysctl: Sysctls, policy: Policy, expect: Expect) -> None:
    """Keepalive probes begin before a middlebox on the way forgets an idle connection.

    Why: A router forgot an idle connection. The server still held it, and told the client that
        came back that it was already logged in (incident S1.6). The setting holds for sockets that
        ask for SO_KEEPALIVE without a time of their own. If tcp_keepalive_probes is 0, the kernel
        resets a healthy connection where it would send the first probe (tried on Linux 6.18).
    Remedy: Probe sooner than the most impatient box on the way forgets, and restart the services,
        because running timers keep their time. Declare that box's patience as
        `path_idle_timeout`: 350 s for an AWS NLB, 240 for Azure's, 600 in GCP's VPCs. The default
        of 7440 is what RFC 5382 asks of a NAT.
        `sysctl -w net.ipv4.tcp_keepalive_time=200`
        `echo 'net.ipv4.tcp_keepalive_time=200' > /etc/sysctl.d/99-zz-tcp_keepalive_time.conf`
    References:
        - tcp(7)
        - RFC 5382, section 5: https://www.rfc-editor.org/rfc/rfc5382#section-5
    """
    seconds = sysctl["net.ipv4.tcp_keepalive_time"]
    remedy = partial(probe_sooner, policy, sysctl)
    expect("net.ipv4.tcp_keepalive_time", seconds, below(policy.path_idle_timeout), remedy=remedy)
    if seconds < 0:
        # tcp_keepalive_timer() takes it for unsigned, and never sends a probe (seen on Linux 6.18).
        expect("net.ipv4.tcp_keepalive_time", seconds, at_least(0), remedy=remedy)
    probes = sysctl["net.ipv4.tcp_keepalive_probes"]
    if probes < 1:
        expect(
            "net.ipv4.tcp_keepalive_probes",
            probes,
            at_least(1),
            "the kernel resets a connection that is idle, in place of the first probe",
            set_sysctls({"net.ipv4.tcp_keepalive_probes": 9}),
        )


@rule(severity="medium", kind="setting", incidents=["S1.6"], defaults=DEFAULTS)
def test_keepalive_detects_dead_peer_in_time(
    sysctl: Sysctls, policy: Policy, expect: Expect
) -> None:
    """Keepalive notices a dead peer within the time that the policy allows.

    Why: The server holds the session of a client that is gone, and tells the client that comes
        back that it is already logged in (incident S1.6). With the kernel's defaults that lasts
        7200 + 9 * 75 seconds, two hours and eleven minutes.
    Remedy: Lower time + interval * probes, and restart the services.
        `sysctl -w net.ipv4.tcp_keepalive_time=60`
        `sysctl -w net.ipv4.tcp_keepalive_intvl=10`
        `sysctl -w net.ipv4.tcp_keepalive_probes=6`
        `echo 'net.ipv4.tcp_keepalive_time=60' > /etc/sysctl.d/99-zz-tcp_keepalive_time.conf`
        `echo 'net.ipv4.tcp_keepalive_intvl=10' > /etc/sysctl.d/99-zz-tcp_keepalive_intvl.conf`
        `echo 'net.ipv4.tcp_keepalive_probes=6' > /etc/sysctl.d/99-zz-tcp_keepalive_probes.conf`
    References:
        - tcp(7)
    """
    if policy.dead_peer_within is None:
        not_applicable("the policy declares no dead_peer_within", Reason.NOT_DECLARED)
    probes = sysctl["net.ipv4.tcp_keepalive_probes"]
    seconds = (
        sysctl["net.ipv4.tcp_keepalive_time"] + sysctl["net.ipv4.tcp_keepalive_intvl"] * probes
    )
    what = "tcp_keepalive_time + tcp_keepalive_intvl * tcp_keepalive_probes"
    remedy = partial(notice_dead_peers, policy)
    expect(what, seconds, at_most(policy.dead_peer_within), remedy=remedy)
    if (idle := sysctl["net.ipv4.tcp_keepalive_time"]) < 0:
        expect("net.ipv4.tcp_keepalive_time", idle, at_least(0), remedy=remedy)


@rule(severity="high", kind="state", incidents=["S1.6"], judged_if="served_here")
def test_service_connections_use_keepalive(
    connections: Connections, sysctl: Sysctls, service: Service, policy: Policy, expect: Expect
) -> None:
    """Each silent connection of the service is probed before the path forgets it.

    The rule judges connections from other hosts that have been silent for a second. A socket that
    was just accepted may not have its options yet. Each connection has to run a keepalive timer
    that is first due before `path_idle_timeout` seconds of silence, or to have data on its way,
    which TCP sends until it is acknowledged.

    Why: The kernel's keepalive settings mean nothing to an application that never asks for
        SO_KEEPALIVE, or to timers that ran when the settings changed. Both still held sessions that
        a router had long forgotten (incident S1.6).
    Remedy: Turn keepalive on in the application, sooner than the path forgets, and restart it
        (nginx: `listen 443 so_keepalive=60:10:6;`). sshd has `ClientAliveInterval 60`, which needs
        no timer: declare `keepalive: any` for it. If the clients send the probes, as the websocket
        library of incident S1.6 does, declare `keepalive: peer`: this side does not see them.
        `sysctl -w net.ipv4.tcp_keepalive_time=200`
        `echo 'net.ipv4.tcp_keepalive_time=200' > /etc/sysctl.d/99-zz-tcp_keepalive_time.conf`
        `systemctl restart SERVICE`
    References:
        - tcp(7), socket(7)
        - ss(8), --options
        - https://tldp.org/HOWTO/TCP-Keepalive-HOWTO/
    """
    if service.keepalive != "required":
        not_applicable(
            f"{service.name} declares keepalive: {service.keepalive}", Reason.NOT_DECLARED
        )
    clients = settled_clients(connections.at(service.port), service)
    if not clients:
        not_applicable(f"no connection to {service.name} from another host is silent for 1 s")
    idle = policy.path_idle_timeout
    judged = probing(clients, idle, sysctl)
    hint = partial(why_unprobed, judged, idle, sysctl)
    remedy = partial(probe_connections, judged, policy, sysctl, service)
    expect(f"keepalive at port {service.port}", judged, probed_before(idle), hint, remedy)


@rule(severity="high", kind="state", incidents=["S1.6"], judged_if="served_here")
def test_service_sessions_not_stale(
    connections: Connections, sysctl: Sysctls, service: Service, policy: Policy, expect: Expect
) -> None:
    """The service holds no session that the path has forgotten.

    The rule applies if `path_idle_timeout` is declared. A forgotten session was silent for longer,
    and runs no timer that would ever find it dead.

    Why: The server held a session whose path was gone. To the server the client was "already logged
        in", so the client could not come back (incident S1.6).
    Remedy: Restart the service, which closes these sessions. So that they do not come back, turn
        keepalive on in the application (see service-connections-use-keepalive).
        `systemctl restart SERVICE`
    References:
        - tcp(7), SO_KEEPALIVE
        - ss(8), lastsnd, lastrcv and lastack
    """
    if service.keepalive != "required":
        not_applicable(
            f"{service.name} declares keepalive: {service.keepalive}", Reason.NOT_DECLARED
        )
    if not policy.declares("path_idle_timeout"):
        not_applicable("the policy declares no path_idle_timeout", Reason.NOT_DECLARED)
    clients = settled_clients(connections.at(service.port), service)
    if not clients:
        not_applicable(f"no connection to {service.name} from another host is silent for 1 s")
    forgotten = stale(clients, policy.path_idle_timeout)
    expect(
        f"number of forgotten sessions at port {service.port}",
        forgotten,
        none_stale(policy.path_idle_timeout),
        remedy=partial(close_stale, policy, sysctl, service),
    )


@rule(severity="high", kind="state", incidents=["S1.6"])
def test_upstream_connections_use_keepalive(
    connections: Connections, sysctl: Sysctls, upstream: Upstream, policy: Policy, expect: Expect
) -> None:
    """Each silent connection to the upstream is probed before the path forgets it.

    This is service-connections-use-keepalive for the side that dials, such as a pool of connections
    to a database.

    Why: A connection that a box on the way has forgotten (incident S1.6) looks alive to the side
        that dialled. Its next request waits for many minutes, or is reset.
    Remedy: Turn keepalive on in the client, sooner than the path forgets, and restart it (libpq:
        `keepalives_idle=60`, HAProxy: `option srvtcpka`).
        `sysctl -w net.ipv4.tcp_keepalive_time=200`
        `echo 'net.ipv4.tcp_keepalive_time=200' > /etc/sysctl.d/99-zz-tcp_keepalive_time.conf`
        `systemctl restart SERVICE`
    References:
        - tcp(7), socket(7)
        - ss(8), --options
    """
    if upstream.keepalive != "required":
        declared = f"{upstream.name} declares keepalive: {upstream.keepalive}"
        not_applicable(declared, Reason.NOT_DECLARED)
    dialled, place = settled(connections_to(connections, upstream)), place_of(upstream)
    if not dialled:
        not_applicable(f"no connection to {place} port {upstream.dialled_port} is silent for 1 s")
    idle = policy.path_idle_timeout
    judged = probing(dialled, idle, sysctl)
    hint = partial(why_unprobed, judged, idle, sysctl)
    remedy = partial(probe_connections, judged, policy, sysctl, upstream)
    expect(f"keepalive towards {place}", judged, probed_before(idle), hint, remedy)

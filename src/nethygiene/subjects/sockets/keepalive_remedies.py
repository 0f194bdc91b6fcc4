"""Remedies of connections that are probed too late or not at all, with the policy's own numbers."""

from __future__ import annotations

from contextlib import suppress

from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.engine.remedies import paragraphs, set_sysctls
from nethygiene.inventory.policy import Policy, Service, Upstream
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.keepalive import Probing
from nethygiene.subjects.sockets.restarting import restart_service

_TIME = "net.ipv4.tcp_keepalive_time"
_INTERVAL = "net.ipv4.tcp_keepalive_intvl"
_PROBES = "net.ipv4.tcp_keepalive_probes"
_MOST_PROBES = 6
_SHARE = 0.6
"""The share of the path's patience after which to probe: one lost probe leaves time for another."""


def probe_sooner(policy: Policy, sysctl: Sysctls) -> str:
    """The remedy of a tcp_keepalive_time that is not below the path's patience."""
    return paragraphs(
        f"Probe sooner than the path forgets an idle connection, after "
        f"{policy.path_idle_timeout} s; then restart the services: timers that run already keep "
        "their time. What the most impatient box on the way allows is declared as "
        "`path_idle_timeout`.",
        _in_time(policy, sysctl),
    )


def notice_dead_peers(policy: Policy) -> str:
    """The remedy of keepalive settings that take longer to find a peer dead than is allowed."""
    within = policy.dead_peer_within or 0
    seconds = _seconds(policy)
    probes = min(_MOST_PROBES, within - seconds)
    if probes < 1:
        return (
            f"No setting notices a dead peer within {within} s: a probe after 1 s and 1 s for its "
            "answer are the least. Declare a `dead_peer_within` of 2 or more."
        )
    interval = (within - seconds) // probes
    return paragraphs(
        f"A dead peer is noticed after time + interval * probes, here {seconds} + {interval} * "
        f"{probes} = {seconds + interval * probes} s. Then restart the services.",
        set_sysctls({_TIME: seconds, _INTERVAL: interval, _PROBES: probes}),
    )


def probe_connections(
    probing: Probing, policy: Policy, sysctl: Sysctls, of: Service | Upstream
) -> str:
    """The remedy of connections without a keepalive timer, or with one that is due too late."""
    parts = []
    seconds = _seconds(policy)
    if probing.unprobed and isinstance(of, Service):
        parts.append(
            f"Have the application ask for keepalive (nginx: `listen {of.port} "
            f"so_keepalive={seconds}:10:6;`). Where the service probes by itself, as sshd by "
            "`ClientAliveInterval`, declare `keepalive: any` for it; where its clients do, "
            "`keepalive: peer`: neither shows here."
        )
    elif probing.unprobed:
        parts.append(
            f"Have the client ask for keepalive (libpq: `keepalives_idle={seconds}`, HAProxy: "
            "`option srvtcpka`)."
        )
    if sysctl[_TIME] >= policy.path_idle_timeout:
        parts += ["Have the kernel probe sooner than the path forgets:", _in_time(policy, sysctl)]
    who = restart_service(of) if isinstance(of, Service) else f"restart what dials {of.name}"
    parts.append(f"Then {who}: its timers keep the time that they were set to.")
    return paragraphs(*parts)


def close_stale(policy: Policy, sysctl: Sysctls, service: Service) -> str:
    """The remedy of sessions that the path has forgotten."""
    return paragraphs(
        "Have the application ask for keepalive, so that it finds such sessions dead (see "
        "service-connections-use-keepalive).",
        _in_time(policy, sysctl),
        f"Then {restart_service(service)}, which ends those that it holds now.",
    )


def _seconds(policy: Policy) -> int:
    """After how many idle seconds to probe: in time for the path, and for `dead_peer_within`."""
    seconds = int(policy.path_idle_timeout * _SHARE)
    if policy.dead_peer_within is not None:
        seconds = min(seconds, policy.dead_peer_within // 2)
    return max(1, seconds)


def _in_time(policy: Policy, sysctl: Sysctls) -> str:
    seconds = _seconds(policy)
    values = {_TIME: seconds}
    # After a probe the timer runs for the interval, even if that is longer (Linux 6.18).
    with suppress(UnreadableFactError):
        if sysctl[_INTERVAL] >= policy.path_idle_timeout:
            values[_INTERVAL] = seconds
    return set_sysctls(values)

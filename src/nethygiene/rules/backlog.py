"""Why a listening socket's accept queue is shorter than its service asks for."""

from __future__ import annotations

from nethygiene.inventory.policy import Service
from nethygiene.probes.listener_owners import ListenerOwners
from nethygiene.probes.listeners import Listener
from nethygiene.probes.sysctl import Sysctls
from nethygiene.rules.remedies import lines, restart_processes, set_sysctls

_SOMAXCONN = "net.core.somaxconn"

# What kernels and distributions set before anyone tuned them: 128 until Linux 5.4, 4096 since
# (commit 19f92a030ca6), 2048 on RHEL 8.
_DEFAULTS = frozenset({128, 2048, 4096})


def why_backlog_is_short(listener: Listener, sysctl: Sysctls, owners: ListenerOwners) -> str:
    """Tell apart the three causes of a short backlog, with what to do.

    The limit is min(listen()'s backlog, somaxconn), frozen when listen() was called. Equal to
    today's somaxconn, it was clamped by it. Below it, the socket either was opened under a
    lower somaxconn or the application asks for less; the old defaults of the kernel betray
    the first.
    """
    somaxconn = sysctl["net.core.somaxconn"]
    who = " and ".join(owners.of(listener.port)) or "the service"
    if listener.backlog == somaxconn:
        return f"clamped by net.core.somaxconn = {somaxconn}: raise that, then restart {who}"
    if listener.backlog > somaxconn:
        return f"somaxconn is even lower ({somaxconn}): raise both, then restart {who}"
    if listener.backlog in _DEFAULTS:
        return (
            f"somaxconn is {somaxconn} by now, so the socket is most likely older than the "
            f"setting: restart {who} (a reload does not listen anew); if it stays, the "
            "application asks for less"
        )
    return f"the application asks for less: raise its own backlog option, then restart {who}"


def raise_somaxconn(backlog: int, restart: str) -> str:
    """The remedy of a somaxconn below `backlog`; `restart` says whom to restart then."""
    return lines(
        "Raise it now and for good.",
        set_sysctls({_SOMAXCONN: backlog}),
        f"Then {restart}: a socket keeps the limit that it was opened with, also over a reload.",
    )


def lengthen_backlog(
    listener: Listener, service: Service, sysctl: Sysctls, owners: ListenerOwners
) -> str:
    """The remedy of a socket whose backlog is shorter than its service declares."""
    backlog = service.backlog or 0
    restart = restart_processes(owners.of(listener.port), service)
    somaxconn = sysctl[_SOMAXCONN]
    own_option = (
        f"In the application, ask for a backlog of {backlog} (nginx: "
        f"`listen {service.port} backlog={backlog};`)."
    )
    asks_for_less = somaxconn != listener.backlog and listener.backlog not in _DEFAULTS
    if somaxconn < backlog:
        parts = [raise_somaxconn(backlog, restart)]
        return lines(*([own_option] if asks_for_less else []), *parts)
    if asks_for_less:
        return f"{own_option} Then {restart}."
    again = restart[0].upper() + restart[1:]
    return f"{again}. Where the backlog is {listener.backlog} still: {own_option}"

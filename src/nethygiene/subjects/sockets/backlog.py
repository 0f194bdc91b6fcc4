"""Why a listening socket's accept queue is shorter than its service asks for."""

from __future__ import annotations

from nethygiene.engine.remedies import command, paragraphs, set_sysctls, word
from nethygiene.inventory.policy import Service
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listener
from nethygiene.subjects.sockets.restarting import restart_listener

_SOMAXCONN = "net.core.somaxconn"

# The untuned values of kernels and distributions: 128 until Linux 5.4, 4096 since (commit
# 19f92a030ca6), 2048 on RHEL 8.
_DEFAULTS = frozenset({128, 2048, 4096})


def why_backlog_is_short(listener: Listener, sysctl: Sysctls, owners: ListenerOwners) -> str:
    """Name the cause of a short backlog, and what to do.

    The limit is min(listen()'s backlog, somaxconn), frozen when listen() was called. If it equals
    today's somaxconn, somaxconn clamped it. If it is lower, either the socket was opened under a
    lower somaxconn, or the application asks for less. An old default of the kernel gives away the
    former.
    """
    somaxconn = sysctl["net.core.somaxconn"]
    who = " and ".join(map(str, owners.of(listener.port))) or "the service"
    if listener.backlog == somaxconn:
        return f"clamped by net.core.somaxconn = {somaxconn}: raise that, then restart {who}"
    if listener.backlog > somaxconn:
        return f"somaxconn is even lower ({somaxconn}): raise both, then restart {who}"
    if listener.backlog in _DEFAULTS:
        return (
            f"somaxconn is {somaxconn} by now, so the socket is most likely older than the "
            f"setting: restart {who} (a reload keeps the old socket); if it stays, the "
            "application asks for less"
        )
    return f"the application asks for less: raise its own backlog option, then restart {who}"


def raise_somaxconn(backlog: int, restart: str) -> str:
    """The remedy of a somaxconn below `backlog`; `restart` is the sentence on what to restart."""
    return paragraphs(
        "Raise it now and for good. A socket keeps the limit that it was opened with.",
        set_sysctls({_SOMAXCONN: backlog}),
        restart,
    )


def lengthen_backlog(
    listener: Listener, service: Service, sysctl: Sysctls, owners: ListenerOwners
) -> str:
    """The remedy of a socket whose backlog is shorter than its service declares."""
    backlog = service.backlog or 0
    somaxconn = sysctl[_SOMAXCONN]
    restart = restart_listener(listener, owners.of(listener.port), service)
    option = (
        f"have the application ask for a backlog of {backlog} (nginx: "
        f"`listen {service.port} backlog={backlog};`)"
    )
    raised = set_sysctls({_SOMAXCONN: backlog}) if somaxconn < backlog else ""
    if listener.backlog == somaxconn or listener.backlog in _DEFAULTS:
        then = f"Where its backlog stays below {backlog} then, {option}."
        advice = "Raise net.core.somaxconn now and for good." if raised else ""
        return paragraphs(advice, raised, restart, "", then)
    return paragraphs(f"{option[0].upper()}{option[1:]}.", raised, restart)


FIND_FULL_QUEUE = paragraphs(
    "Find the queue that is full at times: Recv-Q is above Send-Q, its limit. Rising here, it was "
    "full in the window.",
    command("ss -lnt"),
    "Where the limit is small, raise it: see listener-backlog-in-effect. Where it is ample, the "
    "application is too slow to accept, or is out of descriptors: see "
    "service-descriptors-available.",
)


def empty_queue(listener: Listener) -> str:
    """The remedy of an accept queue that is full."""
    advice = (
        f"{listener.waiting} connections wait at {listener} for its application to accept them, "
        f"and the queue holds {listener.backlog + 1}. See what it does instead, and whether it has "
        "descriptors left (service-descriptors-available):"
    )
    look = command(f"ss -lntp 'sport = :{listener.port}'")
    if listener.unit:
        unit = word(listener.unit.removesuffix(".service"))
        look = "\n".join([look, command(f"journalctl -u {unit} --since=-15min --no-pager")])
    return paragraphs(
        advice,
        look,
        "Where it accepts, and bursts are longer than its queue: declare its `backlog`, which "
        "somaxconn-covers-backlog and listener-backlog-in-effect then see to.",
    )

"""The accept queue: where finished handshakes wait for the application."""

from functools import partial

from nethygiene.rules import (
    Expect,
    Policy,
    Reason,
    Service,
    at_least,
    at_most,
    not_applicable,
    rule,
)
from nethygiene.subjects.kernel.counters import Counters
from nethygiene.subjects.kernel.rises import not_rising
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.backlog import (
    FIND_FULL_QUEUE,
    empty_queue,
    lengthen_backlog,
    raise_somaxconn,
    why_backlog_is_short,
)
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners
from nethygiene.subjects.sockets.restarting import restart_service
from nethygiene.subjects.sockets.serving import sockets_of


@rule(severity="high", kind="setting", incidents=["S3"], judged_if="served_here")
def test_somaxconn_covers_backlog(sysctl: Sysctls, service: Service, expect: Expect) -> None:
    """somaxconn is at least the backlog that the service asks for.

    Why: The kernel silently cuts the backlog of listen() down to net.core.somaxconn. A shop's
        site dropped connections from time to time behind a queue of 128, with normal load and
        no alarm (incident S3).
    Remedy: Raise it now and for good, to the largest backlog declared. Then restart the service:
        a socket keeps the limit that it was opened with.
        `sysctl -w net.core.somaxconn=16384`
        `echo 'net.core.somaxconn=16384' > /etc/sysctl.d/99-zz-somaxconn.conf`
        `systemctl restart SERVICE`
    Kernels: The default is 128 until Linux 5.3 and 4096 since 5.4. Before Linux 4.1 the limit is a
        16-bit field, so stay below 65536 there.

    References:
        - listen(2)
        - https://git.kernel.org/torvalds/c/19f92a030ca6
    """
    if service.backlog is None:
        not_applicable(f"service {service.name} declares no backlog", Reason.NOT_DECLARED)
    expect(
        "net.core.somaxconn",
        sysctl["net.core.somaxconn"],
        at_least(service.backlog),
        remedy=raise_somaxconn(service.backlog, f"Then {restart_service(service)}."),
    )


@rule(severity="high", kind="setting", incidents=["S3"])
def test_somaxconn_meets_policy(sysctl: Sysctls, policy: Policy, expect: Expect) -> None:
    """somaxconn is at least what the policy asks for.

    Why: somaxconn also clamps the services that nobody declared (incident S3).
    Remedy: Raise it now and for good, then restart the services that listen.
        `sysctl -w net.core.somaxconn=16384`
        `echo 'net.core.somaxconn=16384' > /etc/sysctl.d/99-zz-somaxconn.conf`
    Kernels: The default is 128 until Linux 5.3 and 4096 since 5.4.

    References:
        - listen(2)
    """
    if policy.min_somaxconn is None:
        not_applicable("the policy declares no min_somaxconn", Reason.NOT_DECLARED)
    expect(
        "net.core.somaxconn",
        sysctl["net.core.somaxconn"],
        at_least(policy.min_somaxconn),
        remedy=raise_somaxconn(policy.min_somaxconn, "Then restart the services that listen."),
    )


@rule(severity="high", kind="state", incidents=["S3"], judged_if="served_here")
def test_listener_backlog_in_effect(
    listeners: Listeners,
    sysctl: Sysctls,
    listener_owners: ListenerOwners,
    service: Service,
    expect: Expect,
) -> None:
    """Every listening socket of the service has the backlog that it asks for.

    Why: listen() freezes the limit of an accept queue. After somaxconn was raised, the old sockets
        still drop connections (incident S3). A reload does not help: nginx calls listen() again on
        reload only if its own backlog= changed.
    Remedy: The message names the cause. If somaxconn clamps the backlog, raise it. If the socket is
        older than the setting, restart the service. If the application asks for less, raise its
        own option, such as `listen 443 backlog=16384;` in nginx. Then, in each case:
        `systemctl restart SERVICE`
    References:
        - listen(2)
        - ss(8): Send-Q of a listening socket is its backlog
        - Documentation/networking/snmp_counter.rst, TcpExtListenOverflows
    """
    if service.backlog is None:
        not_applicable(f"service {service.name} declares no backlog", Reason.NOT_DECLARED)
    sockets = sockets_of(listeners, service)
    if not sockets:
        not_applicable(f"nothing listens on port {service.port}")
    for socket in sockets:
        expect(
            f"backlog of {socket}",
            socket.backlog,
            at_least(service.backlog),
            partial(why_backlog_is_short, socket, sysctl, listener_owners),
            partial(lengthen_backlog, socket, service, sysctl, listener_owners),
        )


@rule(severity="high", kind="rate", incidents=["S3"])
def test_accept_queue_not_overflowing(
    counters: Counters, listeners: Listeners, expect: Expect
) -> None:
    """No connection was dropped for a full accept queue.

    Why: A client whose SYN meets a full queue tries again after a second or more, or gives up. The
        site is unreachable from time to time, with normal load and no alarm (incident S3).
    Remedy: Find the queue that is full: `ss -lnt` shows Recv-Q above Send-Q. If Send-Q is small,
        raise the backlog (see somaxconn-covers-backlog and listener-backlog-in-effect). If it is
        ample, the application accepts too slowly, or has no file descriptors left: compare
        `ls /proc/PID/fd | wc -l` with the limits in `/proc/PID/limits`.
        `systemctl restart SERVICE`
    Kernels: Since Linux 4.10 the kernel drops a SYN that meets a full queue. Before, the client saw
        a finished handshake, and its data hung. The queue holds one connection more than Send-Q.

    References:
        - https://docs.kernel.org/networking/snmp_counter.html
        - listen(2)
    """
    for socket in listeners:
        # backlog 0 is a real listen(0): one waiting connection is healthy there.
        if socket.backlog > 0:
            expect(
                f"accept queue of {socket}",
                socket.waiting,
                at_most(socket.backlog),
                remedy=partial(empty_queue, socket),
            )
    expect(
        "TcpExtListenOverflows",
        counters.change("TcpExtListenOverflows"),
        not_rising(),
        remedy=FIND_FULL_QUEUE,
    )

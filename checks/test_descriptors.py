"""File descriptors: a process without any left cannot accept connections."""

from functools import partial

from nethygiene.engine.remedies import paragraphs, set_sysctls
from nethygiene.rules import Expect, Policy, Service, at_least, at_most, not_applicable, rule
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.descriptor_limits import (
    descriptors_of_host,
    descriptors_of_listeners,
    raise_limit,
)
from nethygiene.subjects.sockets.descriptors import Descriptors
from nethygiene.subjects.sockets.listener_owners import ListenerOwners
from nethygiene.subjects.sockets.listeners import Listeners
from nethygiene.subjects.sockets.serving import sockets_of


@rule(severity="high", kind="state", incidents=["S3"])
def test_file_descriptors_available(sysctl: Sysctls, policy: Policy, expect: Expect) -> None:
    """The host has file descriptors left, and as many as the policy asks for.

    Why: A host without free file descriptors accepts no connection of any service. At best it logs
        "Too many open files in system" (incident S3).
    Remedy: Find who holds them (`lsof | cut -d' ' -f1 | sort | uniq -c`), and raise the limit.
        `sysctl -w fs.file-max=1000000`
        `echo 'fs.file-max=1000000' > /etc/sysctl.d/99-zz-file-max.conf`
    References:
        - proc_sys_fs(5): file-max, file-nr
    """
    use = descriptors_of_host(sysctl)
    more = max(2 * use.limit, policy.min_file_max or 0)
    expect(
        use.what,
        use.used,
        at_most(use.nine_tenths),
        f"90 % of fs.file-max, {use.limit}",
        paragraphs(
            "Find who holds them, and fix what leaks them; or raise the limit.",
            "`lsof -n | cut -d' ' -f1 | sort | uniq -c | sort -n | tail`",
            "",
            "To raise it:",
            set_sysctls({"fs.file-max": more}),
        ),
    )
    if policy.min_file_max is not None:
        expect(
            "fs.file-max",
            sysctl["fs.file-max"],
            at_least(policy.min_file_max),
            remedy=paragraphs(
                "Raise it now and for good.", set_sysctls({"fs.file-max": policy.min_file_max})
            ),
        )


@rule(severity="high", kind="state", incidents=["S3"], judged_if="served_here")
def test_service_descriptors_available(
    service: Service,
    listeners: Listeners,
    listener_owners: ListenerOwners,
    descriptors: Descriptors,
    expect: Expect,
) -> None:
    """The processes of a service have descriptors left to accept connections.

    The rule judges each process that holds the listening socket, masters and workers, by its own
    soft limit.

    Why: accept() fails without a free descriptor, and the accept queue overflows, however long it
        is. That is the other cause of what incident S3 saw. A larger backlog does not help.
    Remedy: Raise the service's limit, and restart it. `prlimit --pid PID --nofile=65536` gives a
        running process more at once. If the application leaks descriptors, fix it.
        `systemctl edit SERVICE` with the lines [Service] and LimitNOFILE=65536
        `systemctl restart SERVICE`
    Kernels: Since Linux 6.2 everyone may see how many descriptors a process has open. Before, only
        root may count them; the size of the process's table can prove to others that there is room.

    References:
        - systemd.exec(5), LimitNOFILE=
        - https://git.kernel.org/torvalds/c/f1f1f2569901
    """
    sockets = sockets_of(listeners, service)
    if not sockets:
        not_applicable(f"nothing listens on port {service.port}")
    for use in descriptors_of_listeners(sockets, listener_owners, descriptors):
        expect(
            use.what,
            use.used,
            at_most(use.nine_tenths),
            f"90 % of its soft limit, {use.limit}",
            partial(raise_limit, use, sockets[0]),
        )

"""The SYN queue: half-open connections, and what happens when there are too many."""

from nethygiene.engine.kernel import Kernel
from nethygiene.engine.remedies import paragraphs, set_sysctls
from nethygiene.rules import Expect, Policy, Reason, at_least, equal_to, not_applicable, rule
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.sockets.half_open import max_syn_backlog_for

COOKIES = {"net.ipv4.tcp_syncookies": "1"}


@rule(severity="medium", kind="setting", incidents=["S3"], defaults=COOKIES)
def test_tcp_syncookies_enabled(sysctl: Sysctls, expect: Expect) -> None:
    """SYN cookies are sent when the SYN queue overflows.

    Why: Without SYN cookies (0) a SYN flood fills the queue of half-open connections and locks out
        everyone (incident S3). The value 2 is for tests: it makes every connection by cookie, which
        loses TCP options.
    Remedy: Set it to 1 now and for good.
        `sysctl -w net.ipv4.tcp_syncookies=1`
        `echo 'net.ipv4.tcp_syncookies=1' > /etc/sysctl.d/99-zz-tcp_syncookies.conf`
    References:
        - ip-sysctl: https://docs.kernel.org/networking/ip-sysctl.html
        - tcp(7)
    """
    expect("net.ipv4.tcp_syncookies", sysctl["net.ipv4.tcp_syncookies"], equal_to(1))


@rule(severity="medium", kind="setting", incidents=["S3"], version=2, defaults=COOKIES)
def test_tcp_max_syn_backlog_covers_backlog(
    sysctl: Sysctls, kernel: Kernel, policy: Policy, expect: Expect
) -> None:
    """tcp_max_syn_backlog covers the largest declared backlog, where it matters.

    Why: A short SYN queue drops connections before they ever reach the accept queue (incident S3).
    Remedy: Raise it so that the SYN queue holds the largest backlog declared, or turn SYN cookies
        on. Without SYN cookies the queue holds three quarters of this setting, plus one.
        `sysctl -w net.ipv4.tcp_max_syn_backlog=16384`
        `echo 'net.ipv4.tcp_max_syn_backlog=16384' > /etc/sysctl.d/99-zz-tcp_max_syn_backlog.conf`
    Kernels: Since Linux 4.4 the SYN queue's limit is the listening socket's own backlog. The kernel
        heeds this setting only with tcp_syncookies = 0 (tried on Linux 6.18: backlog 512 and
        tcp_max_syn_backlog = 8 held 30 half-open connections with cookies on, 7 without).

    References:
        - https://git.kernel.org/torvalds/c/ef547f2ac16b
        - tcp(7)
    """
    services = policy.services.values()
    backlogs = [service.backlog for service in services if service.backlog is not None]
    if not backlogs:
        not_applicable("the policy declares no backlog", Reason.NOT_DECLARED)
    if kernel.is_at_least(4, 4) and sysctl["net.ipv4.tcp_syncookies"] != 0:
        not_applicable("heeded before Linux 4.4 or without SYN cookies", Reason.NOT_THIS_KERNEL)
    needed = max(backlogs)
    if sysctl["net.ipv4.tcp_syncookies"] == 0:
        needed = max_syn_backlog_for(needed)
    value = sysctl["net.ipv4.tcp_max_syn_backlog"]
    expect(
        "net.ipv4.tcp_max_syn_backlog",
        value,
        at_least(needed),
        remedy=paragraphs(
            f"Raise it so that the SYN queue holds the largest backlog declared, {max(backlogs)}, "
            "or turn SYN cookies on.",
            set_sysctls({"net.ipv4.tcp_max_syn_backlog": needed}),
        ),
    )


@rule(
    severity="medium",
    kind="setting",
    incidents=["S3"],
    defaults={"net.ipv4.tcp_abort_on_overflow": "0"},
)
def test_tcp_abort_on_overflow_disabled(sysctl: Sysctls, expect: Expect) -> None:
    """A full accept queue does not reset connections.

    Why: Set to 1 for a moment, it proves that the accept queue overflows (incident S3). Left on, it
        resets the clients of every short burst, which would otherwise get through on the next try.
    Remedy: Set it back to 0, and fix the queue instead (accept-queue-not-overflowing).
        `sysctl -w net.ipv4.tcp_abort_on_overflow=0`
        `echo 'net.ipv4.tcp_abort_on_overflow=0' > /etc/sysctl.d/99-zz-tcp_abort_on_overflow.conf`
    References:
        - tcp(7)
        - ip-sysctl: https://docs.kernel.org/networking/ip-sysctl.html
    """
    value = sysctl["net.ipv4.tcp_abort_on_overflow"]
    expect("net.ipv4.tcp_abort_on_overflow", value, equal_to(0))

"""TIME-WAIT sockets, timestamps, and the clients behind a NAT that they can lock out."""

from nethygiene.engine.kernel import Kernel
from nethygiene.engine.remedies import paragraphs, set_sysctls
from nethygiene.rules import (
    Expect,
    Policy,
    Reason,
    absent_or,
    at_least,
    not_applicable,
    one_of,
    rule,
    unknown,
)
from nethygiene.subjects.kernel.sysctl import Sysctls


@rule(
    severity="critical",
    kind="setting",
    incidents=["S1.4", "S3"],
    defaults={"net.ipv4.tcp_tw_recycle": "0"},
)
def test_tcp_tw_recycle_disabled(sysctl: Sysctls, kernel: Kernel, expect: Expect) -> None:
    """tcp_tw_recycle is off, or gone from the kernel.

    With tcp_tw_recycle, the kernel remembers the last TCP timestamp of each *address*. For a minute
    it silently drops a SYN with an older one.

    Why: Clients behind one NAT share an address but not a clock. Now and then, some of them cannot
        log in, and nothing is logged. SYNs arrive, no SYN-ACK leaves (incident S1.4).
    Remedy: Turn it off now and for good. Never turn off tcp_timestamps instead.
        `sysctl -w net.ipv4.tcp_tw_recycle=0`
        `grep -ls tw_recycle /etc/sysctl.conf /etc/sysctl.d/* | xargs -r sed -i /tw_recycle/d`
        `echo 'net.ipv4.tcp_tw_recycle=0' > /etc/sysctl.d/99-zz-tcp_tw_recycle.conf`
    Kernels: Linux 4.12 removed it (commit 4396e46187ca), so absent is right there. On an older
        kernel it is absent inside a container, but the host's value still rules there. That is
        unknown: audit the container's host.

    References:
        - Coping with the TCP TIME-WAIT state: https://vincent.bernat.ch/en/blog/2014-tcp-time-wait-state-linux
        - https://git.kernel.org/torvalds/c/4396e46187ca
        - RFC 7323, section 5: https://www.rfc-editor.org/rfc/rfc7323#section-5
    """
    recycle = sysctl.find("net.ipv4.tcp_tw_recycle")
    if recycle is None and not kernel.is_at_least(4, 12):
        unknown(f"not visible here, but Linux {kernel.release} has it: audit the container's host")
    expect("net.ipv4.tcp_tw_recycle", recycle, absent_or(0), "clients behind a NAT lose SYNs")


@rule(severity="low", kind="setting", incidents=["S1.4", "S3"])
def test_tcp_tw_reuse_matches_policy(
    sysctl: Sysctls, kernel: Kernel, policy: Policy, expect: Expect
) -> None:
    """tcp_tw_reuse is what the policy says.

    tcp_tw_reuse lets an *outgoing* connection take the port of one in TIME-WAIT. It cannot lose an
    incoming SYN, so its value is a matter of policy: `disabled` is 0, `global` is 1, and
    `loopback`, the default, is 0 or 2.

    Why: Guides disagree. One of the incidents blames it along with tcp_tw_recycle (S1.4), another
        turns it on as a cure (S3). A fleet should at least do the same everywhere, on purpose.
    Remedy: Set what the policy says, or change `tw_reuse` in the inventory.
        `sysctl -w net.ipv4.tcp_tw_reuse=2`
        `echo 'net.ipv4.tcp_tw_reuse=2' > /etc/sysctl.d/99-zz-tcp_tw_reuse.conf`
    Kernels: The value 2 (loopback only) came with Linux 4.19, where it is the default; older
        kernels know 0 and 1.

    References:
        - ip-sysctl: https://docs.kernel.org/networking/ip-sysctl.html
        - tcp(7)
    """
    values = {"disabled": (0,), "loopback": (0, 2), "global": (1,)}.get(policy.tw_reuse)
    if values is None:
        not_applicable("the policy leaves tw_reuse open (any)", Reason.POLICY_ANY)
    hint = f"the policy says tw_reuse: {policy.tw_reuse}"

    def remedy() -> str:
        # `loopback` allows 0 and 2: write the kernel's own default.
        value = 2 if policy.tw_reuse == "loopback" and kernel.is_at_least(4, 19) else values[0]
        return paragraphs(
            "Set what the policy says, or change `tw_reuse` in the inventory.",
            set_sysctls({"net.ipv4.tcp_tw_reuse": value}),
        )

    expect("net.ipv4.tcp_tw_reuse", sysctl["net.ipv4.tcp_tw_reuse"], one_of(values), hint, remedy)


@rule(
    severity="low",
    kind="setting",
    incidents=["S1.4", "S3"],
    defaults={"net.ipv4.tcp_timestamps": "1"},
)
def test_tcp_timestamps_enabled(sysctl: Sysctls, expect: Expect) -> None:
    """TCP timestamps are on.

    Why: Turning them off is the wrong cure for tcp_tw_recycle (S1.4). It loses exact round-trip
        times and the protection against wrapped sequence numbers (PAWS).
    Remedy: Turn them on now and for good.
        `sysctl -w net.ipv4.tcp_timestamps=1`
        `echo 'net.ipv4.tcp_timestamps=1' > /etc/sysctl.d/99-zz-tcp_timestamps.conf`
    References:
        - RFC 7323: https://www.rfc-editor.org/rfc/rfc7323
        - ip-sysctl: https://docs.kernel.org/networking/ip-sysctl.html
    """
    expect("net.ipv4.tcp_timestamps", sysctl["net.ipv4.tcp_timestamps"], at_least(1))

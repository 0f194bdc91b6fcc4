"""Persistence: what is right now, and would be lost by the next boot."""

from functools import partial

from nethygiene.engine.kernel import Kernel
from nethygiene.rules import Expect, equal_to, rule
from nethygiene.subjects.kernel.boot_sysctls import BootSysctls
from nethygiene.subjects.kernel.judged import JudgedSysctl
from nethygiene.subjects.kernel.persistence import after_boot, why_lost, write_down


@rule(severity="medium", kind="setting", incidents=["S1.4", "S1.6", "S1.8", "S3"], version=2)
def test_settings_persist(
    persisted_sysctl: JudgedSysctl, boot_sysctls: BootSysctls, kernel: Kernel, expect: Expect
) -> None:
    """A sysctl that is right now will still be right after the next boot.

    Judged are those sysctls that the other rules of the same run find to be good. What the next
    boot sets is read from the files of sysctl.d in their order of precedence (and from
    /etc/sysctl.conf where the host does not boot with systemd, which does not read it), ufw's own
    file and the kernel's command line; where nothing sets it, the kernel's default counts. Other
    programs that write sysctls (scripts, network managers, container engines) are not seen.

    Why: A value that was typed in during an incident is gone after the next boot, and the incident
        is back (S1.4, S1.6, S1.8, S3).
    Remedy: Write it down, in a file of a name that comes last; where another still has the last
        word, which the message names then, write it there.
        `echo 'KEY=VALUE' > /etc/sysctl.d/99-zz-KEY.conf`
    Kernels: The default of net.core.somaxconn is 128 until Linux 5.3 and 4096 since Linux 5.4; on
        RHEL 8 it is 128 in 8.0, 2048 in 8.10, and cannot be told in between. That of tcp_tw_reuse
        is 0 until 4.18, and 2 since 4.19 and on RHEL 8. A number is compared as the kernel takes
        it: `0x3c`, `074` and `60 # comment` are all 60.

    References:
        - sysctl.d(5), systemd-sysctl.service(8), sysctl(8)
    """
    found = after_boot(boot_sysctls, kernel, persisted_sysctl)
    hint = partial(why_lost, boot_sysctls, persisted_sysctl)
    name = f"{persisted_sysctl.name} after the next boot"
    remedy = partial(write_down, boot_sysctls, persisted_sysctl)
    expect(name, found, equal_to(persisted_sysctl.value), hint, remedy)

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

    The rule judges the sysctls that other rules of the same run find right. The next boot sets what
    stands in the files of sysctl.d, in their order of precedence, in ufw's own file and on the
    kernel's command line. It reads /etc/sysctl.conf only if the host does not boot with systemd. If
    nothing sets a sysctl, the kernel's default counts. The rule does not see other programs that
    write sysctls (scripts, network managers, container engines).

    Why: Somebody types in a value during an incident. It is gone after the next boot, and the
        incident is back (S1.4, S1.6, S1.8, S3).
    Remedy: Write it into a file whose name comes last. If another file still has the last word, the
        message names it: write it there.
        `echo 'KEY=VALUE' > /etc/sysctl.d/99-zz-KEY.conf`
    Kernels: The default of net.core.somaxconn is 128 until Linux 5.3 and 4096 since Linux 5.4. On
        RHEL 8 it is 128 in 8.0, 2048 in 8.10, and unknown in between. The default of tcp_tw_reuse
        is 0 until 4.18, and 2 since 4.19 and on RHEL 8. A number is compared as the kernel takes
        it: `0x3c`, `074` and `60 # comment` are all 60.

    References:
        - sysctl.d(5), systemd-sysctl.service(8), sysctl(8)
    """
    value = after_boot(boot_sysctls, kernel, persisted_sysctl)
    hint = partial(why_lost, boot_sysctls, persisted_sysctl)
    name = f"{persisted_sysctl.name} after the next boot"
    remedy = partial(write_down, boot_sysctls, persisted_sysctl)
    expect(name, value, equal_to(persisted_sysctl.value), hint, remedy)

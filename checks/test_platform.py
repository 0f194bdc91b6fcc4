"""The platform: SELinux and NetworkManager, as the policy declares them."""

from functools import partial

from nethygiene.rules import Expect, Policy, Reason, equal_to, not_applicable, one_of, rule
from nethygiene.subjects.platform.network_manager import NetworkManager
from nethygiene.subjects.platform.platform import (
    run_network_manager,
    set_selinux_at_boot,
    set_selinux_now,
)
from nethygiene.subjects.platform.selinux import Selinux


@rule(severity="low", kind="setting", incidents=["S3"])
def test_selinux_matches_policy(selinux: Selinux, policy: Policy, expect: Expect) -> None:
    """SELinux is in the declared state now, and will be after the next boot.

    Why: Somebody types `setenforce 0` while looking for a fault, and forgets it. The next boot
        undoes it. A state that differs from machine to machine costs time in every search (incident
        S3).
    Remedy: Set it in the configuration (enforcing, permissive or disabled), and take `selinux=` and
        `enforcing=` off the kernel's command line. Then set it now (1 enforces, 0 is permissive).
        To turn it on or off altogether takes a boot.
        `sed -i 's/^SELINUX=.*/SELINUX=enforcing/' /etc/selinux/config`
        `setenforce 1`
        Rather than turn it off for a port, allow the port:
        `semanage port -a -t http_port_t -p tcp PORT`
    Kernels: Since Linux 6.4 (RHEL 9), SELINUX=disabled leaves it running without a policy, which
        counts as disabled. There, `selinux=0` on the command line turns it off.

    References:
        - selinux(8), selinux_config(5)
        - https://github.com/SELinuxProject/selinux-kernel/wiki/DEPRECATE-runtime-disable
    """
    if policy.selinux == "any":
        not_applicable("the policy leaves selinux open (any)", Reason.POLICY_ANY)
    if not selinux.exists:
        not_applicable("the host has no SELinux: neither selinuxfs nor /etc/selinux/config")
    declared = str(policy.selinux)
    expect(
        "SELinux now",
        selinux.at_run_time,
        equal_to(declared),
        remedy=partial(set_selinux_now, selinux, declared),
    )
    expect(
        "SELinux after the next boot",
        selinux.at_next_boot,
        equal_to(declared),
        remedy=partial(set_selinux_at_boot, selinux, declared),
    )


@rule(severity="low", kind="setting", incidents=["S3"])
def test_network_manager_matches_policy(
    network_manager: NetworkManager, policy: Policy, expect: Expect
) -> None:
    """NetworkManager runs, or does not run, as declared; now and after the next boot.

    Why: Two owners of one interface overwrite each other's addresses and routes. On a server with a
        configuration of its own, NetworkManager is often meant to be off (incident S3).
    Remedy: If it is declared inactive (RHEL 9 and later have no other owner for their interfaces):
        `systemctl disable --now NetworkManager`
        If it is declared active:
        `systemctl enable --now NetworkManager`
    References:
        - systemctl(1), NetworkManager(8)
    """
    if policy.network_manager == "any":
        not_applicable("the policy leaves network_manager open (any)", Reason.POLICY_ANY)
    if not network_manager.exists:
        not_applicable("the host has no unit NetworkManager.service")
    active = policy.network_manager == "active"
    states = ("active", "reloading") if active else ("inactive", "failed")
    remedy = run_network_manager(str(policy.network_manager))
    expect("NetworkManager now", network_manager.state, one_of(states), remedy=remedy)
    at_boot = ("enabled",) if active else ("disabled", "masked")
    expect("NetworkManager at boot", network_manager.at_boot, one_of(at_boot), remedy=remedy)

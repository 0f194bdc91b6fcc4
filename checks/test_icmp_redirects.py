"""ICMP redirects: a gateway's word that another next hop is nearer."""

from functools import partial

from nethygiene.rules import Expect, Policy, Reason, equal_to, not_applicable, rule, unknown
from nethygiene.subjects.kernel.counters import Counters
from nethygiene.subjects.kernel.rises import never_risen
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interface_family import InterfaceFamily
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.links.redirects import (
    after_redirects,
    is_forwarding,
    treat_redirects,
    treatment_of_redirects,
    treatments_by_family,
)


@rule(severity="medium", kind="setting", incidents=["S1.8"], version=2)
def test_icmp_redirects_match_policy(
    interface_family: InterfaceFamily, sysctl: Sysctls, policy: Policy, expect: Expect
) -> None:
    """Every interface accepts or refuses ICMP redirects, as the policy says.

    No single setting decides. In IPv4 a host accepts redirects if `conf.all` or the interface says
    so, and a forwarding interface only if both do. In IPv6 the kernel does not ask `conf.all`, and
    a forwarding interface never accepts.

    Why: A hardened host ignored its gateway's redirects, and went on sending to a gateway that
        drops. One device alone lost many packets (incident S1.8). If the policy is to refuse (CIS,
        STIG), every interface has to refuse.
    Remedy: Declare `icmp_redirects: refuse` if that is meant. Otherwise accept them, for IPv4 on
        `all` and for IPv6 on each interface. Do so after setting ip_forward, which resets
        conf.all.accept_redirects. To refuse, write 0 to `all`, to each interface, and to `default`
        for those that come later.
        `sysctl -w net.ipv4.conf.all.accept_redirects=1 net.ipv6.conf.IFACE.accept_redirects=1`
    References:
        - ip-sysctl: https://docs.kernel.org/networking/ip-sysctl.html
        - IN_DEV_RX_REDIRECTS: https://github.com/torvalds/linux/blob/v6.18/include/linux/inetdevice.h
        - RFC 1122, section 3.2.2.2: https://www.rfc-editor.org/rfc/rfc1122#section-3.2.2.2
    """
    if policy.icmp_redirects == "any":
        not_applicable("the policy leaves icmp_redirects open (any)", Reason.POLICY_ANY)
    if not policy.declares("icmp_redirects") and is_forwarding(sysctl, interface_family):
        not_applicable("it forwards, and no icmp_redirects is declared", Reason.NOT_DECLARED)
    state = treatment_of_redirects(sysctl, interface_family)
    hint = "" if policy.declares("icmp_redirects") else "if meant, declare icmp_redirects: refuse"
    declared = str(policy.icmp_redirects)
    expect(
        f"treatment of ICMP redirects on {interface_family.name}",
        state,
        equal_to(declared),
        hint,
        partial(
            treat_redirects,
            declared,
            sysctl,
            interface_family,
            declared=policy.declares("icmp_redirects"),
        ),
    )


@rule(severity="medium", kind="rate", incidents=["S1.8"], version=2)
def test_icmp_redirects_not_ignored(
    interfaces: Interfaces, sysctl: Sysctls, counters: Counters, expect: Expect
) -> None:
    """No gateway is telling this host a better way that it ignores.

    If some interfaces accept redirects and others refuse them, the counter does not say which the
    host ignored: that is unknown.

    Why: The kernel counts a gateway's redirects even if it refuses them. Each says that traffic
        takes a detour, or goes to a gateway that will drop it (incident S1.8).
    Remedy: Give the host the route that its gateway advises: `tcpdump -ni any icmp` shows it in the
        redirect. Put it into the network configuration. At run time:
        `ip route add DESTINATION via GATEWAY`
        Then count from a run after the change: `--since=EVIDENCE`.
    Kernels: A Linux gateway sends some nine redirects in 12 s and then none for a minute (Linux
        6.18). The window alone would often see none.

    References:
        - RFC 1122, section 3.2.2.2: https://www.rfc-editor.org/rfc/rfc1122#section-3.2.2.2
        - nstat(8)
    """
    families = treatments_by_family(sysctl, interfaces)
    if not families:
        not_applicable("no interface that does not forward refuses redirects")
    mixed: list[str] = []
    for family, treatments in families.items():
        name = "IcmpInRedirects" if family == "ipv4" else "Icmp6InRedirects"
        change = counters.change(name)
        if "accept" in treatments and not never_risen().accepts(change):
            mixed.append(f"{name} is {change}, and some interfaces accept {family} redirects")
            continue
        hint = f"a gateway advises another {family} next hop: add a static route"
        expect(name, change, never_risen(), hint, after_redirects(family, change))
    if mixed:
        unknown(
            f"{'; '.join(mixed)}, others do not: the kernel counts them together; treat them alike "
            "on all interfaces"
        )

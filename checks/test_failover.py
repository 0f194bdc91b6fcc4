"""Shared addresses: who holds them, and whether the network lets the next holder have them."""

from functools import partial

from nethygiene.rules import (
    Each,
    Expect,
    Group,
    Reason,
    RoundTrip,
    VirtualAddress,
    not_applicable,
    rule,
)
from nethygiene.subjects.failover.address_samples import AddressSamples
from nethygiene.subjects.failover.answering_macs import admission_remedy, admitted, answering_macs
from nethygiene.subjects.failover.holder_remedies import one_holder_remedy
from nethygiene.subjects.failover.holders import by_one_member, held_by, looks_at, told_apart
from nethygiene.subjects.failover.keepalived import Keepalived
from nethygiene.subjects.kernel.sysctl import Sysctls
from nethygiene.subjects.links.interfaces import Interfaces


@rule(severity="critical", kind="state", incidents=["S1.7"], scope="group")
def test_virtual_address_held_once(
    virtual_address: VirtualAddress,
    group: Group,
    address_samples: Each[AddressSamples],
    interfaces: Each[Interfaces],
    sysctl: Each[Sysctls],
    round_trip: Each[RoundTrip],
    expect: Expect,
) -> None:
    """One member of the group holds the shared address, and no other answers for it.

    A member holds the address if an interface that is up has it: any interface, or the declared
    one and macvlans over it. Addresses that the kernel does not use (tentative, dadfailed) do not
    count. On lo it counts if the member answers ARP for it. A real server of LVS-DR, whose
    arp_ignore keeps it silent, holds nothing. A member whose kernel answers ARP for the address
    from another interface, or from one that is down, is a second holder to its neighbours. Filters
    of ARP (arptables, nft's family arp) are not read.

    Hosts are read one after another, and the address may move in between. So two holders, or none,
    are a failure only if the windows of the members overlap; otherwise, and without a window, they
    are unknown. A member that was not read makes the rule unknown too, unless two others hold the
    address.

    Why: A failover that did not take over leaves an address that nobody serves, and one that took
        over from a living holder leaves two that both answer. Half of the clients then talk to the
        wrong one (incident S1.7).
    Remedy: See which member should hold it, and why the members disagree: keepalived's log
        (`journalctl -u keepalived`), and whether VRRP gets through. Then have the holder announce
        the address again, since neighbours keep the MAC that answered last.
        `arping -U -c 3 -I IFACE ADDRESS`
    References:
        - RFC 9568, section 8.2.2: https://www.rfc-editor.org/rfc/rfc9568#section-8.2.2
        - keepalived.conf(5): garp_master_refresh
        - arp_ignore: https://docs.kernel.org/networking/ip-sysctl.html
    """
    looks = looks_at(virtual_address, address_samples, interfaces, sysctl, round_trip)
    held = held_by(looks, all_were_read=len(looks) == group.size and not group.missing)
    expect(
        str(virtual_address.address),
        held,
        by_one_member(),
        partial(told_apart, held, looks),
        partial(one_holder_remedy, virtual_address, held, looks),
    )


@rule(severity="high", kind="setting", incidents=["S1.7"], scope="group")
def test_virtual_address_mac_admitted(
    virtual_address: VirtualAddress,
    address_samples: Each[AddressSamples],
    interfaces: Each[Interfaces],
    sysctl: Each[Sysctls],
    keepalived: Each[Keepalived],
    expect: Expect,
) -> None:
    """The network admits the MAC with which each member answers for the shared address.

    That is the MAC of the interface that holds the address. Of a member that does not hold it, it
    is the one that keepalived's configuration leads to: 00:00:5e:00:01:VRID with `use_vmac` (of
    IPv6 00:00:5e:00:02:VRID), otherwise its interface's. Without keepalived it is that of the
    declared interface, or of the one whose network has the address. Real servers of LVS-DR never
    answer, and are left out.

    Why: A switch that ties the address to one MAC drops it once another member has taken it over.
        Clients then time out, though the failover went well (incident S1.7).
    Remedy: Have the network admit the MAC of each member, or leave the address out of the binding.
        Or let all members answer with one MAC, by `use_vmac` in keepalived.conf.

    References:
        - keepalived.conf(5): use_vmac, vmac_xmit_base
        - RFC 9568, section 7.3: https://www.rfc-editor.org/rfc/rfc9568#section-7.3
    """
    bound = virtual_address.bound_macs
    if not bound:
        not_applicable("no bound_macs are declared for it", Reason.NOT_DECLARED)
    facts = (address_samples, interfaces, sysctl, keepalived)
    for host, macs in answering_macs(virtual_address, *facts).items():
        for mac in macs:
            what = f"the MAC with which {host} answers for {virtual_address.address}"
            dropped = "the network drops the address once this member holds it"
            remedy = partial(admission_remedy, virtual_address, host, mac)
            expect(what, mac, admitted(bound), dropped, remedy)

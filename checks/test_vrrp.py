"""VRRP: the members of a group hear each other announce a shared address."""

from nethygiene.rules import Each, Expect, Group, VirtualAddress, rule
from nethygiene.subjects.failover.announcers import announcers_of
from nethygiene.subjects.failover.keepalived import Keepalived
from nethygiene.subjects.failover.vrrp import (
    Advertised,
    expect_agreement,
    expect_arrival,
    expect_declared_way,
    expect_members,
    require_announcers,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.links.interfaces import Interfaces


@rule(severity="high", kind="state", incidents=["S1.7"], scope="group")
def test_vrrp_advertisements_arrive(
    virtual_address: VirtualAddress,
    group: Group,
    keepalived: Each[Keepalived],
    interfaces: Each[Interfaces],
    packet_filter: Each[PacketFilter],
    expect: Expect,
) -> None:
    """The members of a group hear each other announce the shared address.

    Every member's packet filter lets VRRP (IP protocol 112) out, and in from every other member. By
    unicast each keepalived names all other members as unicast_peer, and sends from an address of
    its own. By multicast all send to the same group: 224.0.0.18, ff02::12, or the configured one.
    The first packet of a member that becomes master counts, so that a filter which lets in what is
    established alone does not pass. keepalived also drops advertisements of another virtual router
    id, VRRP version or list of addresses.

    The rule does not apply where no member's keepalived has the address. Switches and routers
    between the members are not seen, and reverse path filters are not asked. Advertisements in AH
    packets (protocol 51) are not followed.

    Why: A router dropped the multicast between a primary and its standby. Each heard nobody,
        and both became master (incident S1.7).
    Remedy: Let IP protocol 112 through between the members. Where the network drops multicast,
        announce by unicast, in each member's vrrp_instance: `unicast_src_ip`, and `unicast_peer`
        with the addresses of all others. `tcpdump -ni IFACE ip proto 112` shows what arrives.

    References:
        - RFC 9568, section 5.1: https://www.rfc-editor.org/rfc/rfc9568#section-5.1
        - keepalived.conf(5): unicast_peer, unicast_src_ip, vrrp_mcast_group4
    """
    members = announcers_of(virtual_address.address, keepalived, interfaces, packet_filter)
    found = Advertised(virtual_address, members, group.size, group.missing)
    require_announcers(found)
    expect_members(found, expect)
    expect_declared_way(found, expect)
    expect_agreement(found, expect)
    expect_arrival(found, expect)

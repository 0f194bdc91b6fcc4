"""Network interfaces: their errors, their drops, and the addresses that they have to have."""

from functools import partial

from nethygiene.rules import DeclaredInterface, Expect, equal_to, not_applicable, rule
from nethygiene.subjects.kernel.counters import Counters
from nethygiene.subjects.kernel.rate_bounds import bounded, sampled_enough
from nethygiene.subjects.kernel.rates import INTERFACE_DROPS, Rates
from nethygiene.subjects.kernel.rises import not_rising
from nethygiene.subjects.links.interface_kinds import InterfaceKinds
from nethygiene.subjects.links.interfaces import Interfaces
from nethygiene.subjects.links.link_mtus import Mtus, all_alike
from nethygiene.subjects.links.network_interface import (
    NetworkInterface,
    address_remedy,
    both_ways,
    drops_remedy,
    error_changes,
    errors_remedy,
    interface_with,
    link_remedy,
    state_of,
)
from nethygiene.subjects.links.subnet import Subnet


@rule(severity="medium", kind="rate", incidents=["S3"])
def test_interface_errors_not_rising(
    network_interface: NetworkInterface, counters: Counters, expect: Expect
) -> None:
    """No interface counts errors: broken frames, overruns, failed transmissions.

    The rule judges interfaces with hardware, bonds and VLANs, and those that the policy declares.
    It leaves out bridges, tunnels and the plumbing of containers.

    Why: A bad cable or an overrun ring loses packets with no other trace. This was the first thing
        to look at in incident S3, where a site was unreachable from time to time.
    Remedy: `ip -s -s link show dev IFACE` and `ethtool -S IFACE` show the kind of error. For CRC
        and frame errors, replace the cable or transceiver, and look at the switch's port. For
        overruns (fifo), give the card a longer ring.
        `ethtool -g IFACE`
        `ethtool -G IFACE rx 4096`
    References:
        - https://docs.kernel.org/networking/statistics.html
        - ip-link(8), ethtool(8)
    """
    for change in error_changes(counters, network_interface):
        expect(change.name, change, not_rising(), remedy=partial(errors_remedy, change))


@rule(severity="medium", kind="rate", incidents=["S3"], version=2)
def test_interface_drops_bounded(
    network_interface: NetworkInterface, counters: Counters, rates: Rates, expect: Expect
) -> None:
    """An interface drops no more than 0.1 % of its packets.

    The rule judges the same interfaces as interface-errors-not-rising, if at least a thousand
    packets passed. On an idle interface a single foreign frame would be a high share. Fewer than
    ten drops are no finding either, because a switch sends an unasked frame every two seconds
    (spanning tree). If more drops are in reach, and the share is too high, the host samples on for
    up to 10 s.

    Why: Packets that the host itself drops look like loss on the way (incident S3).
    Remedy: `ip -s -s link show dev IFACE` and `ethtool -S IFACE` show the cause. For missed or
        no-buffer drops, give the card a longer ring, or its interrupts to more processors. If
        retransmissions do not rise too, the drops are most likely frames that nobody asked for: of
        unknown protocols, or of a VLAN that is not set up here.
        `ethtool -G IFACE rx 4096`
    Kernels: Since Linux 2.6.37 frames of an unknown protocol or VLAN count as dropped too.

    References:
        - https://docs.kernel.org/networking/statistics.html
        - ip-link(8), ethtool(8)
    """
    packets = both_ways(counters, network_interface, "packets")
    drops = rates.explained(both_ways(counters, network_interface, "drop"))
    sampled_enough(INTERFACE_DROPS, drops, packets.delta)
    if packets.delta < INTERFACE_DROPS.least_base:
        not_applicable(f"only {packets.delta} packets in {packets.seconds:.2f} s, not 1000")
    remedy = partial(drops_remedy, network_interface.name)
    expect(drops.name, drops, bounded(INTERFACE_DROPS, packets.delta), remedy=remedy)


@rule(severity="high", kind="setting", incidents=["S1.2"], version=2)
def test_interface_has_address(
    interface: DeclaredInterface,
    interfaces: Interfaces,
    interface_kinds: InterfaceKinds,
    expect: Expect,
) -> None:
    """Each declared interface is up, has a carrier, and uses its declared address.

    A bridge without ports needs no carrier. The kernel does not use an IPv6 address that another
    host on the link has too (dadfailed).

    Why: A server had an inner and an outer interface, and the capture ran on the wrong one
        (incident S1.2). Everything else depends on where the addresses are.
    Remedy: Give the interface its address, and put it into the network configuration
        (NetworkManager, systemd-networkd, netplan or /etc/network/interfaces).
        `ip link set IFACE up`
        `ip addr add ADDRESS/PREFIX dev IFACE`
    References:
        - ip-address(8)
        - RFC 4862, section 5.4: https://www.rfc-editor.org/rfc/rfc4862#section-5.4
    """
    name = interface.name
    state = state_of(interfaces, interface_kinds, name)
    expect(f"state of {name}", state, equal_to("up"), remedy=partial(link_remedy, state, name))
    expect(
        f"interface with {interface.address}",
        interface_with(interfaces, interface.address, name),
        equal_to(name),
        remedy=partial(address_remedy, interfaces, name, interface.address),
    )


@rule(severity="high", kind="setting", incidents=["S4"], scope="run")
def test_link_mtu_agrees(subnet: Subnet, expect: Expect) -> None:
    """All hosts of the run that share a subnet have the same MTU there.

    The rule judges interfaces that are up and have an address in the subnet. It leaves out
    point-to-point links, and bridges without hardware, as those of containers. Two networks with
    the same addresses in two places count as one: waive the rule for that subnet.

    Why: A router tells a sender of a packet that is too big; a switch drops it. So small packets
        pass between two hosts of one subnet and large ones vanish. A connection opens, and hangs
        on the first full segment. Incident S4 was a hunt for such losses.
    Remedy: Give all the same MTU, which the switches between them have to carry, now and in the
        network configuration.
        `ip link set dev IFACE mtu 1500`
    References:
        - RFC 1191, section 1: https://www.rfc-editor.org/rfc/rfc1191#section-1
        - ip-link(8)
    """
    mtus = Mtus.of(subnet)
    expect(f"the MTU in {subnet.name}", mtus, all_alike(), remedy=mtus.remedy)

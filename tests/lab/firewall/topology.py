"""The target, the hosts around it, and every address at which it may answer.

near-a, near-b, near-c, router -- eth0 [target] eth1 -- inner-a, inner-b
far ------------------------- router    br0 -- box (a container behind a bridge of the target)
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nethygiene.subjects.links.ip.families import Family
from tests.lab.firewall.greeting import Client, inside
from tests.lab.host import LabHost
from tests.lab.kernel import forget_connections
from tests.lab.lab import Lab

OUTER, INNER, BEHIND = "lan", "filter-inner", "filter-far"
# Name, bridge, addresses: on-link with the target.
_NEIGHBOURS = (
    ("near-a", OUTER, ("198.18.200.1/16", "fd42:198:18::c1/64", "169.254.7.9/16")),
    ("near-b", OUTER, ("198.18.200.2/16", "fd42:198:18::c2/64")),
    ("near-c", OUTER, ("198.18.201.1/16", "fd42:198:18::c3/64")),
    ("inner-a", INNER, ("10.77.0.1/24", "fd77::1/64")),
    ("inner-b", INNER, ("10.77.0.9/24", "fd77::9/64")),
)
_ROUTER = ("198.18.210.1/16", "fd42:198:18::d1/64")
_ROUTER_BEHIND = ("203.0.113.1/24", "2001:db8:3::1/64")
_FAR = ("203.0.113.7/24", "2001:db8:3::7/64", "203.0.113.130/24", "2001:db8:3::1:7/64")
TARGET_INNER = ("10.77.0.100/24", "fd77::100/64")
VIPS = ("192.0.2.21", "2001:db8:21::21")
"""On lo."""
ANY_IP = ("192.0.2.64/28", "2001:db8:64::/112")
"""Local routes without an address."""
DOWN = "192.0.2.99"
"""On an interface that is down: the kernel answers it all the same."""
LINK_LOCAL = "169.254.7.1"
BRIDGE = ("172.20.0.1", "fd20::1")
BOX = ("172.20.0.2", "fd20::2")
_SHORT_MEMORY = """
cd /proc/sys/net/netfilter && for one in syn_sent syn_recv established fin_wait close_wait \
last_ack time_wait close unacknowledged max_retrans; do echo 5 >nf_conntrack_tcp_timeout_$one; done
"""
# With bridge-nf-call-iptables a container's packet to its own published port never leaves the
# bridge, and needs hairpin mode there: that is the bridge's affair, not the filter's.
_TARGET = """
for one in iptables ip6tables arptables; do
    [ ! -e /proc/sys/net/bridge ] || echo 0 >/proc/sys/net/bridge/bridge-nf-call-$one
done
set -e
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0
# An answer that is sent again would ask for the client by ARP, and so tell it the host's address.
sysctl -qw net.ipv4.tcp_synack_retries=0
ip link add br0 type bridge forward_delay 0 mcast_snooping 0
ip netns add box
ip link add box0 type veth peer name eth0 netns box
ip link set box0 master br0 up
ip addr add 172.20.0.1/24 dev br0
ip addr add fd20::1/64 dev br0 nodad
ip link set br0 up
ip -n box link set lo up
ip netns exec box sysctl -qw net.ipv4.tcp_synack_retries=0
ip -n box addr add 172.20.0.2/24 dev eth0
ip -n box addr add fd20::2/64 dev eth0 nodad
ip -n box link set eth0 up
ip -n box route add default via 172.20.0.1
ip -n box -6 route add default via fd20::1
ip addr add 192.0.2.21/32 dev lo
ip addr add 2001:db8:21::21/128 dev lo
ip route add local 192.0.2.64/28 dev lo
ip -6 route add local 2001:db8:64::/112 dev lo
ip link add spare type bridge
ip addr add 192.0.2.99/32 dev spare
ip addr add 169.254.7.1/16 dev eth0
ip route add default via 198.18.210.1
ip -6 route add default via fd42:198:18::d1
"""


@dataclass(frozen=True)
class Place:
    """Where somebody may connect to.

    Attributes:
        name: for the tallies.
        address: as the client dials it.
        on_link: the interfaces whose neighbours find it by ARP or neighbour discovery; others go
            by the target's address on their link, or by the router.
        only: the interfaces by which it can be reached at all; empty for all.
    """

    name: str
    address: str
    on_link: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topology:
    """All hosts, their addresses, and the target's.

    Attributes:
        target: the host with the filter.
        box: the network namespace of the container behind its bridge.
        sources: each client with its addresses, by family.
        places: where the target (or the container) answers, by family.
        hosts: everything that has a neighbour table, as namespaces.
    """

    target: LabHost
    box: Path
    sources: dict[Family, tuple[tuple[Client, str], ...]]
    places: dict[Family, tuple[Place, ...]]
    hosts: tuple[Path, ...]

    @property
    def namespace(self) -> Path:
        """The target's network namespace."""
        return _namespace(self.target)

    def forget(self) -> None:
        """Flush the neighbour tables of all hosts, and the connections that the target tracks.

        Each new client has to find the target anew, and one that takes the port of an earlier one
        is no part of its connection.
        """
        flush = "; ".join(f"nsenter --net={host} ip neigh flush all" for host in self.hosts)
        subprocess.run(["sh", "-c", flush], check=True, capture_output=True)
        with inside(self.namespace):
            forget_connections()


def _namespace(host: LabHost) -> Path:
    return Path(f"/proc/{host.machine_pid}/ns/net")


@contextmanager
def topology(lab: Lab) -> Iterator[Topology]:
    """Build all of it, and take it down again."""
    made: list[LabHost] = []
    try:
        yield _built(lab, made)
    finally:
        for host in made:
            lab.remove(host)


def _built(lab: Lab, made: list[LabHost]) -> Topology:
    def host(name: str, bridge: str, addresses: tuple[str, ...]) -> LabHost:
        made.append(lab.host(name, bridge=bridge, addresses=addresses))
        return made[-1]

    target = lab.host("filter-target")
    made.append(target)
    target.attach(INNER, *TARGET_INNER)
    target.shell(_TARGET)
    target.shell(_SHORT_MEMORY, check=False)
    box = Path(f"/proc/{target.machine_pid}/root/run/netns/box")
    neighbours = [(host(*each), each[1]) for each in _NEIGHBOURS]
    for one, bridge in neighbours:
        _default(
            one, *_bare(TARGET_INNER if bridge == INNER else (target.address, target.address6))
        )
    router = host("filter-router", OUTER, _ROUTER)
    router.attach(BEHIND, *_ROUTER_BEHIND)
    router.shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    _default(router, target.address, target.address6)
    far = host("filter-far", BEHIND, _FAR)
    _default(far, *_bare(_ROUTER_BEHIND))

    clients = [
        (
            Client(name, _namespace(one), "eth1" if bridge == INNER else "eth0"),
            (*addresses, _link_local(one)),
        )
        for (one, bridge), (name, _, addresses) in zip(neighbours, _NEIGHBOURS, strict=True)
    ]
    clients.append((Client("far", _namespace(far), "eth0"), _FAR))
    clients.append((Client("box", box, "br0"), BOX))
    sources: dict[Family, tuple[tuple[Client, str], ...]] = {
        family: tuple(
            (client, address)
            for client, addresses in clients
            for address in _bare(addresses)
            if (":" in address) is (family == "ipv6")
        )
        for family in ("ipv4", "ipv6")
    }
    hosts = (_namespace(target), *(client.namespace for client, _ in clients), _namespace(router))
    _know_box(target)
    return Topology(target, box, sources, _places(target), hosts)


def _places(target: LabHost) -> dict[Family, tuple[Place, ...]]:
    inner4, inner6 = _bare(TARGET_INNER)
    return {
        "ipv4": (
            Place("outer", target.address, ("eth0",)),
            Place("inner", inner4, ("eth1",)),
            Place("lo", VIPS[0]),
            Place("any-ip", "192.0.2.70"),
            Place("down", DOWN),
            Place("link-local", LINK_LOCAL, ("eth0",), ("eth0",)),
            Place("bridge", BRIDGE[0], ("br0",)),
            Place("box", BOX[0]),
        ),
        "ipv6": (
            Place("outer", target.address6, ("eth0",)),
            Place("inner", inner6, ("eth1",)),
            Place("lo", VIPS[1]),
            Place("any-ip", "2001:db8:64::7"),
            Place("link-local", _link_local(target), ("eth0",), ("eth0",)),
            Place("bridge", BRIDGE[1], ("br0",)),
            Place("box", BOX[1]),
        ),
    }


def _link_local(host: LabHost) -> str:
    """The address that eth0 makes of its MAC address by itself."""
    found = re.search(r"inet6 (fe80:\S+)/64", host.run("ip", "-6", "addr", "show", "eth0").stdout)
    assert found
    return found[1]


def _default(host: LabHost, four: str, six: str) -> None:
    host.run("ip", "route", "add", "default", "via", four)
    host.run("ip", "-6", "route", "add", "default", "via", six)


def _bare(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one.partition("/")[0] for one in addresses)


def _know_box(target: LabHost) -> None:
    """The host knows its container: it has talked to it before any filter came."""
    target.shell(
        "far=$(ip netns exec box cat /sys/class/net/eth0/address)\n"
        "for one in 172.20.0.2 fd20::2; do"
        " ip neigh replace $one lladdr $far dev br0 nud permanent; done\n"
    )

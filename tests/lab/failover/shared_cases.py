"""The states of a group that shares an address."""

from __future__ import annotations

from tests.lab.failover.fleet import SharedCase

HOLDS = "ip addr add $vip/32 dev eth0"
HOLDS_SIX = "ip addr add $vip/128 dev eth0 nodad"
# As keepalived makes it for use_vmac, arp_ignore included.
MACVLAN = """
ip link add link eth0 name vrrp.51 address 00:00:5e:00:01:33 type macvlan mode private
sysctl -qw net.ipv4.conf.all.arp_ignore=1
"""
ON_MACVLAN = f"{MACVLAN} ip link set vrrp.51 up; ip addr add $vip/32 dev vrrp.51"
DOWN = "ip link add link eth0 name spare type macvlan; ip addr add $vip/32 dev spare"
REAL_SERVER = """
sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
ip addr add $vip/32 dev lo
"""
UNPLUGGED = """
ip link add cut type veth peer name other
ip link set cut up
ip addr add $vip/32 dev cut
"""
REFUSED_SIX = """
sysctl -qw net.ipv6.conf.eth0.accept_dad=1
ip addr add $vip/128 dev eth0
until ip -6 addr show dev eth0 | grep -q dadfailed; do sleep 0.1; done
"""
NOTHING = ":"

CASES = (
    SharedCase("healthy", (HOLDS, NOTHING), "passed", answers=1),
    SharedCase("healthy-three", (NOTHING, NOTHING, HOLDS), "passed", answers=1),
    SharedCase("vmac", (ON_MACVLAN, MACVLAN), "passed", declared={"interface": "eth0"}, answers=1),
    SharedCase(
        "nobody",
        (NOTHING, NOTHING),
        "failed",
        ("is held by no member, expected held by one member", "nobody serves it"),
        answers=0,
    ),
    SharedCase(
        "split-brain",
        (HOLDS, NOTHING, HOLDS),
        "failed",
        ("held by split-brain-0 (eth0) and split-brain-2 (eth0)",),
        answers=2,
    ),
    SharedCase("split-vmac", (ON_MACVLAN, ON_MACVLAN), "failed", ("vrrp.51",)),
    SharedCase(
        "down-and-answers",
        (HOLDS, DOWN),
        "failed",
        ("spare, which is down, and answers ARP for it on eth0",),
        answers=2,
    ),
    SharedCase(
        "down-and-silent",
        (HOLDS, f"sysctl -qw net.ipv4.conf.eth0.arp_ignore=1; {DOWN}"),
        "passed",
        answers=1,
    ),
    SharedCase(
        "down-alone",
        (f"sysctl -qw net.ipv4.conf.all.arp_ignore=1; {DOWN}", NOTHING),
        "failed",
        ("held by no member", "has it on spare, which is down, and answers nobody"),
        answers=0,
    ),
    SharedCase("unplugged", (UNPLUGGED, NOTHING), "passed", answers=1),
    SharedCase("lvs", (HOLDS, REAL_SERVER, REAL_SERVER), "passed", answers=1),
    SharedCase(
        "lvs-loud",
        (HOLDS, REAL_SERVER, "ip addr add $vip/32 dev lo"),
        "failed",
        ("lvs-loud-2 (lo, and answers ARP for it on eth0)",),
        answers=2,
    ),
    SharedCase(
        "lvs-without-director",
        (NOTHING, REAL_SERVER, REAL_SERVER),
        "failed",
        ("held by no member", "lo, and answers nobody"),
        answers=0,
    ),
    SharedCase(
        "elsewhere",
        (HOLDS, "ip link add mine type bridge; ip link set mine up; ip addr add $vip/32 dev mine"),
        "failed",
        ("elsewhere-1 (mine", "and answers ARP for it on eth0)"),
        declared={"interface": "eth0"},
        answers=2,
    ),
    SharedCase("six", (HOLDS_SIX, NOTHING), "passed", six=True),
    SharedCase("six-split", (HOLDS_SIX, HOLDS_SIX), "failed", ("(eth0)",), six=True),
    SharedCase(
        "six-refused",
        (
            HOLDS_SIX,
            REFUSED_SIX,
        ),
        "passed",
        six=True,
    ),
    SharedCase(
        "six-real-server", (HOLDS_SIX, "ip addr add $vip/128 dev lo nodad"), "passed", six=True
    ),
)

"""Two scenes: a host where all is well, and one where all that the rules look for is broken."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from tests.lab.cases import tunnels
from tests.lab.cases.case import LabCase, WritesSysctls
from tests.lab.cases.every import all_cases
from tests.lab.cases.persistence import BOOTS_ITSELF
from tests.lab.cases.platform import SYSTEMCTL
from tests.lab.endpoints import Endpoint
from tests.lab.host import LabHost
from tests.lab.old_kernel import SYSCTL_DIRECTORY_WITH_RECYCLE
from tests.lab.sights.program import Part, play

State = Literal["well", "broken"]
Filter = Literal["nft", "legacy"]
"""Which tool made the host's packet filter."""

SHOP, UPDATE, FORMER, DATABASE = 80, 8443, 60000, 5432
OVERFLOWING, HALF_OPEN, BLOCKED, TUNNEL = 81, 82, 3306, 19922
LOAD, DEAD = 9000, 7211
UPSTREAM = "198.18.0.99"
VXLAN, VXLAN_NEIGHBOUR, VXLAN_END = "198.51.100.1", "198.51.100.9", "192.0.2.2"
PEER_LIMIT = 3
IDLE_TIMEOUT = 2

SYSCTLS: dict[State, dict[str, str]] = {
    "well": {
        "net.ipv4.tcp_keepalive_time": "1",
        "net.ipv4.tcp_keepalive_intvl": "1",
        "net.ipv4.conf.all.rp_filter": "2",
        "net.core.somaxconn": "16384",
    },
    "broken": {
        "net.ipv4.tcp_tw_reuse": "1",
        "net.ipv4.tcp_timestamps": "0",
        # Enough for the smaller of the two services, and written down nowhere.
        "net.core.somaxconn": "256",
        "net.ipv4.tcp_syncookies": "0",
        "net.ipv4.tcp_max_syn_backlog": "128",
        "net.ipv4.tcp_abort_on_overflow": "1",
        "net.ipv4.conf.all.accept_redirects": "0",
        "net.ipv4.conf.eth0.accept_redirects": "0",
        "net.ipv4.conf.eth1.accept_redirects": "0",
        "net.ipv4.conf.vx0.accept_redirects": "0",
        "net.ipv6.conf.eth0.accept_redirects": "0",
        "net.ipv4.conf.eth1.rp_filter": "1",
    },
}

ON_COMMAND_LINE = {"net.ipv4.tcp_keepalive_intvl"}
"""What the well host's boot loader sets, and no file."""

_OPEN = {"well": (SHOP, UPDATE, FORMER), "broken": (UPDATE, FORMER, BLOCKED)}
_NFT = """
nft -f - <<'END'
table inet filter {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    tcp dport {{ 22, {ports} }} accept
  }}
}}
END
"""
_LEGACY = """
for tool in iptables-legacy ip6tables-legacy; do
  $tool -A INPUT -i lo -j ACCEPT
  $tool -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $tool -A INPUT -p tcp -m multiport --dports 22,{ports} -j ACCEPT
done
iptables-legacy -A INPUT -p icmp -j ACCEPT
ip6tables-legacy -A INPUT -p ipv6-icmp -j ACCEPT
iptables-legacy -P INPUT DROP
ip6tables-legacy -P INPUT DROP
"""
# Nobody hears the answers of the port that is to be flooded.
_STORM = f"""
nft -f - <<'END'
table ip storm {{
  chain input {{
    type filter hook input priority -10;
    iifname "lo" tcp sport {HALF_OPEN} tcp flags & (syn|ack) == (syn|ack) drop
  }}
}}
END
"""
_LOSS = f'nft add rule ip storm input iifname lo tcp dport {LOAD} numgen random mod 100 "<" 20 drop'

_COMMON = f"""
set -e
{BOOTS_ITSELF}
mount -t tmpfs tmpfs /sys/fs && mkdir -p /sys/fs/selinux /etc/selinux
touch /run/cmdline
mount --bind /run/cmdline /proc/cmdline
printf 1 > /sys/fs/selinux/enforce
echo "SELINUX=enforcing" > /etc/selinux/config
cp /proc/sys/fs/file-nr /run/file-nr
cp /proc/sys/fs/file-max /run/file-max
mount --bind /run/file-nr /proc/sys/fs/file-nr
mount --bind /run/file-max /proc/sys/fs/file-max
ip link add vx0 type vxlan id 4 remote {VXLAN_END} dstport 4789
ip addr add {VXLAN}/24 dev vx0
ip link set vx0 up
ip neigh add {VXLAN_NEIGHBOUR} lladdr 02:00:00:00:00:09 dev vx0
ip route add default via 198.18.0.1 dev eth0
"""
_SCRIPTS: dict[State, str] = {
    "well": f"""
echo "root=/dev/vda1 ro quiet sysctl.net.ipv4.tcp_keepalive_intvl=1" > /run/cmdline
printf '1000\\t0\\t2000000\\n' > /run/file-nr
echo 2000000 > /run/file-max
echo 'fs.file-max = 2000000' > /etc/sysctl.d/50-files.conf
ip route add {VXLAN_END} via 198.18.0.1 dev eth0
ip route add 172.16.0.0/16 via 203.0.113.254 dev eth1
""",
    "broken": f"""
echo "root=/dev/vda1 ro quiet enforcing=0" > /run/cmdline
printf '99900\\t0\\t100000\\n' > /run/file-nr
echo 100000 > /run/file-max
ip route add unreachable {VXLAN_END}
ip route append default via 203.0.113.254 dev eth1
""",
}


@cache
def by_recorded_cases() -> Sequence[LabCase]:
    """Rules on sysctls that nothing here knows: broken as their recorded cases say."""
    known = {name for settings in SYSCTLS.values() for name in settings}
    return [
        case
        for case in all_cases()
        if case.name == case.rule
        and isinstance(case.breaks, WritesSysctls)
        and not known & case.breaks.settings.keys()
    ]


def settings_of(state: State) -> dict[str, str]:
    """The sysctls that make a host well, or break it."""
    settings = dict(SYSCTLS[state])
    for case in by_recorded_cases():
        act = case.prepares if state == "well" else case.breaks
        if isinstance(act, WritesSysctls):
            settings |= {name: str(value) for name, value in act.settings.items()}
    return settings


def policy(index: int) -> dict[str, Any]:
    """A policy that makes every rule apply, for the host of this number."""
    recorded = {key: value for case in by_recorded_cases() for key, value in case.policy.items()}
    return recorded | {
        "min_somaxconn": 4096,
        "min_file_max": 1000000,
        "icmp_redirects": "accept",
        "path_idle_timeout": IDLE_TIMEOUT,
        "dead_peer_within": 60,
        "blocked_ports": {BLOCKED: {}},
        "limits": {"ssh_sessions_per_peer": PEER_LIMIT, "half_open": 5},
        "rp_filter": "loose",
        "selinux": "enforcing",
        "network_manager": "inactive",
        "default_interface": "eth0",
        "services": {
            "shop": {
                "port": SHOP,
                "backlog": 511,
                "allow_from": ["any"],
                "keepalive": "required",
                "legacy_ports": [FORMER],
            },
            "update": {"port": UPDATE, "backlog": 100, "allow_from": ["198.18.0.0/16"]},
        },
        "upstreams": {"database": {"address": UPSTREAM, "port": DATABASE, "keepalive": "required"}},
        "interfaces": {"eth1": {"address": _outer(index)}, "vx0": {"address": VXLAN}},
        "routes": {"intranet": {"destination": "172.16.0.0/16", "via": "203.0.113.254"}},
        "tunnels": {"to-cloud": tunnels.TUNNEL},
    }


def _outer(index: int) -> str:
    return f"203.0.113.{index % 250 + 1}"


def _part(state: State) -> Part:
    well = state == "well"
    listens = [
        ("0.0.0.0", SHOP, 511, True, well),
        ("0.0.0.0", BLOCKED, 50, True, False),
    ]
    if well:
        listens += [("0.0.0.0", UPDATE, 100, True, False), ("0.0.0.0", FORMER, 100, True, False)]
        return Part(tuple(listens), ((UPSTREAM, DATABASE, 2, True),))
    listens += [
        ("127.0.0.1", OVERFLOWING, 4, False, False),
        ("127.0.0.1", HALF_OPEN, 10, False, False),
        ("127.0.0.1", TUNNEL, 10, False, False),
    ]
    return Part(
        listens=tuple(listens),
        connects=((UPSTREAM, DATABASE, 2, False),),
        knocks=(("127.0.0.1", OVERFLOWING, 6),),
        floods=(("127.0.0.1", HALF_OPEN),),
        dials=(("127.0.0.1", DEAD),),
        datagrams=((VXLAN_NEIGHBOUR, 9),),
        load=LOAD,
        runs_out=True,
    )


@dataclass(frozen=True)
class Actor:
    """A host, and what it is to be.

    Attributes:
        host: the host.
        state: well or broken.
        filter: which tool makes its packet filter.
    """

    host: LabHost
    state: State
    filter: Filter = "nft"


@contextmanager
def staged(client: LabHost, actors: Iterable[Actor]) -> Iterator[None]:
    """Bring the hosts into their states, with one client for all of them, until the end."""
    actors = list(actors)
    broken = [one.host for one in actors if one.state == "broken"]
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        storm = client.attach("storm", "203.0.113.252/24")
        client.run("ip", "addr", "replace", f"{UPSTREAM}/16", "dev", "eth0")
        upstream = Part(listens=((UPSTREAM, DATABASE, 500, True, False),))
        stack.enter_context(play(client, upstream))
        for one in actors:
            _plug_in(one)
        for started in pool.map(lambda one: _set_up(client, one), actors):
            stack.enter_context(started)
        clients = Part(
            connects=tuple((one.host.address, SHOP, 2, False) for one in actors),
            knocks=tuple((one.address, 22, PEER_LIMIT + 2) for one in broken),
            redirects=tuple(one.address for one in broken),
            gateway=client.address,
            frames=storm,
        )
        stack.enter_context(play(client, clients))
        list(pool.map(_filter, actors))
        # So long ago, that the path has forgotten the connections which nobody probes.
        time.sleep(IDLE_TIMEOUT)
        yield


def _plug_in(actor: Actor) -> None:
    # The storm is on the wire of those alone that are to be broken.
    if actor.state == "well":
        actor.host.attach("calm", f"{_outer(actor.host.spec.index)}/24")
    else:
        actor.host.attach("storm", f"203.0.112.{actor.host.spec.index % 250 + 1}/23")


def _set_up(client: LabHost, actor: Actor) -> Endpoint:
    host, state = actor.host, actor.state
    well = state == "well"
    settings = settings_of(state)
    script = _COMMON + _SCRIPTS[state]
    script += "".join(
        f"echo {value} > /proc/sys/{key.replace('.', '/')}\n" for key, value in settings.items()
    )
    if well:
        lines = "\n".join(
            f"{key} = {value}" for key, value in settings.items() if key not in ON_COMMAND_LINE
        )
        script += f"cat > /etc/sysctl.d/50-well.conf <<'END'\n{lines}\nEND\n"
    else:
        script += f"ip addr add {_outer(host.spec.index)}/32 dev lo\n{_STORM}"
    answers = ("inactive", "disabled") if well else ("active", "enabled")
    script += "printf '%s\\n' {} {} > /run/nm\n".format(*answers)
    script += f"cat > /usr/bin/systemctl <<'END'\n{SYSTEMCTL}END\n"
    host.shell(script + "chmod 755 /usr/bin/systemctl\n")
    if not well:
        host.shell(SYSCTL_DIRECTORY_WITH_RECYCLE, "1")
    started = play(host, _part(state))
    tunnels.furnish(host, client)
    if well:
        tunnels.dig(host)
        return started
    tunnels.know(host, client, "cloud.example")
    for _ in range(2):
        tunnels.dig(host, "-o BatchMode=yes", "-o ServerAliveInterval=0")
    host.shell(
        '{ echo "From plant@x $(date \'+%a %b %e %H:%M:%S %Y\')"; echo "Date: $(date -R)";'
        " echo 'Subject: Cron'; echo; echo 'Host key verification failed.'; echo; }"
        " > /var/mail/plant; chown plant /var/mail/plant; chmod 600 /var/mail/plant"
    )
    return started


def _filter(actor: Actor) -> None:
    ports = ",".join(map(str, _OPEN[actor.state]))
    script = _NFT if actor.filter == "nft" else _LEGACY
    script = f"set -e\n{script.format(ports=ports)}\n"
    actor.host.shell(script + (_LOSS if actor.state == "broken" else ""))

"""A host that has something of all that rules look at: so that every probe has work to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.cases.tunnels import POLICY as TUNNELS
from tests.lab.cases.tunnels import settle
from tests.lab.host import LabHost
from tests.lab.inventory import Policy

POLICY: Policy = {
    **TUNNELS,
    "tw_reuse": "loopback",
    "icmp_redirects": "accept",
    "path_idle_timeout": 350,
    "dead_peer_within": 120,
    "min_somaxconn": 128,
    "min_file_max": 10000,
    "rp_filter": "loose",
    "selinux": "disabled",
    "network_manager": "inactive",
    "blocked_ports": {3306: {"except": ["10.0.0.0/8"]}},
    "services": {
        "shop": {
            "port": 8080,
            "backlog": 128,
            "allow_from": ["198.18.0.0/16"],
            "interface": "eth0",
            "keepalive": "required",
            "legacy_ports": [60000],
        }
    },
    "upstreams": {"database": {"address": "198.18.0.1", "port": 5432, "keepalive": "required"}},
    "interfaces": {"eth1": {"address": "198.19.0.7"}},
    "routes": {"intranet": {"destination": "172.16.0.0/16", "via": "198.19.0.1"}},
    "default_interface": "eth0",
    "limits": {"ssh_sessions_per_peer": 40, "half_open": 1024},
}

_RULES = """
ip route add default via 198.18.0.1
ip route add 172.16.0.0/16 via 198.19.0.1
ip rule add from 198.19.0.7 lookup 100
tc qdisc add dev eth1 ingress
ipset create friends hash:net
ipset add friends 10.0.0.0/8
iptables -A INPUT -p tcp --dport 3306 -m set --match-set friends src -j ACCEPT
iptables -A INPUT -p tcp --dport 3306 -j DROP
iptables -t nat -A PREROUTING -p tcp --dport 60000 -j REDIRECT --to-ports 8080
ip6tables -A INPUT -p tcp --dport 3306 -j DROP
nft -f - <<'END'
table inet shop {
  set blocked { type ipv4_addr; elements = { 192.0.2.1 } }
  chain input {
    type filter hook input priority 10; policy accept;
    ip saddr @blocked counter drop
  }
}
END
"""

_KEEPALIVED = """\
vrrp_instance SHOP {
    interface eth1
    virtual_router_id 51
    virtual_ipaddress {
        198.19.0.100/24
    }
}
"""


@contextmanager
def furnished(host: LabHost, cloud: LabHost) -> Iterator[None]:
    """Give a host rules, sets, routes, interfaces, boot files, mail, a tunnel and a service.

    It also has a shared address, which keepalived would announce.
    """
    settle(host, cloud)
    host.attach("lan-2", "198.19.0.7/24")
    host.shell(_RULES)
    host.write_file("/etc/sysctl.d/50-shop.conf", "net.core.somaxconn = 4096\n")
    host.write_file("/etc/keepalived/keepalived.conf", "include conf.d/*.conf\n")
    host.write_file("/etc/keepalived/conf.d/shop.conf", _KEEPALIVED)
    mail = "From plant@home Mon Jan  1 00:00:00 2024\nSubject: Cron <plant@home> other\n\nhello\n\n"
    host.write_file("/var/mail/plant", mail)
    host.shell("chown plant:plant /var/mail/plant; chmod 600 /var/mail/plant")
    with host.listen(8080, accept=True), host.listen(60000):
        yield

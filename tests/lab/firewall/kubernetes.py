"""The rules of kube-proxy, in both of its modes, with the box as its pod.

As pkg/proxy/iptables/proxier.go and pkg/proxy/nftables/proxier.go of kubernetes/kubernetes write
them: services with and without endpoints, node ports, masquerade by mark, the kubelet's chains.
"""

from __future__ import annotations

from random import Random

from tests.lab.firewall.topology import BOX
from tests.lab.firewall.values import PORTS, often

_SERVICE = "10.96.12.3"
_EMPTY = "10.96.5.5"
_PODS = "172.20.0.0/16"


def kube_iptables(seed: int) -> str:
    """For iptables-restore."""
    random = Random(seed)
    node, other, pod, next_pod, empty = random.sample(PORTS, 5)
    note = '-m comment --comment "default/web"'
    sep, svc, ext = (
        "KUBE-SEP-AAAAAAAAAAAAAAAA",
        "KUBE-SVC-BBBBBBBBBBBBBBBB",
        "KUBE-EXT-BBBBBBBBBBBB",
    )
    marks = "-m mark --mark 0x8000/0x8000 -j DROP" if often(random, 0.5) else "-j RETURN"
    local = (
        f"-A {ext} -s {_PODS} -j {svc}\n-A {ext} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ\n"
        if often(random, 0.3)
        else f"-A {ext} -j KUBE-MARK-MASQ\n"
    )
    policy = "DROP" if often(random, 0.4) else "ACCEPT"
    own = (
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
        f"-A INPUT -p icmp -j ACCEPT\n-A INPUT -p tcp -m tcp --dport {other} -j ACCEPT\n"
    )
    chains = ("KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-MARK-MASQ", "KUBE-POSTROUTING")
    return f"""*mangle
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
{"".join(f":{one} - [0:0]{chr(10)}" for one in (*chains, sep, sep + "2", svc, ext))}\
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
{local}-A {ext} -j {svc}
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODEPORTS -p tcp {note} -m tcp --dport {node} -j {ext}
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment "requiring SNAT" -j MASQUERADE --random-fully
-A {sep} -s {BOX[0]}/32 {note} -j KUBE-MARK-MASQ
-A {sep} -p tcp {note} -m tcp -j DNAT --to-destination {BOX[0]}:{pod}
-A {sep}2 -s {BOX[0]}/32 {note} -j KUBE-MARK-MASQ
-A {sep}2 -p tcp {note} -m tcp -j DNAT --to-destination {BOX[0]}:{next_pod}
-A KUBE-SERVICES -d {_SERVICE}/32 -p tcp {note} -m tcp --dport {other} -j {svc}
-A KUBE-SERVICES -m comment --comment "service nodeports; this must be the last rule" \
-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A {svc} ! -s {_PODS} -d {_SERVICE}/32 -p tcp {note} -m tcp --dport {other} -j KUBE-MARK-MASQ
-A {svc} {note} -m statistic --mode random --probability 0.50000000000 -j {sep}
-A {svc} {note} -j {sep}2
COMMIT
*filter
:INPUT {policy} [0:0]
:FORWARD {"DROP" if often(random, 0.5) else "ACCEPT"} [0:0]
:OUTPUT ACCEPT [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "load balancer" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "portals" -j KUBE-EXTERNAL-SERVICES
-A INPUT -j KUBE-FIREWALL
{own}-A FORWARD -m conntrack --ctstate NEW -m comment --comment "lb" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "lb" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "portals" -j KUBE-SERVICES
-A OUTPUT -j KUBE-FIREWALL
-A KUBE-EXTERNAL-SERVICES -p tcp -m comment --comment "default/empty has no endpoints" \
-m addrtype --dst-type LOCAL -m tcp --dport {empty} -j REJECT --reject-with icmp-port-unreachable
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block localnet" \
-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FIREWALL {marks}
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED \
-j ACCEPT
-A KUBE-SERVICES -d {_EMPTY}/32 -p tcp -m comment --comment "default/empty has no endpoints" \
-m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
COMMIT
"""


def kube_nft(seed: int) -> str:
    """For nft -f: what the nftables mode makes, beside a host's own filter."""
    random = Random(seed)
    node, other, pod, next_pod, empty = random.sample(PORTS, 5)
    own = ""
    if often(random, 0.5):
        own = f"""
table inet filter {{
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    tcp dport {{ {other}, {empty} }} accept
  }}
}}
"""
    nodes = "198.18.0.0/16" if often(random, 0.5) else "0.0.0.0/0"
    return f"""table ip kube-proxy {{
  comment "rules for kube-proxy"
  set cluster-ips {{
    type ipv4_addr
    comment "Active ClusterIPs"
    elements = {{ {_SERVICE}, {_EMPTY} }}
  }}
  set nodeport-ips {{
    type ipv4_addr
    flags interval
    comment "IPs that accept NodePort traffic"
    elements = {{ {nodes} }}
  }}
  map no-endpoint-services {{
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = {{ {_EMPTY} . tcp . 80 comment "default/empty" : goto reject-chain }}
  }}
  map no-endpoint-nodeports {{
    type inet_proto . inet_service : verdict
    elements = {{ tcp . {empty} comment "default/empty" : goto reject-chain }}
  }}
  map firewall-ips {{
    type ipv4_addr . inet_proto . inet_service : verdict
  }}
  map service-ips {{
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = {{ {_SERVICE} . tcp . {other} : goto service-ULMVA6XW-default/web/tcp/p80 }}
  }}
  map service-nodeports {{
    type inet_proto . inet_service : verdict
    elements = {{ tcp . {node} : goto external-ULMVA6XW-default/web/tcp/p80 }}
  }}
  chain reject-chain {{
    reject
  }}
  chain mark-for-masquerade {{
    meta mark set meta mark | 0x00004000
  }}
  chain masquerading {{
    meta mark & 0x00004000 == 0x00000000 return
    meta mark set meta mark ^ 0x00004000
    masquerade fully-random
  }}
  chain endpoint-A {{
    ip saddr {BOX[0]} jump mark-for-masquerade
    meta l4proto tcp dnat to {BOX[0]}:{pod}
  }}
  chain endpoint-B {{
    ip saddr {BOX[0]} jump mark-for-masquerade
    meta l4proto tcp dnat to {BOX[0]}:{next_pod}
  }}
  chain service-ULMVA6XW-default/web/tcp/p80 {{
    ip daddr {_SERVICE} tcp dport {other} ip saddr != {_PODS} jump mark-for-masquerade
    numgen random mod 2 vmap {{ 0 : goto endpoint-A, 1 : goto endpoint-B }}
  }}
  chain external-ULMVA6XW-default/web/tcp/p80 {{
    jump mark-for-masquerade
    goto service-ULMVA6XW-default/web/tcp/p80
  }}
  chain service-endpoints-check {{
    ip daddr . meta l4proto . th dport vmap @no-endpoint-services
  }}
  chain nodeport-endpoints-check {{
    ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
  }}
  chain firewall-check {{
    ip daddr . meta l4proto . th dport vmap @firewall-ips
  }}
  chain cluster-ips-check {{
    ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
    ip daddr 10.96.0.0/12 drop comment "Drop traffic to unallocated ClusterIPs"
  }}
  chain services {{
    ip daddr . meta l4proto . th dport vmap @service-ips
    ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
  }}
  chain filter-prerouting-pre-dnat {{
    type filter hook prerouting priority dstnat - 10; policy accept;
    ct state new jump firewall-check
  }}
  chain filter-input {{
    type filter hook input priority -110; policy accept;
    ct state new jump nodeport-endpoints-check
    ct state new jump service-endpoints-check
  }}
  chain filter-forward {{
    type filter hook forward priority -110; policy accept;
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }}
  chain filter-output-pre-dnat {{
    type filter hook output priority -110; policy accept;
    ct state new jump firewall-check
  }}
  chain filter-output {{
    type filter hook output priority -90; policy accept;
    ct state new jump service-endpoints-check
    ct state new jump cluster-ips-check
  }}
  chain nat-prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }}
  chain nat-output {{
    type nat hook output priority -100; policy accept;
    jump services
  }}
  chain nat-postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    jump masquerading
  }}
}}
{own}"""

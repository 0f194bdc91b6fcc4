"""Rulesets of the kinds that distributions and their tools install, with other ports each time.

fw4 as OpenWrt's package firewall4 renders it (root/usr/share/firewall4/templates/ruleset.uc); the
iptables of Red Hat's installer; nftables.conf of Debian's examples and of Arch's package; what
Tailscale, libvirt and fail2ban add to a host's own filter.
"""

from __future__ import annotations

from random import Random

from tests.lab.firewall.values import PORTS, often, port, ports


def openwrt(seed: int) -> str:
    """For nft -f: a router whose inner network is eth1, and whose uplink is eth0."""
    random = Random(seed)
    allowed, forwarded, to = random.sample(PORTS, 3)
    wan = random.choice(("jump reject_from_wan", "jump drop_from_wan"))
    redirect = (
        random.choice(
            (
                f"meta nfproto ipv4 tcp dport {forwarded} dnat 172.20.0.2:{to}",
                f"meta nfproto ipv4 tcp dport {forwarded} redirect to {to}",
                f"ip saddr 203.0.113.0/24 tcp dport {forwarded} dnat 172.20.0.2:{to}",
            )
        )
        .replace("dnat 1", "dnat ip to 1")
        .replace("redirect to ", "redirect to :")
    )
    sources = "ip saddr 203.0.113.0/24 " * often(random, 0.3)
    return f"""table inet fw4 {{
  chain input {{
    type filter hook input priority filter; policy drop;
    iif "lo" accept comment "!fw4: Accept traffic from loopback"
    ct state vmap {{ established : accept, related : accept }} comment "!fw4: Handle inbound flows"
    tcp flags & (fin | syn | rst | ack) == syn jump syn_flood comment "!fw4: Rate limit TCP syn"
    iifname "eth1" jump input_lan comment "!fw4: Handle lan IPv4/IPv6 input traffic"
    iifname "eth0" jump input_wan comment "!fw4: Handle wan IPv4/IPv6 input traffic"
    jump handle_reject
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
    ct state vmap {{ established : accept, related : accept }} comment "!fw4: Handle forwarded"
    iifname "eth1" jump forward_lan comment "!fw4: Handle lan IPv4/IPv6 forward traffic"
    iifname "eth0" jump forward_wan comment "!fw4: Handle wan IPv4/IPv6 forward traffic"
    iifname "br0" jump forward_lan
    jump handle_reject
  }}
  chain output {{
    type filter hook output priority filter; policy accept;
    oif "lo" accept comment "!fw4: Accept traffic towards loopback"
    ct state vmap {{ established : accept, related : accept }} comment "!fw4: Handle outbound"
    oifname "eth1" jump output_lan comment "!fw4: Handle lan IPv4/IPv6 output traffic"
    oifname "eth0" jump output_wan comment "!fw4: Handle wan IPv4/IPv6 output traffic"
  }}
  chain prerouting {{
    type filter hook prerouting priority filter; policy accept;
    iifname "eth1" jump helper_lan comment "!fw4: Handle lan IPv4/IPv6 helper assignment"
  }}
  chain handle_reject {{
    meta l4proto tcp reject with tcp reset comment "!fw4: Reject TCP traffic"
    reject with icmpx type port-unreachable comment "!fw4: Reject any other traffic"
  }}
  chain syn_flood {{
    limit rate 25000/second burst 50000 packets return comment "!fw4: Accept SYN packets below"
    drop comment "!fw4: Drop excess packets"
  }}
  chain input_lan {{
    jump accept_from_lan
  }}
  chain output_lan {{
    jump accept_to_lan
  }}
  chain forward_lan {{
    jump accept_to_wan comment "!fw4: Accept lan to wan forwarding"
    jump accept_to_lan
  }}
  chain helper_lan {{
  }}
  chain accept_from_lan {{
    iifname "eth1" counter accept comment "!fw4: accept lan IPv4/IPv6 traffic"
  }}
  chain accept_to_lan {{
    oifname {{ "eth1", "br0" }} counter accept comment "!fw4: accept lan IPv4/IPv6 traffic"
  }}
  chain input_wan {{
    meta nfproto ipv4 udp dport 68 counter accept comment "!fw4: Allow-DHCP-Renew"
    icmp type echo-request counter accept comment "!fw4: Allow-Ping"
    meta nfproto ipv4 meta l4proto igmp counter accept comment "!fw4: Allow-IGMP"
    meta nfproto ipv6 udp dport 546 counter accept comment "!fw4: Allow-DHCPv6"
    ip6 saddr fe80::/10 icmpv6 type {{ 130, 131, 132, 143 }} counter accept
    icmpv6 type {{ destination-unreachable, packet-too-big, time-exceeded, echo-request, \
echo-reply, nd-router-solicit, nd-router-advert }} limit rate 1000/second counter accept
    icmpv6 type . icmpv6 code {{ nd-neighbor-solicit . 0, nd-neighbor-advert . 0 }} \
limit rate 1000/second burst 50 packets counter accept comment "!fw4: Allow-ICMPv6-Input"
    {sources}tcp dport {allowed} counter accept comment "!fw4: web"
    ct status dnat accept comment "!fw4: Accept port redirections"
    {wan}
  }}
  chain output_wan {{
    jump accept_to_wan
  }}
  chain forward_wan {{
    icmpv6 type {{ destination-unreachable, echo-request }} limit rate 1000/second counter accept
    meta l4proto esp counter jump accept_to_lan comment "!fw4: Allow-IPSec-ESP"
    udp dport 500 counter jump accept_to_lan comment "!fw4: Allow-ISAKMP"
    ct status dnat accept comment "!fw4: Accept port forwards"
    {wan.replace("from", "to")}
  }}
  chain accept_to_wan {{
    meta nfproto ipv4 oifname "eth0" ct state invalid counter drop comment "!fw4: Prevent"
    oifname "eth0" counter accept comment "!fw4: accept wan IPv4/IPv6 traffic"
  }}
  chain reject_from_wan {{
    iifname "eth0" counter jump handle_reject comment "!fw4: reject wan IPv4/IPv6 traffic"
  }}
  chain reject_to_wan {{
    oifname "eth0" counter jump handle_reject comment "!fw4: reject wan IPv4/IPv6 traffic"
  }}
  chain drop_from_wan {{
    iifname "eth0" counter drop
  }}
  chain drop_to_wan {{
    oifname "eth0" counter drop
  }}
  chain dstnat {{
    type nat hook prerouting priority dstnat; policy accept;
    iifname "eth0" jump dstnat_wan comment "!fw4: Handle wan IPv4/IPv6 dstnat traffic"
  }}
  chain srcnat {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" jump srcnat_wan comment "!fw4: Handle wan IPv4/IPv6 srcnat traffic"
  }}
  chain dstnat_wan {{
    {redirect} comment "!fw4: port"
  }}
  chain srcnat_wan {{
    meta nfproto ipv4 masquerade comment "!fw4: Masquerade IPv4 wan traffic"
  }}
  chain raw_prerouting {{
    type filter hook prerouting priority raw; policy accept;
  }}
  chain raw_output {{
    type filter hook output priority raw; policy accept;
  }}
  chain mangle_prerouting {{
    type filter hook prerouting priority mangle; policy accept;
  }}
  chain mangle_postrouting {{
    type filter hook postrouting priority mangle; policy accept;
    oifname "eth0" tcp flags & (fin | syn | rst) == syn tcp option maxseg size set rt mtu
  }}
  chain mangle_forward {{
    type filter hook forward priority mangle; policy accept;
    iifname "eth0" tcp flags & (fin | syn | rst) == syn tcp option maxseg size set rt mtu
  }}
}}
"""


def red_hat(seed: int, *, six: bool) -> str:
    """For iptables-restore: /etc/sysconfig/iptables as the installer and its tool write it."""
    random = Random(seed)
    prohibited = "icmp6-adm-prohibited" if six else "icmp-host-prohibited"
    icmp = "ipv6-icmp" if six else "icmp"
    opened = [
        f"-A INPUT -p tcp -m state --state NEW -m tcp --dport {one} -j ACCEPT"
        for one in sorted(random.sample(PORTS, 4))
    ]
    after = f"-A INPUT -p tcp -m tcp --dport {random.choice(PORTS)} -j ACCEPT"
    return "\n".join(
        [
            *("*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"),
            "-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT",
            *(f"-A INPUT -p {icmp} -j ACCEPT", "-A INPUT -i lo -j ACCEPT"),
            *opened,
            f"-A INPUT -j REJECT --reject-with {prohibited}",
            *[after] * often(random, 0.4),
            f"-A FORWARD -j REJECT --reject-with {prohibited}",
            *("COMMIT", ""),
        ]
    )


def distribution(seed: int) -> str:
    """For nft -f: what distributions give as a start, with what else comes to such a host."""
    random = Random(seed)
    text = random.choice((_workstation, _arch, _arch, _server))(random)
    for more in (_fail2ban, _libvirt, _tailscale):
        if often(random, 0.35):
            text += more(random)
    return text


def _workstation(random: Random) -> str:
    return f"""table inet filter {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iif lo accept
    ct state established,related accept
    ip6 nexthdr icmpv6 icmpv6 type {{ nd-neighbor-solicit, \
nd-router-advert, nd-neighbor-advert }} accept
    tcp dport {{ {ports(random, 6)} }} ct state new accept
    counter drop
  }}
}}
"""


def _arch(random: Random) -> str:
    where = random.choice(("", "ip saddr 198.18.0.0/16 ", 'iifname "eth1" '))
    return f"""table inet filter {{
  chain input {{
    type filter hook input priority filter; policy drop;
    ct state invalid drop comment "early drop of invalid connections"
    ct state {{ established, related }} accept comment "allow tracked connections"
    iif lo accept comment "allow from loopback"
    ip protocol icmp accept comment "allow icmp"
    meta l4proto ipv6-icmp accept comment "allow icmp v6"
    {where}tcp dport {port(random)} accept comment "allow sshd"
    tcp dport {{ {ports(random)} }} accept
    meta pkttype host limit rate 5/second burst 5 packets counter reject with icmpx admin-prohibited
    counter
  }}
  chain forward {{
    type filter hook forward priority filter; policy drop;
  }}
}}
"""


def _server(random: Random) -> str:
    return f"""table inet firewall {{
  set allowed {{
    type ipv4_addr
    flags interval
    elements = {{ 198.18.200.0/24, 203.0.113.0/25 }}
  }}
  chain inbound_ipv4 {{
    icmp type echo-request limit rate 500/second accept
  }}
  chain inbound_ipv6 {{
    icmpv6 type {{ nd-neighbor-solicit, nd-router-advert, nd-neighbor-advert }} accept
    icmpv6 type echo-request limit rate 500/second accept
  }}
  chain inbound {{
    type filter hook input priority 0; policy drop;
    ct state vmap {{ established : accept, related : accept, invalid : drop }}
    iifname lo accept
    meta protocol vmap {{ ip : jump inbound_ipv4, ip6 : jump inbound_ipv6 }}
    tcp dport {{ {ports(random)} }} accept
    ip saddr @allowed tcp dport {port(random)} accept
  }}
  chain forward {{
    type filter hook forward priority 0; policy {random.choice(("drop", "accept"))};
  }}
}}
"""


def _fail2ban(random: Random) -> str:
    return f"""table inet f2b-table {{
  set addr-set-web {{
    type ipv4_addr
    elements = {{ 203.0.113.7, 198.51.100.9 }}
  }}
  set addr6-set-web {{
    type ipv6_addr
    elements = {{ 2001:db8:3::7 }}
  }}
  chain f2b-chain {{
    type filter hook input priority filter - 1; policy accept;
    tcp dport {{ {ports(random, 8)} }} ip saddr @addr-set-web reject with icmp port-unreachable
    tcp dport {{ {ports(random, 8)} }} ip6 saddr @addr6-set-web reject with icmpv6 port-unreachable
  }}
}}
"""


def _libvirt(_random: Random) -> str:
    return """table ip libvirt_network {
  chain forward {
    type filter hook forward priority filter; policy accept;
    counter jump guest_cross
    counter jump guest_input
    counter jump guest_output
  }
  chain guest_output {
    ip saddr 172.20.0.0/24 iif "br0" counter accept
    iif "br0" counter reject
  }
  chain guest_input {
    oif "br0" ip daddr 172.20.0.0/24 ct state established,related counter accept
    oif "br0" counter reject
  }
  chain guest_cross {
    iif "br0" oif "br0" counter accept
  }
  chain guest_nat {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 172.20.0.0/24 ip daddr 224.0.0.0/24 counter return
    ip saddr 172.20.0.0/24 ip daddr 255.255.255.255 counter return
    meta l4proto tcp ip saddr 172.20.0.0/24 ip daddr != 172.20.0.0/24 \
counter masquerade to :1024-65535
    ip saddr 172.20.0.0/24 ip daddr != 172.20.0.0/24 counter masquerade
  }
}
"""


def _tailscale(_random: Random) -> str:
    return """table ip ts-filter {
  chain input {
    type filter hook input priority -5; policy accept;
    iifname "lo" ip saddr 100.101.102.103 counter accept
    iifname != "tailscale0" ip saddr 100.115.92.0/23 counter return
    iifname != "tailscale0" ip saddr 100.64.0.0/10 counter drop
    iifname "tailscale0" counter accept
    udp dport 41641 counter accept
  }
  chain forward {
    type filter hook forward priority -5; policy accept;
    iifname "tailscale0" counter meta mark set meta mark & 0xff00ffff | 0x00040000
    meta mark & 0x00ff0000 == 0x00040000 counter accept
    oifname "tailscale0" ip saddr 100.64.0.0/10 counter drop
    oifname "tailscale0" counter accept
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    meta mark & 0x00ff0000 == 0x00040000 counter masquerade
  }
}
"""

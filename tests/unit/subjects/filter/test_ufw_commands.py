"""ufw's commands: it does not insert a rule that it has already, whatever the action of that is."""

from __future__ import annotations

import pytest

from nethygiene.subjects.filter.firewall_tools import ufw_first
from nethygiene.subjects.filter.model.verdict import HostFilter
from tests.unit.subjects.filter.hosts import host

# ufw 0.36.2: `ufw deny 80/tcp; ufw reject 81/tcp; ufw limit 82/tcp; ufw allow 83;
# ufw deny proto tcp from 198.51.100.0/24 to any port 84; ufw allow 8:9/tcp`.
_RULES = """\
-A ufw-user-input -p tcp -m tcp --dport 80 -j DROP
-A ufw-user-input -p tcp -m tcp --dport 81 -j REJECT --reject-with tcp-reset
-A ufw-user-input -p tcp -m tcp --dport 82 -m conntrack --ctstate NEW -m recent --set \
--name DEFAULT --mask 255.255.255.255 --rsource
-A ufw-user-input -p tcp -m tcp --dport 82 -m conntrack --ctstate NEW -m recent --update \
--seconds 30 --hitcount 6 --name DEFAULT --mask 255.255.255.255 --rsource -j ufw-user-limit
-A ufw-user-input -p tcp -m tcp --dport 82 -j ufw-user-limit-accept
-A ufw-user-input -p tcp -m tcp --dport 83 -j ACCEPT
-A ufw-user-input -p udp -m udp --dport 83 -j ACCEPT
-A ufw-user-input -s 198.51.100.0/24 -p tcp -m tcp --dport 84 -j DROP
-A ufw-user-input -p tcp -m multiport --dports 8:9 -j ACCEPT
-A other -p tcp -m tcp --dport 85 -j ACCEPT
"""
_SIX = "-A ufw6-user-input -s 2001:db8::1/128 -p tcp -m tcp --dport 84 -j ACCEPT\n"


def with_ufw() -> HostFilter:
    chains = ":ufw-user-input - [0:0]\n:ufw-user-limit - [0:0]\n:ufw-user-limit-accept - [0:0]\n"
    four = f"*filter\n:INPUT DROP [0:0]\n{chains}:other - [0:0]\n{_RULES}COMMIT\n"
    six = f"*filter\n:INPUT DROP [0:0]\n:ufw6-user-input - [0:0]\n{_SIX}COMMIT\n"
    return host(iptables_legacy=four, ip6tables_legacy=six)


@pytest.mark.parametrize(
    ("port", "source", "deleted"),
    [
        (80, "", ["deny"]),
        (81, "", ["reject"]),
        (82, "", ["limit"]),
        (83, "", ["allow"]),
        (84, "198.51.100.0/24", ["deny"]),
        (84, "2001:db8::1", ["allow"]),
        (84, "", []),
        (80, "198.51.100.0/24", []),
        (8, "", []),
        (85, "", []),
    ],
)
def test_what_ufw_has_already_is_deleted_first(port: int, source: str, deleted: list[str]) -> None:
    to = f"proto tcp from {source} to any port {port}" if source else f"{port}/tcp"
    before = [f"`ufw delete {one} {to}`" for one in deleted]
    assert list(ufw_first(with_ufw(), "allow", port, source)) == [
        *before,
        f"`ufw prepend allow {to}`",
    ]

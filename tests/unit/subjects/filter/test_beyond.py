"""Hosts that connections are forwarded to: their answers go by this host, for which they ask."""

from __future__ import annotations

import pytest

from nethygiene.subjects.filter.model.addresses import parse_address
from nethygiene.subjects.filter.model.packet import new_connection
from tests.unit.subjects.filter.hosts import ACCEPT, DROP, ROUTING, host, listing, match, rule

BEYOND = (
    ROUTING.replace(
        "# addresses", "fd20::/64 dev br0 proto kernel metric 256 pref medium\n# addresses"
    )
    .replace(
        "# links",
        "4: br0    inet6 fd20::1/64 scope global \\       valid_lft forever\n# links",
    )
    .replace(
        "local ::1 dev lo",
        "local fd20::1 dev br0 table local proto kernel metric 0 pref medium\nlocal ::1 dev lo",
    )
    + "4: br0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP mode DEFAULT\n"
)
FORWARDS = "/proc/sys/net/ipv6/conf/all/forwarding:1\n"
BRIDGE = match({"meta": {"key": "iifname"}}, "br0")


def _asks(kind: str) -> dict[str, object]:
    return match({"payload": {"protocol": "icmpv6", "field": "type"}}, kind)


@pytest.mark.parametrize(
    ("rules", "gets_in"),
    [
        ([rule(BRIDGE, DROP)], False),
        ([rule(BRIDGE, _asks("nd-neighbor-solicit"), ACCEPT), rule(BRIDGE, DROP)], True),
        ([rule(BRIDGE, _asks("nd-neighbor-advert"), DROP)], True),
    ],
)
def test_the_far_host_asks_for_its_gateway(rules: list[dict[str, object]], gets_in: bool) -> None:
    # Linux 6.18: the host's own question tells its link-local address alone. A far host that
    # routes by the global one has to ask, unless it knows the answer: that much is open.
    filtered = host(nft=listing(*rules), routing=BEYOND, virtual_servers=FORWARDS)
    to, client = parse_address("fd20::2"), parse_address("2001:db8::77")
    assert to is not None
    assert client is not None
    mask = filtered.ground("ipv6").classes.mask(((client[0], client[0]),))
    judged = filtered.judge(new_connection("ipv6", "eth0", to[0], 80), mask)
    assert bool(judged.surely_in) is gets_in
    assert bool(judged.undecided) is not gets_in

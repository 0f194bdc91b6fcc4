"""Routes as ``ip -o route show table all`` prints them (iproute2 6.1 on Linux 6.18)."""

from __future__ import annotations

import pytest

from nethygiene.subjects.filter.model.route import TableRoute, routes_of
from nethygiene.subjects.links.ip.routes import parse_routes

SHARED = (
    "default proto static \\\tnexthop via 192.0.2.1 dev eth0 weight 1 "
    "\\\tnexthop dev ppp0 weight 1 \n"
    "10.9.0.0/16 via inet6 fe80::1 dev eth0 table 7 metric 5 \n"
    "blackhole 10.8.0.0/16 \n"
)
EVERYWHERE = (0, 2**32 - 1)


def test_what_the_filter_asks_of_a_route() -> None:
    shared, by_the_other_family, lost = routes_of(parse_routes(SHARED, "ipv4"))
    two = ("eth0", "ppp0")
    gateway = 0xC0000201
    assert shared == TableRoute("main", EVERYWHERE, 0, "unicast", two, 0, ("eth0",), (gateway,))
    assert by_the_other_family.gateways == ((0xFE80 << 112) | 1,)
    assert (by_the_other_family.table, by_the_other_family.metric) == ("7", 5)
    assert (lost.kind, lost.devices) == ("blackhole", ())


def test_the_line_that_is_none_is_named() -> None:
    # Without -o, ip breaks the line; what is on the next one belongs to no destination.
    with pytest.raises(ValueError, match="nexthop"):
        parse_routes(SHARED.replace("\\", "\n"), "ipv4")

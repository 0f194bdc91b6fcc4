"""A service that speaks first tells its greeting to clients whose own data is dropped."""

from __future__ import annotations

from nethygiene.subjects.filter.model.addresses import parse_address
from nethygiene.subjects.filter.model.attempts import attacked, served
from nethygiene.subjects.filter.model.packet import new_connection
from tests.unit.subjects.filter.hosts import DROP, host, listing, match, rule


def test_dropped_data_keeps_clients_out_but_nobody_who_listens() -> None:
    flags = {"payload": {"protocol": "tcp", "field": "flags"}}
    dropped = host(nft=listing(rule(match({"&": [flags, "psh"]}, "psh"), DROP)))
    to, client = parse_address("192.0.2.10"), parse_address("192.0.2.7")
    assert to is not None
    assert client is not None
    mask = dropped.ground("ipv4").classes.mask(((client[0], client[0]),))
    syn = new_connection("ipv4", "eth0", to[0], 25)
    assert served(dropped, syn, mask).surely_out == mask
    assert attacked(dropped, syn, mask).surely_in == mask

"""Whom a message of the firewall rules names as an example."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from nethygiene.subjects.filter.model.addresses import (
    classes_of,
    interval_of,
    inverted,
    merged,
    parse_address,
)
from nethygiene.subjects.filter.model.paths import Path
from nethygiene.subjects.filter.model.trace import Trace
from nethygiene.subjects.filter.model.verdict import Fate
from nethygiene.subjects.filter.passages import Passage, written_networks


@pytest.mark.parametrize(
    ("address", "barred", "example"),
    [
        # Next to the host, and neither its network nor its broadcast address.
        ("192.168.1.1", ["192.168.1.1/32", "192.168.1.255/32"], "192.168.1.2"),
        ("192.168.1.254", ["192.168.1.254/32", "192.168.1.255/32"], "192.168.1.253"),
        ("fd42:198:18::10", ["fd42:198:18::10/128"], "fd42:198:18::11"),
        # Whose own network is somewhere else: of the Internet, and not 0.0.0.0/8 or ::2.
        ("172.17.0.2", ["172.17.0.0/16"], "1.0.0.1"),
        ("fd00:1::2", ["fd00:1::/64"], "2000::1"),
    ],
)
def test_everybody_is_told_by_a_client(address: str, barred: list[str], example: str) -> None:
    number, family = parse_address(address) or pytest.fail(address)
    sources = inverted(merged(interval_of(ip_network(one)) for one in barred), family)
    judged = Fate(classes_of(family, []), 1, 1, 0, 0, 0, Trace())
    passage = Passage(Path(family, "eth0", number, sources), 443, (judged,), 1)
    assert passage.who(1, ()) == f"everybody, for instance {example}"


def test_many_networks_are_told_by_one_of_the_internet() -> None:
    odd = [(2 * number, 2 * number) for number in range(40)]
    routed = [(0x05000000 + 2 * number, 0x05000000 + 2 * number) for number in range(80)]
    told = "many networks, for instance "
    assert written_networks([*odd, *routed], (), "ipv4") == f"{told}5.0.0.0"
    # Where there is none of the Internet, any other.
    odd = [(2 * number, 2 * number) for number in range(120)]
    assert written_networks(odd, (), "ipv4") == f"{told}0.0.0.0"

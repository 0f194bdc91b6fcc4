"""What is worked out once for connections that a host treats alike is what each comes to."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import pytest

from nethygiene.engine.ledger import UnreadableFactError
from nethygiene.subjects.filter.crossing import (
    Crossing,
    CrossingConnection,
    opened,
    received,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.addresses import parse_address
from nethygiene.subjects.links.ip.families import FAMILIES, Family
from nethygiene.subjects.paths.alike import opens, receives
from tests.lab.firewall.kinds import KINDS
from tests.lab.firewall.recording import read
from tests.unit.sections import fact
from tests.unit.subjects.filter.hosts import ROUTING, host

_BITS: dict[Family, int] = {"ipv4": 32, "ipv6": 128}


def addresses(packet_filter: PacketFilter, family: Family, rng: random.Random) -> list[int]:
    """Addresses at and beside what rules and routes distinguish, and some others."""
    model = packet_filter.model
    ends = {rng.getrandbits(_BITS[family]) for _ in range(3)}
    for spans in (*model.rulesets[family].client_sets(), *model.routes.prefixes(family)):
        for low, high in spans:
            ends |= {low, high, (low + high) // 2, low - 1, high + 1}
    usable = sorted(end for end in ends if 0 < end < 1 << _BITS[family])
    return rng.sample(usable, min(12, len(usable)))


def connections(
    packet_filter: PacketFilter, family: Family, rng: random.Random
) -> Iterator[CrossingConnection]:
    own = [address.number for address in packet_filter.own(family)]
    others = addresses(packet_filter, family, rng)
    for source in others:
        for destination in (*own[:3], *others[:3]):
            port = rng.choice((22, 80, 443, 5432, 8080))
            yield CrossingConnection(family, source, destination, port)


def said(crossing: Crossing) -> tuple[object, ...]:
    told = (crossing.passes, crossing.why, crossing.packet, crossing.verb, crossing.chain)
    return (*told, crossing.connection, crossing.leaves_by, crossing.answers_leave_by)


def both(
    packet_filter: PacketFilter, asked: CrossingConnection
) -> Iterator[tuple[Crossing, Crossing]]:
    """What is worked out once, and what is worked out for this connection alone."""
    to = replace(asked, source=None)
    yield receives(packet_filter, asked, "eth0"), received(packet_filter, asked, "eth0")
    yield opens(packet_filter, to), opened(packet_filter, to)


@pytest.mark.parametrize("kind", KINDS)
def test_each_connection_is_judged_as_by_itself(kind: str) -> None:
    rng = random.Random(kind)
    compared = 0
    for ruleset in islice(read(kind), 6):
        found = fact("packet_filter", ruleset.sections)
        assert isinstance(found, PacketFilter)
        for family in FAMILIES:
            for asked in connections(found, family, rng):
                with contextlib.suppress(UnreadableFactError):
                    for once, alone in both(found, asked):
                        assert said(once) == said(alone), (ruleset.name, str(asked))
                        compared += 1
    assert compared > 200


def test_a_host_of_two_networks_chooses_a_source_for_each() -> None:
    """By one interface, and rules know one of the sources."""
    dropping = (
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
        "-A OUTPUT -s 198.51.100.10/32 -p tcp -m tcp --dport 443 -j DROP\nCOMMIT\n"
    )
    routing = ROUTING.replace(
        "# routes_ipv4\n",
        "# routes_ipv4\n198.51.100.0/24 dev eth0 proto kernel scope link src 198.51.100.10\n"
        "local 198.51.100.10 dev eth0 table local proto kernel scope host src 198.51.100.10\n",
    )
    found = PacketFilter(host(routing=routing, iptables_legacy=dropping))
    for text, passes in (("192.0.2.77", True), ("198.51.100.77", False), ("192.0.2.78", True)):
        parsed = parse_address(text)
        assert parsed is not None
        asked = CrossingConnection("ipv4", None, parsed[0], 443)
        assert opened(found, asked).passes is passes, text
        assert said(opens(found, asked)) == said(opened(found, asked)), text

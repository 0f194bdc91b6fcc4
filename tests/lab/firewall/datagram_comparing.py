"""Datagrams that come to the target, leave it, or go through it: the model and the kernel.

Neighbours know each other, so that only the datagrams themselves are judged. Some are answered by
a second one, whose state connection tracking knows by the first.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random

from nethygiene.subjects.filter.crossing import (
    Crossing,
    Datagram,
    datagram_forwarded,
    datagram_in,
    datagram_out,
)
from nethygiene.subjects.filter.filter_fact import PacketFilter
from nethygiene.subjects.filter.model.effects import PutInZone, Untrack
from nethygiene.subjects.links.ip.families import Family
from tests.lab.firewall.comparing import FAMILIES, Ground
from tests.lab.firewall.crossing_comparing import Crossroads
from tests.lab.firewall.crossing_loading import load
from tests.lab.firewall.crossing_model import number_of
from tests.lab.firewall.datagram_loop import GROUPS, ICMP, ICMPV6, VRRP, DatagramLoop, Sending
from tests.lab.firewall.greeting import Client
from tests.lab.firewall.introducing import introduce
from tests.lab.firewall.model import Said
from tests.lab.firewall.tally import Tally
from tests.lab.firewall.topology import BRIDGE, TARGET_INNER

DATAGRAMS = "datagrams"
"""The kind of what comes, leaves and goes through without a connection."""
_TYPES: Mapping[Family, tuple[tuple[int, int], ...]] = {
    "ipv4": ((3, 4), (3, 1), (3, 3), (11, 0), (8, 0), (0, 0), (13, 0), (9, 0)),
    "ipv6": (
        *((1, 0), (1, 4), (2, 0), (3, 0), (128, 0), (129, 0)),
        *((133, 0), (134, 0), (135, 0), (136, 0)),
    ),
}
_BACK: Mapping[Family, tuple[tuple[int, int], ...]] = {
    "ipv4": ((0, 0), (3, 4), (3, 3), (11, 0)),
    "ipv6": ((129, 0), (2, 0), (1, 4), (3, 0)),
}


@dataclass(frozen=True, slots=True)
class Try:
    """A datagram, and the way that it takes at the target.

    Attributes:
        sending: the datagram.
        way: ``in``, ``out`` or ``forward``.
        near: the target's interface that it comes in by; empty for none.
        to: the host that is to get it; empty for any of a group.
        back: the target's interface on the other side.
    """

    sending: Sending
    way: str
    near: str
    to: str
    back: str


@dataclass(frozen=True)
class Postings:
    """The hosts, and what sends datagrams between them."""

    crossroads: Crossroads
    loop: DatagramLoop
    ends: Mapping[Family, Sequence[tuple[Client, str, str]]]
    hosts: Mapping[str, Client]

    @property
    def own(self) -> set[str]:
        """The target's addresses, from which or to which datagrams are sent."""
        return {self._own(family, way) for family in FAMILIES for way in ("eth0", "eth1", "br0")}

    @property
    def ground(self) -> Ground:
        """The target and the hosts around it."""
        return self.crossroads.ground

    def tries(self, random: Random, count: int) -> list[Try]:
        """Datagrams of all kinds."""
        found = [self._try(random, random.choice(FAMILIES)) for _ in range(count)]
        # Packets of protocol 112 between two addresses are one connection, whichever sends them;
        # and source NAT makes one address of several.
        used: set[str] = set()
        kept: list[Try] = []
        for one in found:
            ends = {one.sending.source, one.sending.target} - self.own
            if one.sending.protocol != VRRP or not ends & used:
                kept.append(one)
                used |= ends if one.sending.protocol == VRRP else set()
        return kept

    def _try(self, random: Random, family: Family) -> Try:
        ends = self.ends[family]
        client, address, device = random.choice(ends)
        way = random.choice(("in", "out", "forward"))
        target = Client("target", self.ground.topology.namespace, "")
        own = self._own(family, device)
        protocol = VRRP
        kind = (-1, 0)
        if way == "forward":
            others = [
                one
                for one in ends
                if one[2] != device or (one[0].name == "far" and client.name != "far")
            ]
            # What a far host sends to a near one goes straight there from their router.
            others = [one for one in others if (client.name, one[2]) != ("far", "eth0")]
            other, to, back = random.choice(others)
        else:
            other, to, back = target, own, ""
        if random.random() > 0.45:
            protocol = ICMP if family == "ipv4" else ICMPV6
            kinds = [one for one in _TYPES[family] if way != "forward" or not 133 <= one[0] <= 136]
            kind = random.choice(kinds)
        elif way != "forward" and client.name not in {"far", "box"} and random.random() < 0.5:
            to = GROUPS[family]
        if way == "out":
            group = to == GROUPS[family]
            sending = Sending(
                *(target, family, own, to if group else address, protocol, *kind), device=device
            )
            return Try(sending, way, "", "" if group else client.name, device)
        sending = Sending(client, family, address, to, protocol, *kind)
        return Try(sending, way, device, other.name, back)

    def _own(self, family: Family, device: str) -> str:
        six = family == "ipv6"
        outer = self.ground.target.address6 if six else self.ground.target.address
        inner = TARGET_INNER[six].partition("/")[0]
        return {"eth0": outer, "eth1": inner, "br0": BRIDGE[six]}[device]

    def _answer(self, one: Try, number: int) -> Try:
        """What goes back."""
        sending = one.sending
        sender = self.hosts[one.to]
        answer = replace(
            sending,
            host=sender,
            source=sending.target,
            target=sending.source,
            about=(sending.source, sending.target, number),
            answers=number,
        )
        way = {"in": "out", "out": "in", "forward": "forward"}[one.way]
        return Try(answer, way, one.back, sending.host.name, one.near)

    def sent(self, found: PacketFilter, tries: Sequence[Try], random: Random) -> list[Sent]:
        """Send for real: what has come, and what came back of what may be answered."""
        self.ground.topology.forget()
        outcomes: list[Sent] = []
        seconds: list[Try] = []
        for one, (number, reached) in zip(tries, self._send(tries), strict=True):
            there = _has_come(one, reached)
            outcomes.append((one, False, there))
            crossing = crossing_of(found, one, earlier=False)
            if there and crossing.passes and _may_be_answered(one, crossing):
                seconds.append(_as_error(random, self._answer(one, number)))
        if _keeps_track(found):
            for one, (_, reached) in zip(seconds, self._send(seconds), strict=True):
                outcomes.append((one, True, _has_come(one, reached)))
        return outcomes

    def _send(self, tries: Sequence[Try]) -> list[tuple[int, frozenset[str]]]:
        return self.loop.send([one.sending for one in tries])


Sent = tuple[Try, bool, bool]
"""A datagram, whether it answers an earlier one, and whether it has come."""


def crossing_of(found: PacketFilter, one: Try, *, earlier: bool) -> Crossing:
    """What the model says of a datagram."""
    sending = one.sending
    datagram = Datagram(
        sending.family,
        sending.protocol,
        number_of(sending.source),
        number_of(sending.target),
        sending.icmp_type,
        sending.icmp_code if sending.icmp_type >= 0 else None,
        earlier,
    )
    if one.way == "in":
        return datagram_in(found, datagram, one.near)
    if one.way == "out":
        return datagram_out(found, datagram, one.back)
    return datagram_forwarded(found, datagram, one.near, None)


def _has_come(one: Try, reached: frozenset[str]) -> bool:
    if one.to:
        return one.to in reached
    return bool(reached - {one.sending.host.name})


def count_try(tally: Tally, name: str, found: PacketFilter, sent: Sent) -> None:
    """Count a datagram."""
    one, earlier, there = sent
    crossing = crossing_of(found, one, earlier=earlier)
    verdict = {True: "open", False: "closed", None: "unknown"}[crossing.passes]
    said = Said(verdict, f"{crossing.packet}: {crossing.why}")
    if one.way != "in" and crossing.passes and crossing.leaves_by not in {one.back, None}:
        said = Said("either", "it leaves another way")
    tally.count(name, f"{one.way} {one.sending} {'(answer)' * earlier}", said, answer=there)


def _may_be_answered(one: Try, crossing: Crossing) -> bool:
    """Whether a host gets it as it was sent, and may send something back."""
    sending, left = one.sending, crossing.connection
    ends = number_of(sending.source), number_of(sending.target)
    asks = sending.icmp_type in {-1, 8, 128}
    alone = bool(one.to) and sending.target not in GROUPS.values()
    # What a far host sends to a near one does not come by the target.
    alone = alone and (one.way, one.to, one.near) != ("forward", "far", "eth0")
    return alone and asks and (left.source, left.destination) == ends


def _as_error(random: Random, one: Try) -> Try:
    sending = one.sending
    if sending.icmp_type < 0:
        return one
    icmp_type, icmp_code = random.choice(_BACK[sending.family])
    return replace(one, sending=replace(sending, icmp_type=icmp_type, icmp_code=icmp_code))


def _keeps_track(found: PacketFilter) -> bool:
    """Whether no rule hides the first datagram from connection tracking."""
    hiding = (Untrack, PutInZone)
    return not any(
        isinstance(effect, hiding)
        for family in FAMILIES
        for rule in found.model.rulesets[family].rules()
        for effect in rule.effects
    )


@contextmanager
def postings(built: Crossroads) -> Iterator[Postings]:
    """What sends datagrams between the hosts of the crossroads, which know each other."""
    topology = built.ground.topology
    clients: dict[str, Client] = {}
    ends: dict[Family, list[tuple[Client, str, str]]] = {"ipv4": [], "ipv6": []}
    for family in FAMILIES:
        for client, address in topology.sources[family]:
            clients[client.name] = client
            if not address.startswith(("fe80:", "169.254.")):
                ends[family].append((client, address, client.interface))
    target = Client("target", topology.namespace, "")
    hosts: list[tuple[Client, Sequence[str]]] = [(target, ("eth0", "eth1"))]
    hosts += [(client, ("eth0",)) for client in clients.values()]
    introduce(built.ground)
    for host, _ in hosts:
        quiet = "sysctl -qw net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1"
        subprocess.run(["nsenter", f"--net={host.namespace}", "sh", "-c", quiet], check=True)
    loop = DatagramLoop(hosts)
    try:
        yield Postings(built, loop, ends, {host.name: host for host, _ in hosts})
    finally:
        loop.close()


def judge_datagrams(built: Postings, seed: int, *, count: int) -> Tally:
    """Load the ruleset of this seed, and compare so many datagrams, and what answers them."""
    tally = Tally()
    load(built.ground, seed)
    found = built.ground.packet_filter()
    random = Random(f"datagrams {seed}")
    for sent in built.sent(found, built.tries(random, count), random):
        count_try(tally, f"datagrams {seed}", found, sent)
    return tally

"""The host's entry in the neighbour table, which a new client needs before its first SYN.

A client on the link asks for it by ARP, or by IPv6 neighbour discovery. So does the router by which
other clients come. The question has to come in, and its answer has to go out. The host asks nothing
in return, because the question holds the asker's address. (Tried on Linux 6.18, with each of the
four packets dropped.) A router asks in IPv6 from its link-local address. If the route names another
address of the router, the host has to ask for that address before it can answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Intervals, common, everything, merged
from nethygiene.subjects.filter.model.arriving import taken_in
from nethygiene.subjects.filter.model.choices import Choice
from nethygiene.subjects.filter.model.fields import CLIENT, NO_MARK, Address
from nethygiene.subjects.filter.model.hooks import Hooks, merge
from nethygiene.subjects.filter.model.kinds import (
    ARP_IN,
    ARP_IN_ANSWER,
    ARP_OUT,
    ARP_OUT_ASKING,
    NA_IN,
    NA_IN_ANSWER,
    NA_OUT,
    NS_IN,
    NS_OUT,
    NS_OUT_ASKING,
    PacketKind,
)
from nethygiene.subjects.filter.model.matches import Ground
from nethygiene.subjects.filter.model.own import LINK_LOCAL
from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.ruleset import Hook
from nethygiene.subjects.filter.model.trace import Flow, Trace
from nethygiene.subjects.links.ip.families import Family

_SOLICITED = 0xFF02_0000_0000_0000_0000_0001_FF00_0000
"""ff02::1:ff00:0/104; the last 24 bits are those of the address in question."""
_HOOKS = {
    "ipv4": (Hook.ARP_INPUT, Hook.ARP_OUTPUT),
    "ipv6": (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING),
}
_FRAMES = frozenset(
    {Hook.INGRESS, Hook.EGRESS, Hook.BRIDGE_INPUT, Hook.BRIDGE_OUTPUT}
    | {Hook.BRIDGE_PREROUTING, Hook.BRIDGE_POSTROUTING}
)


def acquainted(syn: Packet, clients: int, hooks: Hooks, ground: Ground, trace: Trace) -> int:
    """The classes of clients that perhaps find the host's entry; of a SYN that is to come."""
    if not matters(syn.family, syn.iif, hooks, ground):
        return clients
    meeting = _meeting(syn, syn.iif, hooks, ground, trace)
    reached = 0
    for intervals, ways in ground.routes.ways(syn.family, _number(syn), NO_MARK):
        mask = clients & ground.mask(intervals)
        if not mask:
            continue
        asker: Address = None
        routers: Intervals = ()
        if ways.certain and ways.devices == {syn.iif}:
            routers = tuple((router, router) for router in sorted(ways.gateways))
            asker = router_asks(syn.family, routers) if routers else CLIENT
        found_by = meeting.asked(asker, mask)
        if found_by and routers and syn.family == "ipv6" and asker != routers:
            found_by = meeting.asking(routers, found_by)
        reached |= found_by
    return reached


def unsure_way_back(
    packet: Packet, clients: int, hooks: Hooks, ground: Ground, trace: Trace
) -> None:
    """What a SYN is forwarded to may not find this host, by which its answers go.

    It asks for this host's entry, or the router does that it is behind, if they do not know it
    already: this host's own question tells them, where it asks from the address that they go by.
    So much is doubt.
    """
    if not matters(packet.family, packet.far, hooks, ground):
        return
    ways = ground.routes.way(packet.family, _number(packet), None)
    routers = tuple((router, router) for router in sorted(ways.gateways))
    asker = router_asks(packet.family, routers) if routers else packet.daddr
    own = Trace()
    reached = _meeting(packet, packet.far, hooks, ground, own).asked(asker, clients)
    trace.lost += own.lost
    trace.doubts += own.doubts
    trace.doubts += [(event.mask & clients & ~reached, event.rule) for event in own.lost]


def _meeting(
    syn: Packet, device: str | None, hooks: Hooks, ground: Ground, trace: Trace
) -> Meeting:
    own = asked_for(_number(syn), syn.family, device, ground)
    return Meeting(syn.family, device, own, syn.choices, hooks, ground, trace)


def router_asks(family: Family, routers: Intervals) -> Intervals:
    """A router asks from its own address: in IPv6 from its link-local one."""
    if family == "ipv4":
        return routers
    return common(routers, LINK_LOCAL["ipv6"]) or LINK_LOCAL["ipv6"]


def _number(syn: Packet) -> int:
    assert isinstance(syn.daddr, tuple)
    return syn.daddr[0][0]


@dataclass(frozen=True)
class Meeting:
    """Questions and answers on the link of one interface.

    Attributes:
        family: of the addresses.
        device: the interface.
        own: the host's address that is asked for, or that asks; several where it may be any.
        choices: conditions that go both ways, and which way they go this time.
        hooks: of the family.
        ground: the classes of clients, and the routes.
        trace: what happens to questions and answers.
    """

    family: Family
    device: str | None
    own: Intervals
    choices: frozenset[tuple[Choice, bool]]
    hooks: Hooks
    ground: Ground
    trace: Trace

    def asked(self, asker: Address, mask: int) -> int:
        """Somebody asks for the host's entry: the classes for which that perhaps works."""
        came = self.heard(asker, mask)
        answer = ARP_OUT if self.family == "ipv4" else NA_OUT
        return self._goes(self._packet(answer, self.own, asker), came) if came else 0

    def heard(self, asker: Address, mask: int) -> int:
        """Somebody asks, and so tells the host its own entry; likewise."""
        four = self.family == "ipv4"
        kind, to = (ARP_IN, self.own) if four else (NS_IN, _solicited(self.own))
        return self._comes(self._packet(kind, asker, to), mask)

    def asking(self, routers: Intervals, mask: int, *, back: bool = True) -> int:
        """The host asks for the entry of a router, or of another host.

        Args:
            routers: for whom.
            mask: the classes that ask.
            back: for who has sent it something, to answer; otherwise to send something first.
        """
        to = routers if self.family == "ipv4" else _solicited(routers)
        kinds = (NS_OUT, NA_IN) if back else (NS_OUT_ASKING, NA_IN_ANSWER)
        if self.family == "ipv4":
            kinds = (ARP_OUT_ASKING, ARP_IN_ANSWER)
        went = self._goes(self._packet(kinds[0], self.own, to), mask)
        return self._comes(self._packet(kinds[1], routers, self.own), went) if went else 0

    def _packet(self, kind: PacketKind, saddr: Address, daddr: Address) -> Packet:
        iif, oif = ("", self.device) if kind.reply else (self.device, "")
        given = (kind, self.family, iif, oif, saddr, daddr, (), ())
        return Packet(*given, near=self.device, choices=self.choices)

    def _comes(self, packet: Packet, mask: int) -> int:
        hooks, trace, device = self.hooks, self.trace, self.device
        flows = hooks.ask_device(Hook.INGRESS, device, [(packet, mask)], trace)
        if hooks.links.is_bridge(device):
            for hook in (Hook.BRIDGE_PREROUTING, Hook.BRIDGE_INPUT):
                hooks.ask_perhaps(hook, flows, trace)
        six = packet.family == "ipv6"
        before, after = (Hook.PREROUTING, Hook.INPUT) if six else (Hook.ARP_INPUT, None)
        flows = merge(
            (flow, taken_in(flow, which, hooks.links, self.ground, trace))
            for flow, which in hooks.ask(before, flows, trace)
        )
        return _masks(flows if after is None else hooks.ask(after, flows, trace))

    def _goes(self, packet: Packet, mask: int) -> int:
        hooks, trace, device = self.hooks, self.trace, self.device
        flows: list[Flow] = [(packet, mask)]
        six = packet.family == "ipv6"
        for hook in (Hook.OUTPUT, Hook.POSTROUTING) if six else (Hook.ARP_OUTPUT,):
            flows = hooks.ask(hook, flows, trace)
        if flows and hooks.links.is_bridge(device):
            for hook in (Hook.BRIDGE_OUTPUT, Hook.BRIDGE_POSTROUTING):
                hooks.ask_perhaps(hook, flows, trace)
        return _masks(hooks.ask_device(Hook.EGRESS, device, flows, trace))


def asked_for(number: int, family: Family, device: str | None, ground: Ground) -> Intervals:
    """The host's address that is asked for so as to reach another one, itself if it is there."""
    here = [
        route.interval
        for route in ground.routes.routes.get(family, ())
        if route.kind == "local" and device in route.devices
    ]
    if (number, number) in here:
        return ((number, number),)
    return merged(here) or everything(family)


def matters(family: Family, device: str | None, hooks: Hooks, ground: Ground) -> bool:
    """Whether neighbours on an interface may fail to find each other."""
    link = hooks.links.links.get(device or "")
    if link is None or not link.resolves:
        return False
    asked = (*_HOOKS[family], *_FRAMES)
    refused = ground.routes.has_rules_before_local(family)
    return refused or any(hooks.ruleset.bases(hook) for hook in asked)


def _solicited(addresses: Intervals) -> Intervals:
    """The multicast addresses by which the owners of these are asked."""
    if len(addresses) > 16 or any(low != high for low, high in addresses):
        return ((_SOLICITED, _SOLICITED | 0xFFFFFF),)
    return merged(
        (number, number) for number in (_SOLICITED | low & 0xFFFFFF for low, _ in addresses)
    )


def _masks(flows: list[Flow]) -> int:
    all_masks = 0
    for _, mask in flows:
        all_masks |= mask
    return all_masks

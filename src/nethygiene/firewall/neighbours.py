"""What a new client needs before its first SYN: the host's entry in the neighbour table.

A client on the link asks for it by ARP, or by IPv6 neighbour discovery, and so does the router by
which other clients come. Tried on Linux 6.18, all four packets dropped one at a time: the question
has to come in and its answer has to go out. The host asks nothing in return, because the question
tells it the address of who asks.
"""

from __future__ import annotations

from nethygiene.firewall.addresses import Intervals
from nethygiene.firewall.hooks import Hooks
from nethygiene.firewall.matches import Ground
from nethygiene.firewall.packet import (
    ARP_IN,
    ARP_OUT,
    CLIENT,
    NA_OUT,
    NS_IN,
    Address,
    Packet,
)
from nethygiene.firewall.ruleset import Hook
from nethygiene.firewall.walk import Flow, Trace

_SOLICITED = 0xFF02_0000_0000_0000_0000_0001_FF00_0000
"""ff02::1:ff00:0/104: the last 24 bits are those of the address that is asked for."""
_LINK_LOCAL: Intervals = ((0xFE80 << 112, (0xFE80 << 112) | (1 << 64) - 1),)
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
    link = hooks.links.links.get(syn.iif or "")
    if link is None or not link.resolves:
        return clients
    asked = (*_HOOKS[syn.family], *_FRAMES)
    if not any(hooks.ruleset.bases(hook) for hook in asked):
        return clients
    flows: list[Flow] = []
    for asker, mask in _askers(syn, clients, ground):
        flows += _exchanged(syn, asker, mask, hooks, ground, trace)
    found = 0
    for _, mask in flows:
        found |= mask
    return found


def _askers(syn: Packet, clients: int, ground: Ground) -> list[tuple[Address, int]]:
    """Who asks for the host's entry: the client, or the router that it comes by."""
    assert isinstance(syn.daddr, tuple)
    found: dict[Address, int] = {}
    for intervals, ways in ground.routes.ways(syn.family, syn.daddr[0][0]):
        mask = clients & ground.mask(intervals)
        asker: Address = None
        if ways.certain and ways.devices == {syn.iif}:
            asker = _router(syn, ways.gateways) if ways.gateways else CLIENT
        if mask:
            found[asker] = found.get(asker, 0) | mask
    return list(found.items())


def _router(syn: Packet, gateways: frozenset[int]) -> Address:
    """A router asks from its own address: in IPv6 from its link-local one."""
    if syn.family == "ipv4":
        return tuple((one, one) for one in sorted(gateways))
    local = sorted(one for one in gateways if _LINK_LOCAL[0][0] <= one <= _LINK_LOCAL[0][1])
    return tuple((one, one) for one in local) or _LINK_LOCAL


def _exchanged(
    syn: Packet, asker: Address, mask: int, hooks: Hooks, ground: Ground, trace: Trace
) -> list[Flow]:
    """The question and its answer, through every hook."""
    six = syn.family == "ipv6"
    wanted = _wanted(syn, ground)
    to: Address = wanted
    if six:
        low = [_SOLICITED | number & 0xFFFFFF for number, _ in wanted or ()]
        to = tuple((one, one) for one in low) or ((_SOLICITED, _SOLICITED | 0xFFFFFF),)
    iif = syn.iif
    question = Packet(NS_IN if six else ARP_IN, syn.family, iif, "", asker, to, (), (), near=iif)
    flows = hooks.ask_device(Hook.INGRESS, iif, [(question, mask)], trace)
    if hooks.links.is_bridge(iif):
        for hook in (Hook.BRIDGE_PREROUTING, Hook.BRIDGE_INPUT):
            hooks.ask_perhaps(hook, flows, trace)
    for hook in (Hook.PREROUTING, Hook.INPUT) if six else (Hook.ARP_INPUT,):
        flows = hooks.ask(hook, flows, trace)
    answer = Packet(
        NA_OUT if six else ARP_OUT, syn.family, "", iif, wanted, asker, (), (), near=iif
    )
    answers = 0
    for _, which in flows:
        answers |= which
    flows = [(answer, answers)] if answers else []
    for hook in (Hook.OUTPUT, Hook.POSTROUTING) if six else (Hook.ARP_OUTPUT,):
        flows = hooks.ask(hook, flows, trace)
    if hooks.links.is_bridge(iif):
        for hook in (Hook.BRIDGE_OUTPUT, Hook.BRIDGE_POSTROUTING):
            hooks.ask_perhaps(hook, flows, trace)
    return hooks.ask_device(Hook.EGRESS, iif, flows, trace)


def _wanted(syn: Packet, ground: Ground) -> Intervals | None:
    """The address that is asked for; None: another of the interface's, by which it is routed."""
    assert isinstance(syn.daddr, tuple)
    address = syn.daddr[0][0]
    here = any(
        route.kind == "local" and route.interval == (address, address) and syn.iif in route.devices
        for route in ground.routes.routes.get(syn.family, ())
    )
    return syn.daddr if here else None


__all__ = ["acquainted"]

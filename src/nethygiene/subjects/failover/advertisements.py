"""The way of VRRP's advertisements between two members, as far as their packet filters say.

The first packet counts: a member that becomes master speaks first, and a backup never answers, so
that connection tracking has nothing to call established. Under a filter that lets in what is
established alone, unicast arrives only after both have been master for a moment; multicast never.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from nethygiene.subjects.failover.announcers import Announcer
from nethygiene.subjects.failover.keepalived_conf.configuration import Address
from nethygiene.subjects.filter.crossing import Datagram, datagram_in, datagram_out
from nethygiene.subjects.filter.crossing_values import Crossing

_OF_VRRP = 112


@dataclass(frozen=True, slots=True)
class Delivery:
    """What becomes of an advertisement.

    Attributes:
        sender: the member that sends it.
        hearer: the member that has to hear it.
        to: the address that it is sent to.
        lost_at: the member whose filter loses it; None if it arrives.
        crossing: what that filter does with it, or the last filter if it arrives.
        sure: whether it is certain.
        in_time: it arrives once both members have spoken, and are master for a moment.
    """

    sender: Announcer
    hearer: Announcer
    to: Address
    lost_at: Announcer | None
    crossing: Crossing
    sure: bool
    in_time: bool = False

    @property
    def leaves(self) -> bool:
        """Whether the sender's own filter lets it out."""
        return self.lost_at is not self.sender

    def __str__(self) -> str:
        if self.lost_at is None:
            return "let through"
        verb = self.crossing.verb or "lost"
        direction = "on its way in" if self.leaves else "on its way out"
        may = "" if self.sure else "perhaps "
        until = " until both have spoken" if self.in_time else ""
        return f"{may}{verb} on {self.lost_at.host} {direction}{until}, by {self.crossing.why}"


def deliver(sender: Announcer, hearer: Announcer, to: Address) -> Delivery:
    """Follow an advertisement through the filters of both members.

    Raises:
        UnreadableFactError: a filter could not be read.
    """
    first = _followed(sender, hearer, to, earlier=False)
    if first.lost_at is None or not first.sure or not sender.is_unicast:
        return first
    later = _followed(sender, hearer, to, earlier=True)
    return replace(first, in_time=later.lost_at is None)


def _followed(sender: Announcer, hearer: Announcer, to: Address, *, earlier: bool) -> Delivery:
    source = sender.address
    advertisement = Datagram(
        "ipv4" if isinstance(to, IPv4Address) else "ipv6",
        _OF_VRRP,
        None if source is None else int(source),
        int(to),
        earlier=earlier,
    )
    out = datagram_out(sender.packet_filter, advertisement, sender.sends_by)
    if not out.passes:
        return Delivery(sender, hearer, to, sender, out, sure=out.passes is False)
    left = replace(
        advertisement, source=out.connection.source, destination=out.connection.destination
    )
    into = datagram_in(hearer.packet_filter, left, hearer.hears_by)
    lost_at = None if into.passes else hearer
    return Delivery(sender, hearer, to, lost_at, into, sure=into.passes is not None)

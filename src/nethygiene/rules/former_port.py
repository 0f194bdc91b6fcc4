"""Whether a port that a service has left still leads to it."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.facts.packet_filter import PacketFilter, Redirect
from nethygiene.inventory.policy import Service
from nethygiene.rules.expect import unknown
from nethygiene.rules.listening import PortState
from nethygiene.rules.matchers import Matcher


@dataclass(frozen=True, slots=True)
class FormerPort:
    """A port that a service has left.

    Attributes:
        state: who listens there.
        redirect: the NAT rule that takes it to the port of now, None where there is none.
        others: NAT rules that take it elsewhere.
    """

    state: PortState
    redirect: Redirect | None
    others: tuple[Redirect, ...] = ()

    def __str__(self) -> str:
        if self.redirect is not None:
            return f"redirected by {self.redirect.rule}"
        if self.others:
            return f"taken elsewhere by {self.others[0].rule}"
        return str(self.state)


def former_port(
    state: PortState, service: Service, port: int, packet_filter: PacketFilter
) -> FormerPort:
    """Find out what answers on a former port of a service.

    NAT comes before the sockets do; but where a socket serves the port, and NAT cannot be read,
    the socket is believed, and the observations say so.

    Raises:
        UnreadableFactError: nothing listens, and NAT could not be read or not be decided.
    """
    if state.is_served and packet_filter.diverts(port) is None:
        return FormerPort(state, None)
    found = packet_filter.redirects(port)
    here = {None} if isinstance(service.address, str) else {None, str(service.address)}
    right = [one for one in found if one.to_port == service.port and one.address in here]
    if surely := [one for one in right if one.certain]:
        return FormerPort(state, surely[0])
    if right or any(one.to_port is None for one in found):
        unknown(f"whether port {port} leads to {service.port} depends on: {found[0].rule}")
    return FormerPort(state, None, found)


def still_served(service: Service) -> Matcher[FormerPort]:
    """The former port leads to the service."""
    return Matcher(
        f"listened on, or redirected to {service.port}",
        lambda one: one.redirect is not None or (one.state.is_served and not one.others),
    )

"""The packet filter: nftables, iptables, ipset, IPVS and the routes that they are asked about."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.facts.fact import Fact
from nethygiene.outcomes import Unreadable
from nethygiene.probes.base import Probe, Sections


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where a local TCP port is taken by the host's NAT.

    Attributes:
        port: the port that clients connect to.
        address: where it is taken, None where the host itself keeps the connection.
        to_port: the port there, None where it cannot be told.
        certain: whether every new connection is taken there; False where a match cannot be
            decided, or only some sources or interfaces are.
        rule: the rule's text and place.
    """

    port: int
    address: str | None
    to_port: int | None
    certain: bool
    rule: str


@dataclass(frozen=True)
class PacketFilter(Fact):
    """The host's packet filter, and what it does with a new TCP connection.

    The fact itself is always there; what of it could not be read makes a rule unknown when it
    is asked for.
    """

    def redirects(self, port: int) -> tuple[Redirect, ...]:
        """DNAT and redirect rules that take new connections to a local TCP port elsewhere.

        Reading it without the privilege to see NAT ends the rule as unknown.
        """
        self.ledger.read("NAT", "nft, iptables-save", port)
        return ()

    def diverts(self, port: int) -> str | None:
        """Why a service's port is not served by this network namespace's own sockets, or None.

        DNAT, redirect, TPROXY or IPVS take it away: then all rules of that service are unknown
        (`if reason := packet_filter.diverts(service.port): unknown(reason)`). Where the NAT
        rules cannot be read without root, this is None: only what is seen diverts, so that
        an unprivileged login still judges listeners. It never ends a rule by itself.
        """
        self.ledger.read("NAT", "nft, iptables-save", port)
        return None


def parse(sections: Sections) -> PacketFilter | Unreadable:
    """Parse all commands' output; each may be unreadable by itself."""
    del sections
    return PacketFilter()


PROBE = Probe("packet_filter", 1, (), parse)

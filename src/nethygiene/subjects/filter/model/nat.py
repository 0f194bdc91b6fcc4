"""Where destination NAT takes connections, by all of its rules, whether they match or not."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Intervals, holds, written
from nethygiene.subjects.filter.model.links import Links
from nethygiene.subjects.filter.model.ruleset import COMING, Action, FilterRule, NatTarget, Ruleset
from nethygiene.subjects.links.ip.families import Family

_MOST_PORTS = 4


@dataclass(frozen=True, slots=True)
class NatDestination:
    """Where NAT takes a connection.

    Attributes:
        family: of the address.
        address: the address there; None where it cannot be told.
        port: the port there; None where it cannot be told.
    """

    family: Family
    address: int | None
    port: int | None

    def __str__(self) -> str:
        if self.address is None or self.port is None:
            return "somewhere that cannot be told"
        address = written(self.address, self.family)
        return f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"


@dataclass(frozen=True, slots=True)
class NatRule:
    """A rule of destination NAT.

    Attributes:
        rule: the rule.
        target: where it takes connections.
        ports: those that it is for; None for all.
    """

    rule: FilterRule
    target: NatTarget
    ports: Intervals | None

    def names(self, port: int) -> bool:
        """Whether it is for that port, and says so."""
        return self.ports is not None and holds(self.ports, port)

    def may_take(self, port: int) -> bool:
        """Whether connections to that port may be for it."""
        return self.ports is None or holds(self.ports, port)

    def leads_to_port(self, port: int) -> bool:
        """Whether it gives connections that port, and not only leaves it to those that have it."""
        return self.target.ports is not None and holds(self.target.ports, port)

    def examples(self) -> tuple[int, ...]:
        """A few of the ports that it is for."""
        spans = self.ports if self.ports is not None else ((1, 1),)
        ends = [port for span in spans for port in dict.fromkeys(span)]
        return tuple(dict.fromkeys(ends))[:_MOST_PORTS]


def nat_rules(ruleset: Ruleset) -> tuple[NatRule, ...]:
    """All rules of destination NAT, in every chain."""
    return tuple(
        NatRule(rule, rule.target or NatTarget(unknown="its target"), rule.ports(COMING))
        for rule in ruleset.rules()
        if rule.action is Action.NAT
    )


def destination(
    target: NatTarget | None,
    links: Links,
    family: Family,
    interface: str | None,
    at: tuple[int, int],
) -> NatDestination:
    """Where a target takes connections that were made to an address and port."""
    if target is None or target.unknown:
        return NatDestination(family, None, None)
    address, port = at
    if target.here:
        address = links.first_address(interface, family) or address
    elif target.addresses:
        address = target.addresses[0][0]
    return NatDestination(family, address, target.ports[0][0] if target.ports else port)

"""Routing rules, and the packets that each is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Interval, interval_of
from nethygiene.subjects.filter.model.fields import Bits, has_bits
from nethygiene.subjects.links.ip.rules import PolicyRule

_OF_CONNECTIONS = frozenset({"ipproto", "sport", "dport"})


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """One line of ``ip rule``.

    Attributes:
        table: where it looks; None for a rule that refuses.
        source: of the packets that it is for; None for all.
        destination: likewise.
        perhaps: it asks for more, such as a user.
        inverted: it is for all other packets.
        suppress: ``suppress_prefixlength``: routes of that length or shorter do not count.
        by_port: what more it asks for is a protocol or a port, which a connection has.
        mark: the mark of the packets that it is for, and which of its bits; None for all.
        incoming: the interface that the packets come in by; empty for all, ``lo`` for the host's
            own.
    """

    table: str | None
    source: Interval | None = None
    destination: Interval | None = None
    perhaps: bool = False
    inverted: bool = False
    suppress: int = -1
    by_port: bool = False
    mark: tuple[int, int] | None = None
    incoming: str = ""

    @property
    def is_for_all_marks(self) -> bool:
        """Whether unmarked packets meet it."""
        return not self.perhaps and self.mark is None

    def may_be_met(self, mark: Bits | None) -> bool:
        """Whether it asks for something unknown that a packet of a connection may have."""
        if self.mark is None:
            return self.by_port
        return mark is not None and (self.by_port or not self.perhaps)

    def applies(
        self, destination: int, source: int | None, mark: Bits | None, incoming: str | None
    ) -> bool | None:
        """Whether it is for a packet; None for perhaps.

        Args:
            destination: of the packet.
            source: likewise; None where it cannot be told.
            mark: likewise.
            incoming: the interface that the packet comes in by, likewise; ``lo`` for one of the
                host's own.
        """
        good: bool | None = True
        if self.incoming:
            good = None if incoming is None else self.incoming == incoming
        if good is not False and self.destination is not None:
            good = good if self.destination[0] <= destination <= self.destination[1] else False
        if good is not False and self.source is not None:
            is_from = None if source is None else self.source[0] <= source <= self.source[1]
            good = good if is_from else is_from
        if good is not False and self.mark is not None:
            marked = None if mark is None else has_bits(mark, *self.mark)
            good = good if marked else marked
        if good and self.perhaps:
            good = None
        return not good if self.inverted and good is not None else good


def rules_of(rules: Iterable[PolicyRule]) -> tuple[RoutingRule, ...]:
    """The rules of a listing, as the model asks for them."""
    return tuple(_routing_rule(rule) for rule in rules if "nop" not in rule.others)


def _routing_rule(rule: PolicyRule) -> RoutingRule:
    # A connection is TCP; the model does not follow the ports of a rule.
    by_port = bool(rule.others & _OF_CONNECTIONS)
    # Only the packet itself could say its user or VRF.
    other = bool(rule.outgoing or rule.others - _OF_CONNECTIONS - {"fwmark"})
    other = other or rule.protocol not in {"", "tcp", "6"}
    source = rule.source if rule.source is not None and rule.source.prefixlen else None
    return RoutingRule(
        rule.table or None,
        None if source is None else interval_of(source),
        None if rule.destination is None else interval_of(rule.destination),
        by_port or other,
        rule.inverted,
        rule.suppress,
        by_port and not other,
        rule.mark,
        rule.incoming,
    )

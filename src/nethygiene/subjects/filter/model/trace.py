"""The events on a packet's way."""

from __future__ import annotations

from dataclasses import dataclass, field

from nethygiene.subjects.filter.model.packet import Packet
from nethygiene.subjects.filter.model.ruleset import Action, FilterRule

Flow = tuple[Packet, int]
"""A packet, and the classes of clients from which it may come."""


class TooLongError(Exception):
    """The walk takes more steps than any ruleset that a kernel accepts should need."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a rule did on the way.

    Attributes:
        mask: to the packets from these classes.
        rule: the rule, or a chain's policy.
        action: what it did.
        bans: on the word of a list that a program such as fail2ban keeps.
        packet: as it was then.
        weight: of an accept, how much it decides; empty where it decides nothing.
    """

    mask: int
    rule: FilterRule
    action: Action
    bans: bool
    packet: Packet
    weight: tuple[int, ...] = ()

    @property
    def verb(self) -> str:
        """The kind of loss, for messages."""
        return "rejected" if self.action is Action.REJECT else "dropped"

    @property
    def told(self) -> str:
        """A loss of another packet than the SYN, in words: which packet, and by which rule."""
        return f"{self.packet.kind} is {self.verb} by {self.rule}"


@dataclass(slots=True)
class Trace:
    """The events on a packet's way through all hooks.

    Attributes:
        lost: where it was dropped or rejected.
        translated: where destination NAT took it.
        accepted: rules that let it pass on.
        doubts: matches that could not be decided, as (classes, rule).
        steps: rules asked so far.
    """

    lost: list[Event] = field(default_factory=list)
    translated: list[Event] = field(default_factory=list)
    accepted: list[Event] = field(default_factory=list)
    doubts: list[tuple[int, FilterRule]] = field(default_factory=list)
    steps: int = 0

"""The packet that is followed through the rules: the first SYN of a new TCP connection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto

from nethygiene.firewall.addresses import Family


class Field(Enum):
    """What a rule may look at, of that which differs from one SYN to another."""

    SADDR = auto()
    DADDR = auto()
    SPORT = auto()
    DPORT = auto()
    IIF = auto()
    OIF = auto()
    MARK = auto()
    CT_STATE = auto()
    CT_STATUS = auto()
    ORIGINAL_DADDR = auto()
    ORIGINAL_DPORT = auto()


class CtState(StrEnum):
    """What connection tracking says of a SYN."""

    NEW = "new"
    UNTRACKED = "untracked"
    INVALID = "invalid"


EPHEMERAL = (1024, 65535)
"""The ports that clients connect from."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One SYN, as far as it is known; its source is a mask of classes, kept beside it.

    Attributes:
        family: of its addresses.
        iif: the interface that it came in by; None where that cannot be told.
        daddr: destination address as a number.
        dport: destination port.
        ephemeral: its source port is one that clients use; else any.
        mark: the packet mark; None where it cannot be told.
        untracked: a rule told connection tracking to leave it alone; None: perhaps.
        tracked: connection tracking has seen it, which it does at priority -200 of prerouting.
        translated: the address or port that NAT has taken it from; None where it has not.
        masked_source: NAT has given it another source.
        oif: the interface that it leaves by; "" for the host's own, None where it cannot be told.
    """

    family: Family
    iif: str | None
    daddr: int
    dport: int
    ephemeral: bool = True
    mark: int | None = None
    untracked: bool | None = False
    tracked: bool = False
    translated: tuple[int, int] | None = None
    masked_source: bool = False
    oif: str | None = ""

    @property
    def ct_state(self) -> str | None:
        """The state that a rule would find; None where it cannot be told."""
        if self.untracked is None:
            return None
        if self.untracked:
            return CtState.UNTRACKED
        return CtState.NEW if self.tracked else CtState.INVALID

    def value(self, field: Field) -> int | str | None:  # noqa: PLR0911 - one a field
        """What a rule finds there; None where it cannot be told."""
        match field:
            case Field.DPORT:
                return self.dport
            case Field.DADDR:
                return self.daddr
            case Field.IIF:
                return self.iif
            case Field.OIF:
                return self.oif
            case Field.MARK:
                return self.mark
            case Field.CT_STATE:
                return self.ct_state
            case Field.CT_STATUS:
                return "dnat" if self.translated else "none"
            case Field.ORIGINAL_DADDR:
                return self.translated[0] if self.translated else self.daddr
            case Field.ORIGINAL_DPORT:
                return self.translated[1] if self.translated else self.dport
            case _:
                return None

    def to(self, daddr: int, dport: int) -> Packet:
        """The packet after destination NAT."""
        return replace(
            self, daddr=daddr, dport=dport, translated=self.translated or (self.daddr, self.dport)
        )

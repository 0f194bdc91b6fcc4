"""The fields of a packet that rules look at, and their possible values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final, Literal

from nethygiene.subjects.filter.model.addresses import Intervals
from nethygiene.subjects.links.ip.families import Family

EPHEMERAL: Final[Intervals] = ((32768, 65535),)
"""The ports from which clients connect: 32768-60999 on Linux, 49152-65535 on other systems."""
ANY_PORT: Final[Intervals] = ((1, 65535),)

ETHERTYPES: dict[Family, int] = {"ipv4": 0x0800, "ipv6": 0x86DD}
ARP = 0x0806
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))


class Role(IntEnum):
    """An address that is no number."""

    CLIENT = auto()


CLIENT: Final = Role.CLIENT
"""The client's address, which the mask of classes beside the packet holds."""
Address = Intervals | Literal[Role.CLIENT] | None
"""The possible values of an address; None if they are unknown."""


@dataclass(frozen=True, slots=True)
class Bits:
    """A number of which perhaps only some bits are known.

    Attributes:
        value: the bits; 0 where they are not known.
        known: which of them are known.
    """

    value: int
    known: int = 0xFFFFFFFF

    def masked(self, keep: int, change: Bits) -> Bits:
        """``(self & keep) ^ change``."""
        known_bits = (self.known | ~keep) & change.known & 0xFFFFFFFF
        return Bits(((self.value & keep) ^ change.value) & known_bits, known_bits)


def has_bits(bits: Bits, value: int, mask: int) -> bool | None:
    """Whether the masked bits are those of a value; None where too few of them are known."""
    asked = bits.known & mask
    if (bits.value ^ value) & asked:
        return False
    return True if asked == mask else None


NO_MARK = Bits(0)
"""The mark of every packet until a rule gives it another."""


class Field(IntEnum):
    """What a rule may look at."""

    SADDR = 0
    DADDR = auto()
    SPORT = auto()
    DPORT = auto()
    IIF = auto()
    OIF = auto()
    ETHERTYPE = auto()
    PROTOCOL = auto()
    TCP_FLAGS = auto()
    ICMP_TYPE = auto()
    ICMP_CODE = auto()
    ICMPV6_TYPE = auto()
    ICMPV6_CODE = auto()
    ARP_OPERATION = auto()
    ARP_SADDR = auto()
    ARP_DADDR = auto()
    PKTTYPE = auto()
    TTL = auto()
    MARK = auto()
    CT_MARK = auto()
    CT_STATE = auto()
    CT_STATUS = auto()
    CT_DIRECTION = auto()
    ORIGINAL_SADDR = auto()
    ORIGINAL_DADDR = auto()
    ORIGINAL_SPORT = auto()
    ORIGINAL_DPORT = auto()
    REPLY_SADDR = auto()
    REPLY_SPORT = auto()


ADDRESS_FIELDS = frozenset(
    {Field.SADDR, Field.DADDR, Field.ARP_SADDR, Field.ARP_DADDR}
    | {Field.ORIGINAL_SADDR, Field.ORIGINAL_DADDR, Field.REPLY_SADDR}
)
NAME_FIELDS = frozenset({Field.IIF, Field.OIF, Field.PKTTYPE, Field.CT_STATE, Field.CT_DIRECTION})

Value = Intervals | tuple[str, ...] | Bits | Literal[Role.CLIENT] | None
"""The possible values of a field; None if they are unknown."""

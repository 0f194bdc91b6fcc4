"""The MTUs of the interfaces in one subnet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from nethygiene.engine.matchers import Matcher
from nethygiene.engine.remedies import command, paragraphs, word
from nethygiene.subjects.links.subnet import Subnet, SubnetPort

_NAMED = 10


@dataclass(frozen=True, slots=True)
class Mtus:
    """The interfaces of a subnet by their MTU, the usual one first.

    Attributes:
        ports: the interfaces with each MTU.
    """

    ports: tuple[tuple[int, tuple[SubnetPort, ...]], ...]

    @classmethod
    def of(cls, subnet: Subnet) -> Mtus:
        """Those of a subnet. The usual MTU is what most have; of two, the smaller one."""
        by_mtu: dict[int, list[SubnetPort]] = defaultdict(list)
        for port in subnet.ports:
            by_mtu[port.mtu].append(port)
        ordered = sorted(by_mtu.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return cls(tuple((mtu, tuple(ports)) for mtu, ports in ordered))

    def __str__(self) -> str:
        return " and ".join(f"{mtu} ({_named(ports)})" for mtu, ports in self.ports)

    @property
    def usual(self) -> int:
        """The MTU that most have."""
        return self.ports[0][0]

    @property
    def differing(self) -> tuple[SubnetPort, ...]:
        """The interfaces with another one."""
        return tuple(port for _, ports in self.ports[1:] for port in ports)

    def remedy(self) -> str:
        """Commands that give the others the usual MTU, each on the host that it names."""
        parts = [
            part
            for port in self.differing
            for part in (
                f"On {port.host}:",
                command(f"ip link set dev {word(port.interface)} mtu {self.usual}"),
            )
        ]
        return paragraphs(
            f"Give all the same MTU, here {self.usual}, now and in the network configuration. "
            "Raise it on all only if the switches between them carry it.",
            *parts,
        )


def all_alike() -> Matcher[Mtus]:
    """There is one MTU."""
    return Matcher("one MTU", lambda mtus: len(mtus.ports) == 1)


def _named(ports: Sequence[SubnetPort]) -> str:
    more = len(ports) - _NAMED
    named = ", ".join(map(str, ports[:_NAMED]))
    return f"{named} and {more:,} more" if more > 0 else named

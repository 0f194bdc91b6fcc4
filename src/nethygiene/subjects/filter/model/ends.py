"""The two ends of a packet, and the source that NAT gives it."""

from __future__ import annotations

from dataclasses import dataclass

from nethygiene.subjects.filter.model.addresses import Intervals


@dataclass(frozen=True, slots=True)
class Ends:
    """The addresses and ports of a packet, as far as they are known.

    Attributes:
        source: the address that it is from; None where it cannot be told.
        source_ports: the ports that it may be from; empty without ports.
        destination: the address that it is to, likewise.
        ports: the ports that it may be to, likewise.
    """

    source: Intervals | None
    source_ports: Intervals
    destination: Intervals | None
    ports: Intervals

    def turned(self) -> Ends:
        """The ends of an answer."""
        return Ends(self.destination, self.ports, self.source, self.source_ports)


@dataclass(frozen=True, slots=True)
class NewSource:
    """The source that source NAT gives a connection.

    Attributes:
        addresses: the possible addresses; None for that of the interface (masquerade).
        ports: the possible ports; None leaves the port where it is free.
        unknown: the part that is unknown; empty if nothing is.
        random: it gives another port even where the port is free.
    """

    addresses: Intervals | None = None
    ports: Intervals | None = None
    unknown: str = ""
    random: bool = False

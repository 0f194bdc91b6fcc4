"""Names of hosts and groups in a policy, and the service elsewhere that an upstream names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from nethygiene.inventory.located import closest, shown


class PlaceName(str):
    """The name of a host or a group, in a list of networks: it stands for their addresses."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TargetName:
    """A service of the inventory, as ``db/postgres`` or ``shared@db/postgres`` names it.

    Attributes:
        place: the host or group that serves it, or ``VIRTUAL_ADDRESS@GROUP``.
        service: the name by which that host declares it.
    """

    place: str
    service: str

    @property
    def virtual(self) -> tuple[str, str]:
        """The names of the virtual address and of its group; empty for a host or group.

        A host's name may hold an @ too: who knows the hosts asks for those first.
        """
        name, _, group = self.place.rpartition("@")
        return name, group if name else ""

    def __str__(self) -> str:
        return f"{self.place}/{self.service}"


def parse_target(text: str) -> TargetName | None:
    """Read ``HOST/SERVICE``, ``GROUP/SERVICE`` or ``VIRTUAL_ADDRESS@GROUP/SERVICE``, or None."""
    place, slash, service = text.partition("/")
    if not slash or not place or not service or text != "".join(text.split()):
        return None
    return TargetName(place, service)


@dataclass(frozen=True, slots=True)
class KnownPlaces:
    """The hosts and groups of an inventory, which its policies may name."""

    hosts: Collection[str]
    groups: Collection[str]

    def problem_of_target(self, target: TargetName) -> tuple[str, str] | None:
        """Why the place of a target stands for nothing, or for two things, with the cure."""
        _, group = target.virtual
        by_group = group and target.place not in self.hosts and target.place not in self.groups
        return self.problem(group if by_group else target.place)

    def problem(self, name: str) -> tuple[str, str] | None:
        """Why a name stands for nothing, or for two things, with the cure; None if it is right."""
        if name in self.hosts and name in self.groups:
            message = f"{shown(name)} is both a host and a group"
            return message, "rename one of them, or write addresses here"
        if name in self.hosts or name in self.groups:
            return None
        near = closest(name, [*self.hosts, *self.groups])
        meant = f"did you mean {near!r}? " if near else ""
        fix = f"{meant}write the name of a host or group as the inventory has it"
        return f"no host and no group is called {shown(name)}", fix

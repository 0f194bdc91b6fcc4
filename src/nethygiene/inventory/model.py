"""An inventory as the rest of the package sees it."""

from __future__ import annotations

from dataclasses import dataclass, field

from nethygiene.inventory.directory import Directory
from nethygiene.inventory.group_policy import GroupPolicy
from nethygiene.inventory.policy import Policy
from nethygiene.inventory.target import Target


@dataclass(frozen=True, slots=True)
class Host:
    """One host of a run.

    Attributes:
        name: its name there.
        groups: its groups and those above them, sorted; without Ansible's own ``all`` and
            ``ungrouped``.
        target: how to reach it.
        policy: what it should be like.
        file: the file that declares it; empty for a host of an evidence file.
        line: the 1-based line there; None in JSON and in the output of a program.
    """

    name: str
    groups: tuple[str, ...]
    target: Target
    policy: Policy
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of hosts that are judged as one.

    Attributes:
        name: its name in the inventory.
        members: the names of its hosts that are part of the run, in the inventory's order.
        left_out: those of its hosts that the limit leaves out.
        missing: why further members may be missing, in a line; empty if none are.
        policy: what its members are like as one.
    """

    name: str
    members: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    missing: str = ""
    policy: GroupPolicy = field(default_factory=GroupPolicy, hash=False)

    @property
    def size(self) -> int:
        """The number of its hosts in the inventory."""
        return len(self.members) + len(self.left_out)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts to audit.

    Attributes:
        path: the inventory, as the user named it.
        sha256: hash of all files that were read (of its output, for a program).
        policy_sha256: hash of the resolved policies of the hosts.
        hosts: in the order of the inventory, after the limit.
        everyone: the group ``all``.
        groups: those with a host that the limit leaves, by name; without ``all`` and ``ungrouped``.
        warnings: what was ignored, one line each.
        directory: what the names in the hosts' policies stand for.
        beside: hosts that the limit leaves out, and that these policies name.
    """

    path: str
    sha256: str
    policy_sha256: str
    hosts: tuple[Host, ...]
    everyone: Group
    groups: tuple[Group, ...]
    warnings: tuple[str, ...] = ()
    directory: Directory = field(default_factory=Directory)
    beside: tuple[Host, ...] = ()

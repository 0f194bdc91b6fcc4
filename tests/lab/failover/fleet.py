"""Groups of lab hosts that share an address, and their audit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from nethygiene.markup import Form, blocks
from tests.lab.audit import AuditRun, Finding
from tests.lab.host import LabHost
from tests.lab.lab import Lab

RULE = "virtual-address-held-once"
ITEM = "shared"


@dataclass(frozen=True)
class SharedCase:
    """One state of a group.

    Attributes:
        name: of the group.
        makes: what each member runs, a script a member; ``$vip`` is the address.
        outcome: of the rule.
        says: what its message has to hold.
        declared: further fields of the virtual address.
        six: the address is an IPv6 one.
        answers: how many MACs a neighbour hears for it; None where it is not asked.
    """

    name: str
    makes: tuple[str, ...]
    outcome: str
    says: tuple[str, ...] = ()
    declared: Mapping[str, object] = field(default_factory=dict)
    six: bool = False
    answers: int | None = None


@dataclass
class Shared:
    """A case under way: its members and its address."""

    case: SharedCase
    hosts: Sequence[LabHost]
    address: str

    def make(self) -> None:
        """Bring the members into the state of the case."""
        for host, script in zip(self.hosts, self.case.makes, strict=True):
            host.shell(f"set -e; vip={self.address}\n{script}")

    def finding(self, run: AuditRun, rule: str = RULE) -> Finding:
        """The result of a rule for the group."""
        return run.of_group(self.case.name, rule, ITEM)

    def follow_remedy(self, run: AuditRun) -> None:
        """Run the commands that are printed with the finding, each on the host that it names."""
        follow(self.finding(run).remedy, self.hosts)

    def answering(self, neighbour: LabHost) -> set[str]:
        """The MACs that a neighbour hears when it asks for an IPv4 address."""
        asked = neighbour.run(
            *("arping", "-c", "2", "-w", "2", "-I", "eth0", self.address), check=False
        )
        return set(re.findall(r"\[([0-9A-F:]+)\]", asked.stdout))


def follow(remedy: str, hosts: Sequence[LabHost]) -> None:
    """Run a remedy for several hosts: the sentence before each block of commands names its host.

    Raises:
        AssertionError: there is no command, or a sentence before one names no host.
    """
    ran = False
    said = ""
    for block in blocks(remedy):
        if block.form is Form.COMMANDS:
            words = re.findall(r"[\w-]+", said)
            (named,) = [host for host in hosts if host.name in words]
            named.shell("\n".join(["set -e", *block.lines]))
            ran = True
        else:
            said = block.lines[0]
    assert ran, f"the remedy gives no command: {remedy}"


def write_groups(
    lab: Lab, groups: Mapping[str, tuple[Sequence[LabHost], Mapping[str, object]]]
) -> Path:
    """Write an inventory: each group's hosts, and what it declares."""
    children = {
        name: {
            "hosts": {
                host.name: {"ansible_host": host.address, "ansible_user": host.login}
                for host in hosts
            },
            "vars": {"nethygiene": declared},
        }
        for name, (hosts, declared) in groups.items()
    }
    everywhere = {"ansible_port": 22, "ansible_ssh_private_key_file": str(lab.identity)}
    document = {"all": {"vars": everywhere, "children": children}}
    path = lab.directory / "groups.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False))
    return path

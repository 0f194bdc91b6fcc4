"""The hosts of a run, before anything is collected: from an inventory or an evidence file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nethygiene.errors import UsageError
from nethygiene.evidence import read_evidence
from nethygiene.inventory import load_inventory, select_hosts
from nethygiene.inventory.policy import Policy, policy_from_plain
from nethygiene.inventory.target import Target
from nethygiene.plugin.options import Options
from nethygiene.shipped import default_inventory
from nethygiene.transcript import HostFailure, Transcript


@dataclass(frozen=True, slots=True)
class PlannedHost:
    """A host of the run.

    Attributes:
        name: inventory name.
        groups: its groups, sorted.
        policy: what it should be like.
        target: how to reach it; None where it is judged from evidence alone.
        file: the inventory file that declares it; empty where it is judged from evidence alone.
        line: the 1-based line there; None where the source has no lines.
    """

    name: str
    groups: tuple[str, ...]
    policy: Policy
    target: Target | None
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Which hosts are judged, and what is known of them beforehand.

    Attributes:
        path: the inventory or evidence file that names them.
        sha256: hash of the inventory.
        hosts: by name, in the file's order.
        transcripts: from evidence, by host; empty in a live run.
        is_live: hosts have to be connected to.
        warnings: what is odd about the inventory, but no error.
        cut_short: why the evidence does not hold all hosts of the run that wrote it.
    """

    path: str
    sha256: str
    hosts: Mapping[str, PlannedHost]
    transcripts: Mapping[str, Transcript] = field(default_factory=dict)
    is_live: bool = True
    warnings: tuple[str, ...] = ()
    cut_short: str | None = None


def plan_run(options: Options) -> Plan:
    """Read the inventory and the evidence that the options name.

    Raises:
        UsageError: either is wrong; told with place and cure.
    """
    if options.from_evidence is None:
        return _from_inventory(options)
    if options.inventory is None:
        return _from_evidence_alone(options.from_evidence, options.limit)
    plan = _from_inventory(options)
    _, lines = read_evidence(options.from_evidence)
    transcripts = {one.host: one.transcript() for one in lines if one.host in plan.hosts}
    cure = "collect it with --evidence, or leave it out with --limit"
    if not transcripts:
        cure = "what is redacted, or of another inventory, is judged without --inventory"
    for name in plan.hosts:
        if name not in transcripts:
            failure = HostFailure(
                "not-in-evidence",
                f"{options.from_evidence.name} holds nothing of this host",
                cure,
            )
            transcripts[name] = Transcript(name, "", "", 0.0, 0.0, failure=failure)
    return dataclasses.replace(plan, transcripts=transcripts, is_live=False)


def _from_inventory(options: Options) -> Plan:
    inventory = load_inventory(options.inventory or default_inventory(), limit=options.limit)
    hosts = {}
    for one in inventory.hosts:
        target = dataclasses.replace(one.target, become=True) if options.sudo else one.target
        hosts[one.name] = PlannedHost(one.name, one.groups, one.policy, target, one.file, one.line)
    return Plan(str(inventory.path), inventory.sha256, hosts, warnings=inventory.warnings)


def _from_evidence_alone(path: Path, limit: str | None) -> Plan:
    header, lines = read_evidence(path)
    hosts: dict[str, PlannedHost] = {}
    transcripts: dict[str, Transcript] = {}
    for line in lines:
        try:
            policy = policy_from_plain(line.policy)
        except UsageError as error:
            raise UsageError(f"{path}: host {line.host!r}: {error}") from None
        hosts[line.host] = PlannedHost(line.host, line.groups, policy, None)
        transcripts[line.host] = line.transcript()
    if not hosts:
        raise UsageError(f"{path}: holds no host: the run that wrote it was interrupted?")
    cut_short = None
    if header.hosts is not None and len(hosts) < header.hosts:
        cut_short = (
            f"{path.name} holds {len(hosts)} of its {header.hosts} hosts: the run that wrote it "
            "was interrupted"
        )
    if limit is not None:
        chosen = select_hosts(limit, {name: one.groups for name, one in hosts.items()})
        hosts = {name: one for name, one in hosts.items() if name in chosen}
        transcripts = {name: transcripts[name] for name in hosts}
    sha256 = header.inventory_sha256
    return Plan(str(path), sha256, hosts, transcripts, is_live=False, cut_short=cut_short)

"""The settings of an audit: the options of the command line, validated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nethygiene.engine.outcomes import Severity
from nethygiene.transport.base import ConnectSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an audit.

    Attributes:
        inventory: the inventory file; None for that of this machine.
        from_evidence: evidence to judge in place of connecting; None for a live run.
        evidence: file to keep the hosts' answers in; None keeps none.
        redact: evidence has pseudonyms for addresses and names.
        since: evidence of an earlier run, since which counters count; None for the window.
        limit: Ansible's host pattern; None for all hosts.
        forks: hosts collected at once.
        window: seconds between the two samples of counters.
        fail_on: the least severity that fails the run.
        labels: kept in the results, in order.
        sudo: become on every host.
        connect: deadlines and files for connecting.
    """

    inventory: Path | None
    from_evidence: Path | None
    evidence: Path | None
    redact: bool
    since: Path | None
    limit: str | None
    forks: int
    window: float
    fail_on: Severity
    labels: dict[str, str]
    sudo: bool
    connect: ConnectSettings

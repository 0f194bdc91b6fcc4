"""Running the suite against lab hosts as a user would: a process of its own, over real SSH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.host import LabHost
from tests.lab.inventory import Policy
from tests.lab.lab import REPOSITORY, Lab

AUDIT_SECONDS = 3600.0

RuleItem = tuple[str, str | None]
"""A rule's id and the item that it judged, None for the host itself."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of the results file.

    Attributes:
        rule: the rule's id.
        host: inventory name; None for a group.
        group: name of the group, None for a host.
        item: the declared or found item, None for the host itself.
        outcome: one of the five words.
        reason: code of why it is unknown or not applicable.
        message: the sentence for people.
        text: message and observations in one string, for tests that look for a word.
        remedy: what is printed with it: its own, or its rule's.
    """

    rule: str
    host: str | None
    group: str | None
    item: str | None
    outcome: str
    reason: str | None
    message: str
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class AuditRun:
    """What one run of the suite came to.

    Attributes:
        status: exit status.
        findings: the results, in the file's order.
        document: the whole results file, empty if none was written.
        stdout: what the user saw.
        stderr: likewise.
        seconds: wall-clock time, Python's start included.
    """

    status: int
    findings: tuple[Finding, ...]
    document: dict[str, Any]
    stdout: str
    stderr: str
    seconds: float

    def of(self, host: LabHost | str, rule: str | None = None) -> list[Finding]:
        """The findings of one host, of one rule where it is given."""
        name = host if isinstance(host, str) else host.name
        return [f for f in self.findings if f.host == name and rule in {None, f.rule}]

    def one(self, host: LabHost | str, rule: str, item: str | None = None) -> Finding:
        """The one finding of a rule for a host; with `item`, for that item.

        Raises:
            AssertionError: there is none, or several; the text holds the run's output.
        """
        found = [f for f in self.of(host, rule) if item in {None, f.item}]
        assert len(found) == 1, (
            f"{len(found)} findings of {rule}[{item}] on {host}: {found}\n{self}"
        )
        return found[0]

    def of_group(self, group: str, rule: str, item: str | None = None) -> Finding:
        """The one finding of a rule for a group; with `item`, for that item.

        Raises:
            AssertionError: there is none, or several; the text holds the run's output.
        """
        found = [
            f
            for f in self.findings
            if (f.group, f.rule) == (group, rule) and item in {None, f.item}
        ]
        assert len(found) == 1, f"{len(found)} findings of {rule} on group {group}\n{self}"
        return found[0]

    def outcomes(self, host: LabHost | str) -> dict[RuleItem, str]:
        """What each rule and item of one host came to."""
        return {(f.rule, f.item): f.outcome for f in self.of(host)}

    def __str__(self) -> str:
        return f"exit status {self.status}\n{self.stdout}\n{self.stderr}"


def audit(
    lab: Lab,
    hosts: Sequence[LabHost],
    *arguments: str,
    policy: Policy | None = None,
    policy_by_host: dict[str, Policy] | None = None,
    inventory: Path | None = None,
    known_hosts: Path | None = None,
    before: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    within: float = AUDIT_SECONDS,
) -> AuditRun:
    """Audit hosts of a lab from its client address; `arguments` are more of pytest's.

    Writes an inventory of `hosts` with these policies, unless one is given. `before` is the
    program and arguments that pytest's own are given to, such as prlimit; `variables` are added to
    its environment, and `within` the seconds that it may take.

    Raises:
        subprocess.TimeoutExpired: it took longer.
    """
    listed = inventory or lab.inventory(hosts, policy=policy, policy_by_host=policy_by_host)
    results = lab.directory / "results.json"
    results.unlink(missing_ok=True)
    started = time.monotonic()
    done = subprocess.run(
        lab.entering(
            *(*before, sys.executable, "-m", "pytest", "checks", "-p", "no:cacheprovider"),
            f"--inventory={listed}",
            f"--known-hosts={known_hosts or lab.known_hosts}",
            f"--results={results}",
            *arguments,
        ),
        cwd=REPOSITORY,
        env={**environment(), **(variables or {})},
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )
    seconds = time.monotonic() - started
    document: dict[str, Any] = json.loads(results.read_text()) if results.exists() else {}
    findings = tuple(_findings(document))
    return AuditRun(done.returncode, findings, document, done.stdout, done.stderr, seconds)


def environment() -> dict[str, str]:
    """The environment of such a process."""
    # Neither the outer pytest's options nor the developer's agent are part of what is tested.
    dropped = ("PYTEST_", "SSH_", "COV_")
    return {k: v for k, v in os.environ.items() if not k.startswith(dropped)}


def _findings(document: dict[str, Any]) -> Iterable[Finding]:
    general = {rule["id"]: rule["remedy"] for rule in document.get("rules", [])}
    for entry in document.get("results", []):
        yield Finding(
            rule=entry["rule"],
            host=entry["host"],
            group=entry["group"],
            item=entry["item"],
            outcome=entry["outcome"],
            reason=entry["reason"],
            message=entry["message"],
            text=" ".join([entry["message"] or "", json.dumps(entry["observations"])]),
            remedy=entry["remedy"] or general[entry["rule"]],
        )

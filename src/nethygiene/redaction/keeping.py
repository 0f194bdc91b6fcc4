"""Keeping the answers of an audit as evidence, as they are or redacted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from nethygiene import __version__
from nethygiene.collect.evidence import EvidenceWriter
from nethygiene.collect.evidence_lines import EvidenceHeader, EvidenceHost
from nethygiene.engine.audit import Audit
from nethygiene.engine.machine import Machine
from nethygiene.engine.subject import Subject
from nethygiene.redaction import redact
from nethygiene.transcript import Transcript


@contextlib.contextmanager
def keep_evidence(audit: Audit, hosts: int) -> Iterator[Callable[[Transcript], None]]:
    """Write the answers of so many hosts to the file that the audit's settings name, if any.

    Raises:
        EvidenceError: the file cannot be written.
    """
    path = audit.settings.evidence
    if path is None:
        yield lambda _transcript: None
        return
    header = _evidence_header(audit, hosts)
    if not audit.settings.redact:
        with EvidenceWriter(path, header) as writer:
            yield lambda transcript: writer.add(_evidence_line(audit, transcript))
        return
    # Pseudonyms depend on all hosts, so that lines are written when the last host has answered; an
    # answer that is not redacted never touches the disk. The file is opened at once: if that
    # fails, the user learns it before the hosts are asked.
    with EvidenceWriter(path, header.unnamed()) as writer:
        lines: list[EvidenceHost] = []
        try:
            yield lambda transcript: lines.append(_evidence_line(audit, transcript))
        finally:
            for line in redact(lambda: iter(lines)):
                writer.add(line)


def _evidence_header(audit: Audit, hosts: int) -> EvidenceHeader:
    """The header of this run's evidence, before the lines of so many hosts."""
    return EvidenceHeader(
        tool=f"nethygiene {__version__}",
        run_id=audit.run_id,
        window=audit.settings.window,
        inventory_sha256=audit.plan.sha256,
        hosts=hosts,
    )


def _evidence_line(audit: Audit, transcript: Transcript) -> EvidenceHost:
    """The evidence of a host that has answered."""
    host = audit.hosts[transcript.host]
    machine = Subject(host.name, host.policy, transcript).fact("machine")
    groups = (audit.plan.everyone.name, *host.groups)
    identity = machine if isinstance(machine, Machine) else None
    return EvidenceHost.of(
        transcript,
        groups=host.groups,
        group_sizes={name: audit.plan.group(name).size for name in groups},
        group_policies={
            name: declared for name in groups if (declared := audit.plan.group(name).policy.plain())
        },
        policy=host.policy.plain(),
        boot_id=identity.boot_id if identity else "",
        uptime=identity.uptime if identity else None,
    )

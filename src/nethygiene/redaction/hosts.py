"""A whole evidence file, redacted: its hosts, their policies and all that they answered."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nethygiene.collect.command import Holds
from nethygiene.collect.evidence_lines import EvidenceHost
from nethygiene.engine.catalogue import all_probes, commands_for
from nethygiene.errors import UsageError
from nethygiene.inventory.group_policy import group_policy_from_plain
from nethygiene.inventory.policy import Policy, policy_from_plain
from nethygiene.redaction import filters, keepalived, listings
from nethygiene.redaction.addresses import AddressMap
from nethygiene.redaction.names import NameMap
from nethygiene.redaction.policy import redact_group_policy, redact_policy
from nethygiene.redaction.ssh import config_answer
from nethygiene.redaction.text import Pseudonyms
from nethygiene.transcript import HostFailure, Section, Transcript

Redactor = Callable[[str, Pseudonyms], str]

REDACTORS: Mapping[Holds, Redactor] = {
    "addresses": listings.plain,
    "sockets": listings.sockets,
    "interfaces": listings.interfaces,
    "configuration": listings.configuration,
    "log": listings.log,
    "ssh processes": listings.ssh_processes,
    "ssh configuration": config_answer,
    "nft": filters.nft,
    "iptables": filters.saved,
    "virtual servers": filters.virtual_servers,
    "traffic control": filters.traffic_control,
    "keepalived": keepalived.answer,
}
"""How an answer is redacted, by what its command holds."""


def new_key() -> bytes:
    """A key that nobody can guess."""
    return secrets.token_bytes(32)


def redact(
    hosts: Callable[[], Iterator[EvidenceHost]], key: bytes | None = None
) -> Iterator[EvidenceHost]:
    """Replace addresses and names one to one, alike in all hosts of a file.

    Args:
        hosts: gives the hosts; it is called twice.
        key: what the pseudonyms depend on; None for a random one, which is kept nowhere.

    Raises:
        UsageError: a host's policy is not valid, or the file cannot be read.
    """
    chosen = new_key() if key is None else key
    given = Pseudonyms(AddressMap(chosen), NameMap(chosen))
    # The first pass learns the ranges and names that pseudonyms depend on.
    for host in hosts():
        _redact_host(host, given)
    given.learning = False
    for host in hosts():
        yield _redact_host(host, given)


def _redact_host(line: EvidenceHost, given: Pseudonyms) -> EvidenceHost:
    try:
        policy = policy_from_plain(line.policy)
        of_groups = {
            group: group_policy_from_plain(declared)
            for group, declared in line.group_policies.items()
        }
    except UsageError as error:
        raise UsageError(f"host {line.host!r}: {error}") from None
    name = given.names.host(line.host)
    address = given.host(line.address)
    groups = tuple(sorted(given.names.group(group) for group in line.groups))
    redacted = redact_policy(policy, given)
    group_policies = {
        given.names.group(group): redact_group_policy(policy, given).plain()
        for group, policy in of_groups.items()
    }
    transcript = line.transcript()
    kept = _kept_sections(policy, redacted, tuple(line.probes))
    sections = {
        kept[old].name: _redact_section(section, kept[old].redactor, given)
        for old, section in transcript.sections.items()
        if old in kept
    }
    made = dataclasses.replace(
        transcript,
        host=name,
        address=address,
        host_key=None if line.host_key is None else given.names.fingerprint(line.host_key),
        sections=sections,
        failure=_failure(transcript),
    )
    return EvidenceHost.of(
        made,
        groups=groups,
        group_sizes={given.names.group(group): size for group, size in line.group_sizes.items()},
        group_policies=group_policies,
        policy=redacted.plain(),
        boot_id=line.boot_id,
        uptime=line.uptime,
    )


def _failure(transcript: Transcript) -> HostFailure | None:
    if transcript.failure is None:
        return None
    code = transcript.failure.code
    return HostFailure(code, f"it could not be collected ({code}; the words are redacted)", "")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A section that redacted evidence keeps: its name by the redacted policy, and its redactor."""

    name: str
    redactor: Redactor


def _kept_sections(policy: Policy, redacted: Policy, probes: Sequence[str]) -> Mapping[str, _Kept]:
    """The sections that have a redactor, by name; all others are left out."""
    known = [probe for probe in probes if probe in all_probes()]
    before, after = commands_for(known, policy), commands_for(known, redacted)
    return {
        old: _Kept(new, REDACTORS[command.holds])
        for command, renamed in zip(before, after, strict=True)
        if command.holds is not None
        for old, new in zip(command.sections, renamed.sections, strict=True)
    }


def _redact_section(section: Section, redactor: Redactor, given: Pseudonyms) -> Section:
    stdout = _text(section.stdout, redactor, given)
    return Section(stdout, _text(section.stderr, _complaint, given), section.status, section.cut)


def _text(data: bytes, redactor: Redactor, given: Pseudonyms) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    return redactor(text, given).encode("utf-8", "surrogateescape")


def _complaint(text: str, given: Pseudonyms) -> str:
    return given.names.in_words(given.in_text(text))

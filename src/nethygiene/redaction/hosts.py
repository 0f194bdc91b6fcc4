"""A whole evidence file, redacted: its hosts, their policies and all that they answered."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

from nethygiene.errors import UsageError
from nethygiene.evidence import EvidenceHost
from nethygiene.inventory.policy import Policy, policy_from_plain
from nethygiene.probes import all_probes, commands_for
from nethygiene.redaction import filters, listings
from nethygiene.redaction.addresses import AddressMap
from nethygiene.redaction.names import NameMap
from nethygiene.redaction.policy import redact_policy
from nethygiene.redaction.ssh import config_answer
from nethygiene.redaction.text import Pseudonyms
from nethygiene.transcript import HostFailure, Section, Transcript

Redactor = Callable[[str, Pseudonyms], str]

# These hold addresses at most.
_PLAIN = (
    *("boot_sysctls", "counters", "descriptors"),
    *("kernel", "legacy_tables", "local_ports", "machine", "network_manager", "rates", "route_get"),
    *("route_get_tcp", "routes_beside", "routes_ipv4", "routes_ipv6", "routing_rules_ipv4"),
    *("routing_rules_ipv6", "sysctl", "ways_out_ipv4", "ways_out_ipv6"),
    *("ways_out_tcp_ipv4", "ways_out_tcp_ipv6"),
)
REDACTORS: Mapping[str, Redactor] = {
    **dict.fromkeys(_PLAIN, listings.plain),
    "connections": listings.sockets,
    "unsettled": listings.sockets,
    "listeners": listings.sockets,
    "listener_owners": listings.sockets,
    "links": listings.interfaces,
    "addresses": listings.interfaces,
    "selinux": listings.configuration,
    "ssh_processes": listings.ssh_processes,
    "tunnel_config": config_answer,
    "tunnel_log": listings.log,
    "nft": filters.nft,
    "iptables": filters.saved,
    "ip6tables": filters.saved,
    "iptables_legacy": filters.saved,
    "ip6tables_legacy": filters.saved,
    "ipset": filters.saved,
    "virtual_servers": filters.virtual_servers,
    "tc": filters.traffic_control,
}
"""How each kind of section is redacted; one that is not among them is left out."""


def new_key() -> bytes:
    """A key that nobody can guess."""
    return secrets.token_bytes(32)


def redact(
    hosts: Callable[[], Iterator[EvidenceHost]], key: bytes | None = None
) -> Iterator[EvidenceHost]:
    """Replace addresses and names one to one, alike in all hosts of a file.

    Args:
        hosts: gives the hosts, each of the two times that it is called.
        key: what the pseudonyms depend on; None for a random one, which is kept nowhere.

    Raises:
        UsageError: a host's policy is not valid, or the file cannot be read.
    """
    chosen = new_key() if key is None else key
    given = Pseudonyms(AddressMap(chosen), NameMap(chosen))
    # Ranges and names have to be known before the first pseudonym is given.
    for host in hosts():
        _redact_host(host, given)
    given.learning = False
    for host in hosts():
        yield _redact_host(host, given)


def _redact_host(line: EvidenceHost, given: Pseudonyms) -> EvidenceHost:
    try:
        policy = policy_from_plain(line.policy)
    except UsageError as error:
        raise UsageError(f"host {line.host!r}: {error}") from None
    name = given.names.host(line.host)
    address = given.host(line.address)
    groups = tuple(sorted(_group(one, given) for one in line.groups))
    redacted = redact_policy(policy, given)
    transcript = line.transcript()
    renamed = _section_names(policy, redacted, tuple(line.probes))
    sections = {
        renamed[one]: _redact_section(one, section, given)
        for one, section in transcript.sections.items()
        if one in renamed and _kind(one) in REDACTORS
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
        made, groups=groups, policy=redacted.plain(), boot_id=line.boot_id, uptime=line.uptime
    )


def _group(name: str, given: Pseudonyms) -> str:
    return name if name in {"all", "ungrouped"} else given.names.name("group", name)


def _failure(transcript: Transcript) -> HostFailure | None:
    if transcript.failure is None:
        return None
    code = transcript.failure.code
    return HostFailure(code, f"it could not be collected ({code}; the words are redacted)", "")


def _section_names(policy: Policy, redacted: Policy, probes: Sequence[str]) -> Mapping[str, str]:
    """The section's names by the policy to those by the redacted one; others are not told."""
    known = [one for one in probes if one in all_probes()]
    before = [one for command in commands_for(known, policy) for one in command.sections]
    after = [one for command in commands_for(known, redacted) for one in command.sections]
    return dict(zip(before, after, strict=True))


def _kind(section: str) -> str:
    return section.partition(":")[0].partition("@")[0]


def _redact_section(name: str, section: Section, given: Pseudonyms) -> Section:
    stdout = _text(section.stdout, REDACTORS[_kind(name)], given)
    return Section(stdout, _text(section.stderr, _complaint, given), section.status, section.cut)


def _text(data: bytes, redactor: Redactor, given: Pseudonyms) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    return redactor(text, given).encode("utf-8", "surrogateescape")


def _complaint(text: str, given: Pseudonyms) -> str:
    return given.names.in_words(given.in_text(text))

"""Which host keys ssh would accept from a destination, by the known_hosts files that it reads.

Source: OpenSSH 9.2, sshconnect.c, check_host_key; ssh_config(5). The audit does not connect, so it
does not see which key the other end shows. Only the policy can say which key is right.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address

from nethygiene.known_hosts import KnownHosts, KnownHostsLine, Marker, fingerprint, host_names
from nethygiene.subjects.tunnels.key_order import plain_type
from nethygiene.subjects.tunnels.ssh_config import SshConfig, flag


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """The lines of known_hosts about one destination.

    Attributes:
        name: the name that ssh looks up, as ``[localhost]:19922``.
        usable: lines whose key ssh would accept.
        revoked: lines that forbid a key of that destination.
        unusable: lines of a type that ssh's HostKeyAlgorithms leave out.
        authorities: @cert-authority lines, which count if the other end shows a certificate.
        disputed: lines whose key would do, if another key were not known for the address
            (CheckHostIP).
        disputing: the lines of those addresses.
    """

    name: str
    usable: tuple[KnownHostsLine, ...] = ()
    revoked: tuple[KnownHostsLine, ...] = ()
    unusable: tuple[KnownHostsLine, ...] = ()
    authorities: tuple[KnownHostsLine, ...] = ()
    disputed: tuple[KnownHostsLine, ...] = ()
    disputing: tuple[KnownHostsLine, ...] = ()

    def __str__(self) -> str:
        parts = [f"{line.key_type} {fingerprint(line.key)} ({line})" for line in self.usable]
        parts += [f"revoked {fingerprint(line.key)} ({line})" for line in self.revoked]
        parts += [f"{line.key_type}, which ssh does not use ({line})" for line in self.unusable]
        parts += [
            f"{line.key_type} {fingerprint(line.key)} ({line}), and another for its address "
            f"({', '.join(map(str, self.disputing))})"
            for line in self.disputed
        ]
        parts += [f"@cert-authority ({line})" for line in self.authorities]
        return ", ".join(parts) or "absent"

    def with_fingerprint(self, fingerprints: Collection[str]) -> tuple[KnownHostsLine, ...]:
        """The usable lines that hold one of these keys."""
        return tuple(line for line in self.usable if fingerprint(line.key) in fingerprints)


def lookup_name(config: SshConfig) -> tuple[str, str | None]:
    """The name by which ssh looks up a destination, and the name that it tries next."""
    alias = config.get("hostkeyalias")
    if alias and alias.lower() != "none":
        return host_names(alias, None)
    return host_names(config.hostname, config.port)


def known_keys(config: SshConfig, known_hosts: KnownHosts) -> KnownKeys:
    """The keys that the files hold for the destination of `config`."""
    name, bare = lookup_name(config)
    lines = known_hosts.matching(name)
    fallback = known_hosts.matching(bare) if bare is not None else ()
    both = (*lines, *fallback)
    forbidden = {line.key for line in both if line.marker is Marker.REVOKED}
    plain = [line for line in known_hosts.plain(name, bare) if line.key not in forbidden]
    offered = [line for line in plain if _is_offered(line.key_type, config)]
    disputing = {line: _other_keys_of_address(line, config, known_hosts) for line in offered}
    return KnownKeys(
        name=name,
        usable=tuple(line for line in offered if not disputing[line]),
        disputed=tuple(line for line in offered if disputing[line]),
        disputing=tuple(dict.fromkeys(other for others in disputing.values() for other in others)),
        revoked=tuple(line for line in both if line.marker is Marker.REVOKED),
        unusable=tuple(line for line in plain if not _is_offered(line.key_type, config)),
        authorities=tuple(line for line in both if line.marker is Marker.AUTHORITY),
    )


def _is_offered(key_type: str, config: SshConfig) -> bool:
    algorithms = frozenset((config.get("hostkeyalgorithms") or "").split(","))
    if algorithms <= {""}:
        return True
    return plain_type(key_type) in map(plain_type, algorithms)


def checks_address(config: SshConfig) -> bool:
    """Whether ssh also looks up the destination's address: CheckHostIP, off since 8.5.

    It does not if it goes through a proxy, to loopback, or to a plain address.
    """
    if flag(config.get("checkhostip") or "no") is not True or config.is_set("proxycommand"):
        return False
    if config.is_set("proxyjump") or _is_loopback(config.hostname):
        return False
    return not _is_address(config.hostname)


def _other_keys_of_address(
    line: KnownHostsLine, config: SshConfig, known_hosts: KnownHosts
) -> list[KnownHostsLine]:
    """The lines of the address that hold another key than `line`.

    Source: sshconnect.c, "differs from the key for the IP address": ssh ends there unless
    StrictHostKeyChecking is off.
    """
    if not checks_address(config):
        return []
    others: list[KnownHostsLine] = []
    for address in config.all("resolved"):
        lines = known_hosts.matching(host_names(address, config.port)[0])
        same_type = [
            other
            for other in lines
            if other.marker is Marker.NONE and other.key_type == line.key_type
        ]
        if line.key not in {other.key for other in same_type}:
            others += same_type
    return others


def perhaps_disputed(keys: KnownKeys, config: SshConfig, known_hosts: KnownHosts) -> bool:
    """Whether a line of an address that was not resolved may dispute the keys."""
    if not checks_address(config) or config.all("resolved"):
        return False
    mine = {line.key for line in keys.usable}
    types = {line.key_type for line in keys.usable}
    return any(
        line.key_type in types and line.key not in mine and may_be_address(line.names)
        for line in known_hosts.lines
    )


def may_be_address(names: str) -> bool:
    """Whether a line may be an address's: it is an address, a pattern, or hashed."""
    return names.startswith("|") or any(
        "*" in name or "?" in name or _is_address(name.split("]")[0].strip("["))
        for name in names.split(",")
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(hostname: str) -> bool:
    return hostname in {"localhost", "::1"} or hostname.startswith("127.")


def unchecked_because(config: SshConfig) -> str:
    """Why ssh would go on with a key that known_hosts does not hold; empty if it would not."""
    strict = (config.get("stricthostkeychecking") or "ask").lower()
    if flag(strict) is False:
        return "StrictHostKeyChecking is off: ssh goes on with whatever key is shown"
    if strict == "accept-new":
        return "StrictHostKeyChecking accept-new: ssh takes whatever key is shown first"
    return ""


def other_sources(config: SshConfig) -> tuple[str, ...]:
    """Sources of keys that were not read, and may know or forbid the key."""
    sources = []
    if config.is_set("knownhostscommand"):
        sources.append("its KnownHostsCommand")
    if flag(config.get("verifyhostkeydns") or "no") is True:
        sources.append("VerifyHostKeyDNS: SSHFP records in DNS")
    return tuple(sources)


def is_exempt(config: SshConfig) -> bool:
    """Whether ssh checks no key there at all: NoHostAuthenticationForLocalhost."""
    if config.is_set("hostkeyalias"):
        return False  # sshconnect.c, no_host_authentication_for_localhost
    exempt = flag(config.get("nohostauthenticationforlocalhost") or "no") is True
    return exempt and _is_loopback(config.hostname)

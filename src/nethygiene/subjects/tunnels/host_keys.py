"""Which host keys ssh would take from a destination, by the known_hosts files that it consults.

Source: OpenSSH 9.2, sshconnect.c, check_host_key; ssh_config(5). No connection is made: which key
the other end really shows cannot be told from here, unless the policy says which one is right.
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
    """What known_hosts says of one destination.

    Attributes:
        name: what it is looked up by, as ``[localhost]:19922``.
        usable: lines whose key ssh would take.
        revoked: lines that forbid a key of that destination.
        unusable: lines of a type that ssh's HostKeyAlgorithms leave out.
        authorities: @cert-authority lines: they count if the other end shows a certificate.
        disputed: lines whose key would do, but for the address (CheckHostIP) another is known.
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

    def with_fingerprint(self, wanted: Collection[str]) -> tuple[KnownHostsLine, ...]:
        """The usable lines that hold one of these keys."""
        return tuple(line for line in self.usable if fingerprint(line.key) in wanted)


def lookup_name(config: SshConfig) -> tuple[str, str | None]:
    """The name that ssh looks a destination up by, and the one that it tries next."""
    alias = config.get("hostkeyalias")
    if alias and alias.lower() != "none":
        return host_names(alias, None)
    return host_names(config.hostname, config.port)


def known_keys(config: SshConfig, known: KnownHosts) -> KnownKeys:
    """What the files hold for the destination of `config`."""
    name, bare = lookup_name(config)
    lines = known.matching(name)
    fallback = known.matching(bare) if bare is not None else ()
    both = (*lines, *fallback)
    forbidden = {line.key for line in both if line.marker is Marker.REVOKED}
    plain = [line for line in known.plain(name, bare) if line.key not in forbidden]
    offered = [line for line in plain if _is_offered(line.key_type, config)]
    disputing = {line: _other_keys_of_address(line, config, known) for line in offered}
    return KnownKeys(
        name=name,
        usable=tuple(line for line in offered if not disputing[line]),
        disputed=tuple(line for line in offered if disputing[line]),
        disputing=tuple(dict.fromkeys(one for found in disputing.values() for one in found)),
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
    """Whether ssh looks the destination's address up as well: CheckHostIP, off since 8.5.

    Not where it goes by a proxy, to loopback, or to what is an address by itself.
    """
    if flag(config.get("checkhostip") or "no") is not True or config.is_set("proxycommand"):
        return False
    if config.is_set("proxyjump") or _is_loopback(config.hostname):
        return False
    return not _is_address(config.hostname)


def _other_keys_of_address(
    line: KnownHostsLine, config: SshConfig, known: KnownHosts
) -> list[KnownHostsLine]:
    """The lines by which ssh holds that key to be another than the address has.

    Source: sshconnect.c, "differs from the key for the IP address": it ends there unless
    StrictHostKeyChecking is off.
    """
    if not checks_address(config):
        return []
    found: list[KnownHostsLine] = []
    for address in config.all("resolved"):
        lines = known.matching(host_names(address, config.port)[0])
        same_type = [
            one for one in lines if one.marker is Marker.NONE and one.key_type == line.key_type
        ]
        if line.key not in {one.key for one in same_type}:
            found += same_type
    return found


def perhaps_disputed(keys: KnownKeys, config: SshConfig, known: KnownHosts) -> bool:
    """Whether a line of an address that was not resolved may dispute the keys."""
    if not checks_address(config) or config.all("resolved"):
        return False
    mine = {line.key for line in keys.usable}
    types = {line.key_type for line in keys.usable}
    return any(
        line.key_type in types and line.key not in mine and may_be_address(line.names)
        for line in known.lines
    )


def may_be_address(names: str) -> bool:
    """Whether a line is of an address, as far as it tells: what is hashed or a pattern may be."""
    return names.startswith("|") or any(
        "*" in one or "?" in one or _is_address(one.split("]")[0].strip("["))
        for one in names.split(",")
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
    """Why ssh would go on with a key that known_hosts does not hold; empty where it would not."""
    strict = (config.get("stricthostkeychecking") or "ask").lower()
    if flag(strict) is False:
        return "StrictHostKeyChecking is off: ssh goes on with whatever key is shown"
    if strict == "accept-new":
        return "StrictHostKeyChecking accept-new: ssh takes whatever key is shown first"
    return ""


def other_sources(config: SshConfig) -> tuple[str, ...]:
    """Sources of keys, beside known_hosts, that were not read: they may know it, or forbid it."""
    found = []
    if config.is_set("knownhostscommand"):
        found.append("its KnownHostsCommand")
    if flag(config.get("verifyhostkeydns") or "no") is True:
        found.append("VerifyHostKeyDNS: SSHFP records in DNS")
    return tuple(found)


def is_exempt(config: SshConfig) -> bool:
    """Whether ssh checks no key there at all: NoHostAuthenticationForLocalhost."""
    if config.is_set("hostkeyalias"):
        return False  # sshconnect.c, no_host_authentication_for_localhost
    exempt = flag(config.get("nohostauthenticationforlocalhost") or "no") is True
    return exempt and _is_loopback(config.hostname)

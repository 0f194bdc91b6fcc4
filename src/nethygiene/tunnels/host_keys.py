"""Which host keys ssh would take from a destination, by the known_hosts files that it consults.

Source: OpenSSH 9.2, sshconnect.c, check_host_key; ssh_config(5). No connection is made: which key
the other end really shows cannot be told from here, unless the policy says which one is right.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from nethygiene.known_hosts import KnownHosts, Line, Marker, fingerprint, host_names
from nethygiene.tunnels.ssh_config import SshConfig, flag

_RSA = frozenset({"ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"})


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """What known_hosts says of one destination.

    Attributes:
        name: what it is looked up by, as ``[localhost]:19922``.
        usable: lines whose key ssh would take.
        revoked: lines that forbid a key of that destination.
        unusable: lines of a type that ssh's HostKeyAlgorithms leave out.
        authorities: @cert-authority lines: they count if the other end shows a certificate.
    """

    name: str
    usable: tuple[Line, ...] = ()
    revoked: tuple[Line, ...] = ()
    unusable: tuple[Line, ...] = ()
    authorities: tuple[Line, ...] = ()

    def __str__(self) -> str:
        parts = [f"{line.key_type} {fingerprint(line.key)} ({line})" for line in self.usable]
        parts += [f"revoked {fingerprint(line.key)} ({line})" for line in self.revoked]
        parts += [f"{line.key_type}, which ssh does not use ({line})" for line in self.unusable]
        parts += [f"@cert-authority ({line})" for line in self.authorities]
        return ", ".join(parts) or "absent"

    def with_fingerprint(self, wanted: Collection[str]) -> tuple[Line, ...]:
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
    plain = [line for line in lines if line.marker is Marker.NONE]
    if not plain:
        # sshconnect.c's "checking without port identifier".
        plain = [line for line in fallback if line.marker is Marker.NONE]
    both = (*lines, *fallback)
    forbidden = {line.key for line in both if line.marker is Marker.REVOKED}
    plain = [line for line in plain if line.key not in forbidden]
    return KnownKeys(
        name=name,
        usable=tuple(line for line in plain if _is_offered(line.key_type, config)),
        revoked=tuple(line for line in both if line.marker is Marker.REVOKED),
        unusable=tuple(line for line in plain if not _is_offered(line.key_type, config)),
        authorities=tuple(line for line in both if line.marker is Marker.AUTHORITY),
    )


def _is_offered(key_type: str, config: SshConfig) -> bool:
    algorithms = frozenset((config.get("hostkeyalgorithms") or "").split(","))
    if algorithms <= {""}:
        return True
    return bool(algorithms & _RSA) if key_type in _RSA else key_type in algorithms


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
    loopback = config.hostname in {"localhost", "::1"} or config.hostname.startswith("127.")
    return loopback and flag(config.get("nohostauthenticationforlocalhost") or "no") is True

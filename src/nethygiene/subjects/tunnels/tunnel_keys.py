"""Whether the tunnel's ssh knows the host keys of all hosts that it connects to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from nethygiene.engine.matchers import Matcher
from nethygiene.inventory.policy import Tunnel
from nethygiene.known_hosts import KnownHosts, fingerprint
from nethygiene.subjects.tunnels.host_key_remedies import fetch_key
from nethygiene.subjects.tunnels.host_keys import (
    KnownKeys,
    is_exempt,
    known_keys,
    other_sources,
    perhaps_disputed,
    unchecked_because,
)
from nethygiene.subjects.tunnels.key_order import asked_before, follows_known_hosts, plain_type
from nethygiene.subjects.tunnels.ssh_config import SshConfig, flag
from nethygiene.subjects.tunnels.tunnel_configs import SshTarget, TunnelConfig

_WHERE = {
    "declared": "the tunnel's destination",
    "check": "the job's check",
    "jump": "a jump host on the way",
}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class HostKeyFinding:
    """The known host keys of one destination.

    Attributes:
        what: the destination, by the name that ssh looks up.
        keys: the keys that ssh would find.
        wanted: the expectation of them.
        hint: what the keys mean and what to do.
        remedy: the commands that do it.
        undecided: why the result is unknown; empty if it is not.
    """

    what: str
    keys: KnownKeys
    wanted: Matcher[KnownKeys]
    hint: str
    remedy: Callable[[], str]
    undecided: str = ""


def host_key_findings(tunnel: Tunnel, config: TunnelConfig) -> list[HostKeyFinding]:
    """One finding for each destination and jump host of the tunnel and of its check."""
    return [
        _finding(tunnel, target, config, _declared_keys(tunnel, target, config))
        for target in config.targets
        if target.role in _WHERE
    ]


def _declared_keys(tunnel: Tunnel, target: SshTarget, config: TunnelConfig) -> tuple[str, ...]:
    """The fingerprints of which ssh has to know one; empty if none is declared for the target."""
    if target.role == "declared":
        return tunnel.host_keys
    declared = config.target("declared")
    if target.role != "check" or declared is None or target.config.hostname not in _LOOPBACK:
        return ()
    # A check through the tunnel reaches the sshd that the tunnel itself connects to.
    same = any(
        forward.port == target.config.port
        and forward.host in _LOOPBACK
        and forward.host_port == declared.config.port
        for forward in tunnel.local_forwards
    )
    return tunnel.host_keys if same else ()


def _settings(tunnel: Tunnel, target: SshTarget) -> str | None:
    """HostKeyAlgorithms on the command line, which jump hosts and the check do not get."""
    return tunnel.option("HostKeyAlgorithms") if target.role == "declared" else None


def _finding(
    tunnel: Tunnel, target: SshTarget, config: TunnelConfig, declared: tuple[str, ...]
) -> HostKeyFinding:
    ssh = target.config
    words = (*ssh.words("userknownhostsfile"), *ssh.words("globalknownhostsfile"))
    files = tuple(word for word in words if word.lower() != "none")
    known_hosts = KnownHosts.joined(config.files[path] for path in files if path in config.files)
    keys = known_keys(ssh, known_hosts)
    unreadable = [path for path in files if path in config.unreadable]
    name = keys.name
    return HostKeyFinding(
        what=f"known host key of {name} ({_WHERE[target.role]})",
        keys=keys,
        wanted=_wanted(declared, unchecked_because(ssh), ssh),
        hint="; ".join(_hints(keys, declared, files, ssh)),
        remedy=partial(fetch_key, tunnel, keys, target, config, declared),
        undecided=_undecided(
            keys,
            declared,
            ssh,
            unreadable,
            _doubt(keys, ssh, known_hosts, config, _settings(tunnel, target)),
        ),
    )


def _wanted(declared: tuple[str, ...], unchecked: str, ssh: SshConfig) -> Matcher[KnownKeys]:
    checks = flag(ssh.get("stricthostkeychecking") or "ask") is not False
    if declared:
        description = f"the declared key {' or '.join(declared)}"
    else:
        description = "a usable key (host_keys declares none: it may still be the wrong one)"
    if unchecked and not checks:
        description += ", and that ssh insists on it"
    return Matcher(description, lambda keys: checks and _is_good(keys, declared))


def _is_good(keys: KnownKeys, declared: tuple[str, ...]) -> bool:
    return bool(keys.with_fingerprint(declared) if declared else keys.usable)


def _hints(
    keys: KnownKeys, declared: tuple[str, ...], files: tuple[str, ...], ssh: SshConfig
) -> Iterator[str]:
    revoked = {fingerprint(line.key) for line in keys.revoked}
    if unchecked := unchecked_because(ssh):
        yield unchecked
    if revoked & set(declared) or (revoked and not keys.usable):
        yield "the key is marked @revoked: find out why before anything else"
    elif declared and keys.usable and not keys.with_fingerprint(declared):
        yield "known_hosts holds another key, so ssh refuses the declared one as changed"
    if keys.disputed and not keys.usable:
        yield (
            "CheckHostIP is on, and ssh ends where the address has another key: see which is "
            "right, and take the other line away"
        )
    elif not _is_good(keys, declared):
        file = files[0] if files else "known_hosts"
        yield (
            'ssh ends there with "Host key verification failed.": compare the fingerprint out of '
            f"band, then add the key to {file} as {keys.name}"
        )


def _undecided(
    keys: KnownKeys,
    declared: tuple[str, ...],
    ssh: SshConfig,
    unreadable: list[str],
    doubt: str,
) -> str:
    if flag(ssh.get("stricthostkeychecking") or "ask") is False:
        return ""
    if is_exempt(ssh):
        why = "ssh checks no key there (NoHostAuthenticationForLocalhost yes)"
    elif ssh.is_set("revokedhostkeys"):
        why = f"RevokedHostKeys {ssh.get('revokedhostkeys')} was not read: it may forbid the key"
    elif _is_good(keys, declared):
        why = _inner_ssh(ssh) or doubt
    elif {fingerprint(line.key) for line in keys.revoked} & set(declared):
        why = ""
    else:
        why = _elsewhere(keys, ssh, unreadable)
    return f"{keys.name}: {why}" if why else ""


def _doubt(
    keys: KnownKeys,
    ssh: SshConfig,
    known_hosts: KnownHosts,
    config: TunnelConfig,
    algorithms: str | None,
) -> str:
    """Why the server may show another key than the known one."""
    effective = ssh.get("hostkeyalgorithms") or ""
    settings = config.algorithms if algorithms is None else (algorithms,)
    types = {plain_type(line.key_type) for line in keys.usable}
    ahead = asked_before(effective, types)
    if ahead and not follows_known_hosts(effective, settings, config.version):
        return (
            f"HostKeyAlgorithms puts {', '.join(ahead)} before {' and '.join(sorted(types))}, the "
            "type that is known: a server that has such a key shows it, and ssh ends "
            'with "Host key verification failed."; add that key as well, or put the known type '
            "first (^ before a list does so, + and - ask for the known type by themselves)"
        )
    if perhaps_disputed(keys, ssh, known_hosts):
        return (
            f"CheckHostIP is on, and the address of {ssh.hostname} was not found: a line for that "
            "address may hold another key"
        )
    return ""


def _inner_ssh(ssh: SshConfig) -> str:
    if ssh.get("proxycommand") != "ssh":
        return ""
    return (
        "its ProxyCommand runs an ssh of its own, whose host keys were not looked at: ProxyJump "
        "would show them"
    )


def _elsewhere(keys: KnownKeys, ssh: SshConfig, unreadable: list[str]) -> str:
    if unreadable:
        return f"{', '.join(unreadable)} exists but could not be read"
    if keys.authorities:
        lines = ", ".join(str(line) for line in keys.authorities)
        return (
            f"known through @cert-authority alone ({lines}): whether the other end shows a "
            "certificate cannot be seen without a connection"
        )
    if sources := other_sources(ssh):
        return f"not in known_hosts, but ssh also asks {' and '.join(sources)}"
    return ""

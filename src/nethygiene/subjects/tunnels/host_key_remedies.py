"""Remedies of host keys that ssh does not know: remove wrong lines, and add the right one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from nethygiene.engine.remedies import as_user, command, paragraphs, word
from nethygiene.inventory.policy import Tunnel
from nethygiene.known_hosts import KnownHostsLine, host_names
from nethygiene.subjects.tunnels.host_keys import KnownKeys
from nethygiene.subjects.tunnels.ssh_config import SshConfig, flag
from nethygiene.subjects.tunnels.tunnel_configs import SshTarget, TunnelConfig

Names = tuple[str, ...]
_PLAIN = re.compile(r"[\w.:\[\]%-]+", re.ASCII)

# Only root writes to /run, so nobody else can put a key of theirs into the file meanwhile.
_FETCHED = "/run/nethygiene-host-key"


def fetch_key(
    tunnel: Tunnel, keys: KnownKeys, target: SshTarget, config: TunnelConfig, declared: Names
) -> str:
    """The remedy: fetch the key, compare it, and replace the wrong keys by it.

    Args:
        tunnel: the declared tunnel.
        keys: the known keys of the destination.
        target: ssh's configuration for it.
        config: the files that ssh reads.
        declared: the declared fingerprints; empty if none is declared.
    """
    ssh = target.config
    files = [file for file in ssh.words("userknownhostsfile") if file.lower() != "none"]
    if flag(ssh.get("stricthostkeychecking") or "ask") is False:
        return (
            "Take `StrictHostKeyChecking no` out of the job's command line, of the `options` that "
            f"are declared, and of the configuration that {tunnel.user}'s ssh reads."
        )
    if keys.revoked or not files or not _PLAIN.fullmatch(keys.name):
        return ""
    good = {line.key for line in keys.with_fingerprint(declared)}
    wrong = [*keys.disputing, *(line for line in keys.usable if declared and line.key not in good)]
    shown = f"`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on {ssh.hostname}'s own console"
    made = command(as_user(tunnel.user, f"mkdir -p -m 700 {word(files[0].rpartition('/')[0])}"))
    ready = [
        *([made] if files[0] in config.absent else []),
        *_remove(tunnel, keys.name, wrong, ssh.words("userknownhostsfile")),
    ]
    if ssh.is_set("proxyjump") or ssh.is_set("proxycommand"):
        asking = f"ssh -oStrictHostKeyChecking=ask {_written(target)} true"
        return paragraphs(
            "ssh-keyscan cannot go by another host, so let ssh ask, and show the fingerprint. "
            f"Answer yes only if it is that of {shown}.",
            "\n".join(filter(None, [*ready, command(as_user(tunnel.user, asking))])),
        )
    adding = command(as_user(tunnel.user, f"tee -a {word(files[0])} < {_FETCHED}"))
    through = " It is asked through the tunnel, which has to run." * (target.role == "check")
    return paragraphs(
        f"Fetch the key, and compare its fingerprint with that of {shown}.{through}",
        "\n".join(filter(None, [_scan(keys, ssh), command(f"ssh-keygen -lf {_FETCHED}")])),
        "Only if it is the same, let ssh know it:",
        "\n".join(filter(None, [*ready, adding])),
        "Declare the fingerprint as `host_keys`, so that a wrong key is found as well."
        if not declared
        else "",
    )


def _scan(keys: KnownKeys, ssh: SshConfig) -> str:
    # On localhost the tunnel may listen at 127.0.0.1 alone, and ssh-keyscan tries only one address.
    family = "-4 " if ssh.hostname == "localhost" else ""
    # The line needs the name that ssh looks up, which may be a HostKeyAlias.
    scanned = host_names(ssh.hostname, ssh.port)[0]
    renamed = "" if scanned == keys.name else f" | sed 's/^[^ ]*/{keys.name}/'"
    host = word(ssh.hostname)
    return command(f"ssh-keyscan {family}-p {ssh.port} {host}{renamed} > {_FETCHED}")


def _remove(
    tunnel: Tunnel, name: str, lines: Iterable[KnownHostsLine], own_files: Collection[str]
) -> list[str]:
    """The commands that remove lines: as the user from the user's files, as root from others."""
    commands: dict[str, None] = {}
    for line in lines:
        hashed = line.names.startswith("|")
        for host in [name] if hashed else line.names.split(","):
            text = f"ssh-keygen -R {word(host)} -f {word(line.source)}"
            commands[as_user(tunnel.user, text) if line.source in own_files else text] = None
    return [command(text) for text in commands]


def _written(target: SshTarget) -> str:
    return " ".join(word(argument) for argument in target.arguments)

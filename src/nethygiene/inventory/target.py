"""How to reach one host, in plain values: what an inventory hands to the transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ConnectionKind = Literal["paramiko", "ssh", "local", "docker", "podman", "kubectl"]


@dataclass(frozen=True, slots=True)
class Target:
    """One host's connection variables, resolved. Picklable on purpose.

    Attributes:
        name: inventory name.
        address: `ansible_host`, else the name. For containers: the container's name.
        port: `ansible_port`; None leaves it to ssh_config (and then 22).
        user: `ansible_user`; None leaves it to ssh_config (and then the local user).
        kind: `ansible_connection`.
        identity_file: `ansible_ssh_private_key_file`, `~` expanded, or None.
        common_args: `ansible_ssh_common_args` split as a shell would; only -o, -J and -F occur.
        become: `ansible_become`: privileged commands go through `sudo -n`.
        become_user: `ansible_become_user`.
        host_keys: `nethygiene_host_keys`, SHA256 fingerprints; empty: known_hosts decides.
    """

    name: str
    address: str
    port: int | None = None
    user: str | None = None
    kind: ConnectionKind = "paramiko"
    identity_file: str | None = None
    common_args: tuple[str, ...] = ()
    become: bool = False
    become_user: str = "root"
    host_keys: tuple[str, ...] = ()

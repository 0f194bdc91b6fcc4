"""What one lab host is to be like, as plain values that travel to the lab's keeper."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

Login = Literal["root", "audit"]

AUDIT_UID = 64321
"""Numeric id of the unprivileged login `audit`; no Debian package allocates it."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One host before it exists.

    Attributes:
        name: host name, also the inventory's.
        index: number of the host in its lab, unique, for interface names.
        addresses: addresses of eth0 in CIDR form, both families.
        host_keys: pairs of key file name (``ssh_host_ed25519_key``) and private key text.
        authorized_keys: text of the authorized_keys of both logins.
        sshd_options: lines put before the lab's own in sshd_config; sshd keeps the first.
        sudoers: rules of /etc/sudoers, None for root's alone.
        bridge: the one that eth0 hangs on.
        sysctls: pairs of name and value that the host has beside the kernel's defaults.
    """

    name: str
    index: int
    addresses: tuple[str, ...]
    host_keys: tuple[tuple[str, str], ...]
    authorized_keys: str
    sshd_options: tuple[str, ...] = ()
    sudoers: str | None = None
    bridge: str = "lan"
    sysctls: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The spec as JSON can carry it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> HostSpec:
        """The inverse of :meth:`to_json`, after JSON has made lists of the tuples."""
        return cls(
            name=values["name"],
            index=values["index"],
            addresses=tuple(values["addresses"]),
            host_keys=tuple((name, text) for name, text in values["host_keys"]),
            authorized_keys=values["authorized_keys"],
            sshd_options=tuple(values["sshd_options"]),
            sudoers=values["sudoers"],
            bridge=values["bridge"],
            sysctls=tuple((name, value) for name, value in values["sysctls"]),
        )

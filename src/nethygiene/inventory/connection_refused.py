"""Ansible's connection variables that are not honoured here, each with its cure.

If they were ignored, a host would be reached otherwise than its inventory says.
"""

from __future__ import annotations

from collections.abc import Mapping

from nethygiene.inventory.located import Node, Scalar, shown
from nethygiene.inventory.target import ConnectionKind

_KEYS = (
    "log in with a key: ansible_ssh_private_key_file, ssh_config or an agent; "
    "passwords are not used"
)
_SUDO = "remove it: `sudo -n` is used, without a password; allow its one command in sudoers"
_COMMON = "put -o, -J and -F into ansible_ssh_common_args, and what else there is into ssh_config"

_REFUSED: Mapping[str, str] = {
    "ansible_password": _KEYS,
    "ansible_pass": _KEYS,
    "ansible_ssh_pass": _KEYS,
    "ansible_ssh_password": _KEYS,
    "ansible_paramiko_pass": _KEYS,
    "ansible_paramiko_password": _KEYS,
    "ansible_ssh_private_key": "write it to a file and name that in ansible_ssh_private_key_file",
    "ansible_ssh_private_key_passphrase": "load the key into an agent: ssh-add FILE",
    "ansible_private_key_passphrase": "load the key into an agent: ssh-add FILE",
    "ansible_become_password": _SUDO,
    "ansible_become_pass": _SUDO,
    "ansible_sudo_pass": _SUDO,
    "ansible_sudo_password": _SUDO,
    "ansible_su_pass": _SUDO,
    "ansible_become_exe": _SUDO,
    "ansible_sudo_exe": _SUDO,
    "ansible_become_flags": _SUDO,
    "ansible_sudo_flags": _SUDO,
    "ansible_sudo": "write ansible_become: true",
    "ansible_su": "write ansible_become: true; only sudo is used",
    "ansible_ssh_args": _COMMON,
    "ansible_ssh_extra_args": _COMMON,
    "ansible_ssh_executable": "remove it: the ssh on PATH is used with ansible_connection: ssh",
    "ansible_paramiko_proxy_command": "write ansible_ssh_common_args: -J HOST",
    "ansible_jump_host": "write ansible_ssh_common_args: -J HOST",
}

_OF_KIND: Mapping[str, tuple[ConnectionKind, ...]] = {
    "ansible_docker_": ("docker",),
    "ansible_podman_": ("podman",),
    "ansible_kubectl_": ("kubectl",),
}

_HOST_KEY_CHECKING = {
    "ansible_host_key_checking",
    "ansible_ssh_host_key_checking",
    "ansible_paramiko_host_key_checking",
}


def refused_variable(name: str, node: Node, kind: ConnectionKind) -> tuple[str, str] | None:
    """Why a variable cannot be honoured, and the cure; None for all others.

    The reason leaves out values that may be secret.
    """
    cure = _REFUSED.get(name)
    if cure is not None:
        return f"{name} is not honoured", cure
    value = node.value if isinstance(node, Scalar) else None
    text = str(value).strip().lower()
    if name == "ansible_become_method" and text not in {"sudo", "ansible.builtin.sudo"}:
        return f"ansible_become_method {shown(value)} is not honoured", "only sudo is: write sudo"
    if name == "ansible_shell_type" and text in {"powershell", "cmd"}:
        return (
            f"ansible_shell_type {shown(value)}: Windows hosts are not supported",
            "leave the host out: --limit='all:!NAME'",
        )
    if name in _HOST_KEY_CHECKING and text not in {"true", "yes", "on", "y", "t", "1", "1.0"}:
        return (
            f"{name} is not honoured: host keys are always checked",
            "remove it, and name the keys in nethygiene_host_keys or in known_hosts",
        )
    for prefix, kinds in _OF_KIND.items():
        if name.startswith(prefix) and kind in kinds:
            return f"{name} is not honoured", "only ansible_host, the container's name, is"
    return None

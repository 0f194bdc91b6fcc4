"""The values of Ansible's connection variables; each parser raises :class:`RefusedValueError`."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping

from nethygiene.inventory.located import shown
from nethygiene.inventory.names import is_address, is_user
from nethygiene.inventory.target import ConnectionKind
from nethygiene.masking import shows_secret

_KINDS: Mapping[str, ConnectionKind] = {
    # Ansible's smart leaves the choice of an SSH client to us.
    "smart": "paramiko",
    "paramiko": "paramiko",
    "paramiko_ssh": "paramiko",
    "ansible.builtin.paramiko_ssh": "paramiko",
    "ssh": "ssh",
    "ansible.builtin.ssh": "ssh",
    "local": "local",
    "ansible.builtin.local": "local",
    "docker": "docker",
    "community.docker.docker": "docker",
    "podman": "podman",
    "containers.podman.podman": "podman",
    "kubectl": "kubectl",
    "kubernetes.core.kubectl": "kubectl",
}
_TRUE = {"y", "yes", "on", "1", "true", "t", "1.0"}
_FALSE = {"n", "no", "off", "0", "false", "f", "0.0"}
_SSH_OPTION = re.compile(r"[A-Za-z][A-Za-z0-9]*\s*[=\s]\s*\S.*")


class RefusedValueError(Exception):
    """A value that is not honoured; `fix` is a right one."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def _text(value: object) -> str:
    """A string; a number that YAML reads becomes its digits again."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RefusedValueError(f"{shown(value)} is no string", "put the value into quotes")


def parse_kind(value: object) -> ConnectionKind:
    """A connection plugin, by its short or its full name."""
    kind = _KINDS.get(value) if isinstance(value, str) else None
    if kind is None:
        raise RefusedValueError(
            f"connection {shown(value)} is not supported",
            "use paramiko, ssh, local, docker, podman or kubectl, or leave the host out: "
            "--limit='all:!NAME'",
        )
    return kind


def parse_address(value: object) -> str:
    """The address to connect to."""
    text = _text(value)
    if not is_address(text):
        fix = "write a DNS name, a name of ssh_config, or an IP address, without port or user"
        raise RefusedValueError(f"{shown(text)} is no address", fix)
    return text


def parse_port(value: object) -> int:
    """A port, as a number or in quotes."""
    fix = "write a port, 1 to 65535"
    text = _text(value)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 65535):
        raise RefusedValueError(f"{shown(value)} is no port", fix)
    return int(text)


def parse_user(value: object) -> str:
    """A login name."""
    text = _text(value)
    if not is_user(text):
        fix = "write a login name of letters, digits and . _ - @ +"
        raise RefusedValueError(f"{shown(text)} is no user", fix)
    return text


def parse_path(value: object) -> str:
    """A path, `~` expanded."""
    text = _text(value)
    if not text.strip() or not text.isprintable():
        raise RefusedValueError(f"{shown(text)} is no path", "write the path of a private key")
    # Path.expanduser raises for an unknown user, which ssh reports better.
    return os.path.expanduser(text)  # noqa: PTH111


def parse_boolean(value: object) -> bool:
    """A boolean as Ansible takes it; source: ansible.module_utils.parsing.convert_bool."""
    text = str(value).strip().lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise RefusedValueError(f"{shown(value)} is no boolean", "write true or false")


def parse_common_args(value: object) -> tuple[str, ...]:
    """Arguments of ssh as pairs of -o, -J or -F and a value, with or without a blank between."""
    fix = "only -o OPTION=VALUE, -J JUMP_HOST and -F FILE are honoured; put others into ssh_config"
    text = _text(value)
    if not text.isprintable():
        raise RefusedValueError(f"{shown(text)} holds control characters", fix)
    if shows_secret(text):
        raise RefusedValueError(
            "a password stands in it, which the process list would show to everyone",
            "log in with a key, or let ssh_config name a program that reads it from a file",
        )
    try:
        words = shlex.split(text)
    except ValueError as error:
        reason = str(error).lower()
        raise RefusedValueError(f"{shown(text)}: {reason}", "close the quote") from None
    arguments: list[str] = []
    rest = iter(words)
    for word in rest:
        option, argument = word[:2], word[2:] or next(rest, "")
        if option not in {"-o", "-J", "-F"}:
            raise RefusedValueError(f"{shown(word)} is not honoured", fix)
        if not argument or (option == "-J" and argument.startswith("-")):
            raise RefusedValueError(f"{option} has no value", fix)
        if option == "-o" and not _SSH_OPTION.fullmatch(argument):
            raise RefusedValueError(f"-o {shown(argument)} is no option", "write -o Keyword=value")
        arguments += [option, argument]
    return tuple(arguments)

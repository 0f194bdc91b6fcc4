"""Remedies made from a finding: commands with the host's own names and numbers, safe to paste.

What a host said stands in them (an interface's name, say), and a reader runs them as root. So each
word is quoted for the shell, and one that the markup of remedies cannot hold makes no command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping


def word(text: object) -> str:
    """One word of a shell command, quoted where it has to be."""
    return shlex.quote(str(text))


def command(text: str) -> str:
    """A line of a remedy that is typed at a shell; empty where the markup cannot hold it."""
    return f"`{text}`" if text.isprintable() and "`" not in text else ""


def content(text: str) -> str:
    """A line of a remedy that is put into the file which the sentence before it names."""
    return f"``{text}``" if text.isprintable() and "`" not in text else ""


def as_user(user: str, text: str) -> str:
    """A command of another user's, as root types it."""
    return text if user == "root" else f"runuser -u {word(user)} -- {text}"


def paragraphs(*parts: str) -> str:
    """The parts of a remedy, a paragraph or block each, without those that are empty."""
    return "\n\n".join(part for part in parts if part)


def set_sysctls(values: Mapping[str, object]) -> str:
    """Commands that set sysctls now and for good; their order is that of `values`.

    Each has a file of its own, so that a second application writes the same, and no other remedy's
    file has the last word on it. The name sorts behind 99-sysctl.conf, by which Debian has systemd
    read /etc/sysctl.conf.
    """
    now = [command(f"sysctl -w {word(f'{name}={value}')}") for name, value in values.items()]
    return "\n".join(filter(None, [*now, *(at_boot(*pair) for pair in values.items())]))


def at_boot(name: str, value: object) -> str:
    """The command that writes down a sysctl for the next boot."""
    return command(f"echo {word(f'{name}={value}')} > {word(boot_file(name))}")


def boot_file(name: str) -> str:
    """The file below /etc/sysctl.d that a remedy writes a sysctl to."""
    conf = re.fullmatch(r"net\.(ipv[46]\.conf\..+)", name)
    short = conf[1] if conf is not None else name.rpartition(".")[2]
    # sysctl(8) writes the dots in an interface's name as slashes.
    return f"/etc/sysctl.d/99-zz-{short.replace('/', '.')}.conf"

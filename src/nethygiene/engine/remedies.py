"""Remedies made from a finding: commands with the host's own names and numbers, safe to paste.

They hold words of the host (an interface's name, say), and a reader runs them as root. So each
word is quoted for the shell, and a word that the markup of remedies cannot hold makes no command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping


def word(text: object) -> str:
    """One word of a shell command, quoted if necessary."""
    return shlex.quote(str(text))


def command(text: str) -> str:
    """A line of a remedy to type at a shell; empty if the markup cannot hold it."""
    return f"`{text}`" if text.isprintable() and "`" not in text else ""


def content(text: str) -> str:
    """A line of a remedy for the file that the sentence before it names."""
    return f"``{text}``" if text.isprintable() and "`" not in text else ""


def as_user(user: str, text: str) -> str:
    """The command by which root runs a command as another user."""
    return text if user == "root" else f"runuser -u {word(user)} -- {text}"


def paragraphs(*parts: str) -> str:
    """The parts of a remedy, a paragraph or block each; empty parts are left out."""
    return "\n\n".join(part for part in parts if part)


def set_sysctls(values: Mapping[str, object]) -> str:
    """Commands that set sysctls now and for good, in the order of `values`.

    Each sysctl has a file of its own, so that applying the remedy twice changes nothing, and no
    file of another remedy overrides it. The name sorts behind 99-sysctl.conf, by which Debian has
    systemd read /etc/sysctl.conf.
    """
    now = [command(f"sysctl -w {word(f'{name}={value}')}") for name, value in values.items()]
    return "\n".join(filter(None, [*now, *(at_boot(*pair) for pair in values.items())]))


def at_boot(name: str, value: object) -> str:
    """The command that writes a sysctl into a file for the next boot."""
    return command(f"echo {word(f'{name}={value}')} > {word(boot_file(name))}")


def boot_file(name: str) -> str:
    """The file below /etc/sysctl.d that a remedy writes a sysctl to."""
    conf = re.fullmatch(r"net\.(ipv[46]\.conf\..+)", name)
    short = conf[1] if conf is not None else name.rpartition(".")[2]
    # sysctl(8) writes the dots in an interface's name as slashes.
    return f"/etc/sysctl.d/99-zz-{short.replace('/', '.')}.conf"

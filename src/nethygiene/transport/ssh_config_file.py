"""ssh_config without OpenSSH's client: paramiko's parser, without Include and Match."""

from __future__ import annotations

import glob
import re
from pathlib import Path

import paramiko

from nethygiene.transport.ssh_options import SshQuery, config_error, explicit_config

_DEFAULT_IDENTITIES = tuple(f"~/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa"))


def parse(query: SshQuery) -> dict[str, tuple[str, ...]]:
    """The options of the files and of the query's own -o and -J, by keyword.

    Raises:
        ConnectError: ``ssh-config``, for a file that is wrong or beyond this parser.
    """
    config = paramiko.SSHConfig()
    explicit = explicit_config(query)
    paths = [explicit] if explicit else ["~/.ssh/config", "/etc/ssh/ssh_config"]
    texts: list[str] = []
    for path in paths:
        try:
            texts.append(Path(path).expanduser().read_text("utf-8", "surrogateescape"))
        except OSError as error:
            if explicit:
                raise config_error(
                    query.destination, f"{path}: {error.strerror}", "correct --ssh-config"
                ) from None
    text = "\n".join(texts)
    beyond = re.search(r"^\s*(include|match)\b.*$", text, re.IGNORECASE | re.MULTILINE)
    # Debian's own file includes a directory that is empty unless somebody fills it.
    if beyond and not _includes_nothing(beyond[0]):
        raise config_error(
            query.destination,
            f"`{beyond[0].strip()}` cannot be understood without OpenSSH's client",
            "install openssh-client, or name a plain file by --ssh-config",
        )
    lead = _given_options(query)
    try:
        config.parse([*lead, *text.splitlines()])
        options = config.lookup(query.destination)
    except (paramiko.SSHException, ValueError) as error:
        raise config_error(query.destination, str(error), "correct ssh_config") from None
    answer: dict[str, tuple[str, ...]] = {}
    for name, value in options.items():
        # IdentityFile and CertificateFile are lists, though the stubs do not say so.
        values: object = value
        answer[name.lower()] = tuple(values) if isinstance(values, list) else (str(value),)
    answer.setdefault("identityfile", () if query.identities else _DEFAULT_IDENTITIES)
    answer.setdefault("userknownhostsfile", ("~/.ssh/known_hosts ~/.ssh/known_hosts2",))
    answer.setdefault(
        "globalknownhostsfile", ("/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",)
    )
    return answer


def _given_options(query: SshQuery) -> list[str]:
    lines = ["Host *"]
    if query.port is not None:
        lines.append(f"Port {query.port}")
    if query.user is not None:
        lines.append(f"User {query.user}")
    rest = iter(query.arguments)
    for text in rest:
        value = text[2:] or next(rest, "")
        if text.startswith("-o"):
            lines.append(value)
        elif text.startswith("-J"):
            lines.append(f"ProxyJump {value}")
    return lines


def _includes_nothing(line: str) -> bool:
    words = line.split()
    if words[0].lower() != "include":
        return False
    # Path.glob raises for patterns such as `/`.
    return not any(glob.glob(str(Path("/etc/ssh", word))) for word in words[1:])  # noqa: PTH207
